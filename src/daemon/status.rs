//! The status of the daemon's tasks, their last results, and the health of the service. Kept in memory and shown by `status`.

use super::{EndpointRole, EndpointStatus, ProbeResult, RunProgress};
use crate::apply::RunCounters;
use crate::clock::Clock;
use crate::state::RunKind;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The names of the tasks that every daemon has. Maintenance tasks and listeners have names of their own.
pub(super) const INITIAL: &str = "initial-sync";
pub(super) const CYCLE: &str = "cycle";
pub(super) const RECONCILE: &str = "reconcile";
pub(super) const ENDPOINTS: &str = "doors";

/// The health of the service: that of its worst problem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// There is no problem.
    #[default]
    Healthy,
    /// The service works, with a problem.
    Degraded,
    /// The service cannot do its work.
    Error,
}

impl Health {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Error => "error",
        }
    }
}

/// One task, as `status` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// `cycle`, `reconcile`, …
    pub name: String,
    /// `idle` or `running`.
    pub status: String,
    /// The schedule, in words; `null` = it runs when needed.
    pub schedule: Option<String>,
    /// The time of its next run.
    pub next: Option<Timestamp>,
    /// The time when it last began.
    pub began_at: Option<Timestamp>,
    /// The time when it last ended.
    pub ended_at: Option<Timestamp>,
    /// Its last result, in one sentence.
    pub last_result: Option<String>,
}

impl Task {
    /// The name as people read it. `name` is what programs read, and never changes.
    pub fn name_in_words(&self) -> &str {
        if self.name == ENDPOINTS { "endpoints" } else { &self.name }
    }
}

/// The active run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// `initial`, …
    pub kind: String,
    /// The time when it began.
    pub began_at: Timestamp,
    /// Its progress.
    pub progress: RunProgress,
}

/// The status of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// The process id.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// The time when it started.
    pub since: Timestamp,
    /// The health of the service.
    pub health: Health,
    /// The problems, one sentence each.
    pub problems: Vec<String>,
    /// The time of the next scheduled run.
    pub next_run: Option<Timestamp>,
    /// The active run.
    pub running: Option<Running>,
    /// The endpoints, by name. Those that were not probed yet are missing.
    #[serde(rename = "doors", default)]
    pub endpoints: Vec<EndpointStatus>,
    /// The tasks, by name.
    pub tasks: Vec<Task>,
}

/// The status of all tasks, shared by the tasks and the control socket. Cheap to clone.
#[derive(Clone)]
pub struct Tasks {
    inner: Arc<Mutex<Inner>>,
    clock: Arc<dyn Clock>,
}

struct Inner {
    since: Timestamp,
    tasks: BTreeMap<String, Task>,
    endpoints: BTreeMap<String, (EndpointRole, EndpointStatus)>,
    problems: BTreeMap<String, (Health, String)>,
    running: Option<(RunKind, Timestamp, Arc<RunCounters>)>,
}

impl Inner {
    /// Determines which endpoints runs wait for. A sink is one of them if no other sink is reachable.
    fn find_awaited_endpoints(&mut self) {
        let reachable = self.endpoints.values().filter(|(role, endpoint)| *role == EndpointRole::Sink && endpoint.open).count();
        for (role, endpoint) in self.endpoints.values_mut() {
            endpoint.awaited = match role {
                EndpointRole::Source => true,
                EndpointRole::Sink => reachable == usize::from(endpoint.open),
                EndpointRole::Optional => false,
            };
        }
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status().fmt(f)
    }
}

impl Tasks {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let inner =
            Inner { since: clock.now(), tasks: BTreeMap::new(), endpoints: BTreeMap::new(), problems: BTreeMap::new(), running: None };
        Self { inner: Arc::new(Mutex::new(inner)), clock }
    }

    pub(super) fn add(&self, name: &str, schedule: Option<String>) {
        self.with(name, |task| task.schedule = schedule);
    }

    pub(super) fn next(&self, name: &str, next: Option<Timestamp>) {
        self.with(name, |task| task.next = next);
    }

    pub(super) fn next_after(&self, name: &str, wait: Duration) {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        self.next(name, self.clock.now().checked_add(wait).ok());
    }

    pub(super) fn began(&self, name: &str) {
        let now = self.clock.now();
        self.with(name, |task| {
            "running".clone_into(&mut task.status);
            task.began_at = Some(now);
        });
    }

    pub(super) fn ended(&self, name: &str, result: String) {
        let now = self.clock.now();
        self.with(name, |task| {
            "idle".clone_into(&mut task.status);
            task.ended_at = Some(now);
            task.last_result = Some(result);
        });
    }

    /// Sets the result of a task that keeps running.
    pub(super) fn set_result(&self, name: &str, result: String) {
        self.with(name, |task| task.last_result = Some(result));
    }

    pub(super) fn run_began(&self, name: &str, kind: RunKind, counters: Arc<RunCounters>) {
        self.began(name);
        self.lock().running = Some((kind, self.clock.now(), counters));
    }

    pub(super) fn run_ended(&self, name: &str, result: String) {
        self.lock().running = None;
        self.ended(name, result);
    }

    /// Sets the problem of one subject; `None` clears it.
    pub(super) fn set_problem(&self, about: &str, problem: Option<(Health, String)>) {
        let mut inner = self.lock();
        match problem {
            Some(problem) => inner.problems.insert(about.to_owned(), problem),
            None => inner.problems.remove(about),
        };
    }

    pub(super) fn set_endpoint(&self, probe: &ProbeResult) {
        let ProbeResult { name, role, unreachable } = probe.clone();
        let (open, now) = (unreachable.is_none(), self.clock.now());
        let mut inner = self.lock();
        let since = inner.endpoints.get(&name).filter(|(_, before)| before.open == open).map_or(now, |(_, before)| before.since);
        inner.endpoints.insert(name.clone(), (role, EndpointStatus { name, open, message: unreachable, awaited: false, since }));
        inner.find_awaited_endpoints();
    }

    /// The endpoints with their roles.
    pub(super) fn endpoints(&self) -> Vec<(EndpointRole, EndpointStatus)> {
        self.lock().endpoints.values().cloned().collect()
    }

    /// The names of the sinks that are unreachable.
    pub(super) fn unreachable_sinks(&self) -> BTreeSet<String> {
        let sinks = self.endpoints().into_iter().filter(|(role, endpoint)| *role == EndpointRole::Sink && !endpoint.open);
        sinks.map(|(_, sink)| sink.name).collect()
    }

    /// The health of the service.
    pub fn health(&self) -> Health {
        self.lock().problems.values().map(|(health, _)| *health).max().unwrap_or_default()
    }

    /// The current status.
    pub fn status(&self) -> ServiceStatus {
        let health = self.health();
        let inner = self.lock();
        let running = inner.running.as_ref().map(|(kind, began_at, counters)| Running {
            kind: kind.as_str().to_owned(),
            began_at: *began_at,
            progress: RunProgress::of(&counters.totals()),
        });
        ServiceStatus {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: inner.since,
            health,
            problems: inner.problems.values().map(|(_, message)| message.clone()).collect(),
            next_run: [CYCLE, RECONCILE].iter().filter_map(|name| inner.tasks.get(*name)?.next).min(),
            running,
            endpoints: inner.endpoints.values().map(|(_, endpoint)| endpoint.clone()).collect(),
            tasks: inner.tasks.values().cloned().collect(),
        }
    }

    fn with(&self, name: &str, change: impl FnOnce(&mut Task)) {
        let mut inner = self.lock();
        let new = || Task { name: name.to_owned(), status: "idle".to_owned(), ..Task::default() };
        change(inner.tasks.entry(name.to_owned()).or_insert_with(new));
    }

    /// A poisoned lock is usable: the status is consistent at any time.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
