//! A worker that a test controls.

use super::*;
use crate::apply::RunTotals;
use crate::events::feed::Polled;
use crate::record::SinkName;
use crate::report::ReportContext;
use crate::state::{Overview, SinkOverview};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize};
use tokio::time::Instant;

/// Runs take a fixed time and end as the test sets. Endpoints can be unreachable for some probes.
#[derive(Debug)]
pub(super) struct FakeWorker {
    began: Instant,
    /// Kind of each run, and the seconds from the start at which it began and ended.
    runs: Mutex<Vec<(RunKind, u64, u64)>>,
    /// Seconds from the start at which the endpoints were probed.
    probes: Mutex<Vec<u64>>,
    pub(super) unreachable_for: AtomicUsize,
    pub(super) fail_next: AtomicUsize,
    pub(super) refuse_next: AtomicUsize,
    pub(super) refusal_code: AtomicU8,
    pub(super) fail_maintenance: AtomicUsize,
    busy: AtomicBool,
    pub(super) initial: AtomicBool,
    pub(super) listing_due: AtomicBool,
    pub(super) gap: AtomicBool,
    /// True while the events API does not answer.
    pub(super) events_api_down: AtomicBool,
    /// Whether each sink is reachable. Without an entry there is one that always is, and that is not probed.
    sinks: Mutex<BTreeMap<SinkName, bool>>,
    /// The next runs stop this sink, though it answers when it is probed.
    pub(super) refused_by_sink: Mutex<Vec<SinkName>>,
    takes: Duration,
}

impl FakeWorker {
    pub(super) fn new(takes: u64) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            runs: Mutex::default(),
            probes: Mutex::default(),
            unreachable_for: AtomicUsize::new(0),
            fail_next: AtomicUsize::new(0),
            refuse_next: AtomicUsize::new(0),
            refusal_code: AtomicU8::new(1),
            fail_maintenance: AtomicUsize::new(0),
            busy: AtomicBool::new(false),
            initial: AtomicBool::new(false),
            listing_due: AtomicBool::new(false),
            gap: AtomicBool::new(false),
            events_api_down: AtomicBool::new(false),
            sinks: Mutex::default(),
            refused_by_sink: Mutex::default(),
            takes: Duration::from_secs(takes),
        })
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    pub(super) fn runs(&self) -> Vec<(RunKind, u64, u64)> {
        self.runs.lock().expect("no test panics while it holds it").clone()
    }

    pub(super) fn begins(&self) -> Vec<u64> {
        self.runs().into_iter().map(|(_, began, _)| began).collect()
    }

    /// From now on this sink is reachable, or not.
    pub(super) fn set_sink(&self, name: &str, is_reachable: bool) {
        self.sinks.lock().expect("no test panics while it holds it").insert(name.parse().expect("a name"), is_reachable);
    }

    /// The sinks that a run stops, with the reason and a hint.
    fn stopped_sinks(&self) -> BTreeMap<SinkName, (String, &'static str)> {
        let sinks = self.sinks.lock().expect("no test panics while it holds it").clone();
        let unreachable = sinks.into_iter().filter(|(_, is_reachable)| !is_reachable).map(|(name, _)| name);
        let refused = self.refused_by_sink.lock().expect("no test panics while it holds it").pop();
        unreachable.chain(refused).map(|name| (name, ("connection refused".to_owned(), "start it"))).collect()
    }

    pub(super) fn probes(&self) -> Vec<u64> {
        self.probes.lock().expect("no test panics while it holds it").clone()
    }
}

pub(super) fn take_one(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl Worker for FakeWorker {
    async fn probe_endpoints(&self) -> Vec<ProbeResult> {
        self.probes.lock().expect("no test panics while it holds it").push(self.now());
        let unreachable = take_one(&self.unreachable_for).then(|| "S3: no such bucket".to_owned());
        let events_api_down = self.events_api_down.load(Ordering::SeqCst).then(|| "events API: connection refused".to_owned());
        let endpoint = |name: &str, role, unreachable| ProbeResult { name: name.to_owned(), role, unreachable };
        let sinks = self.sinks.lock().expect("no test panics while it holds it").clone();
        let sinks = sinks.into_iter().map(|(name, is_reachable)| {
            let name = sink_endpoint(&name);
            endpoint(&name, EndpointRole::Sink, (!is_reachable).then(|| format!("{name}: connection refused")))
        });
        let bucket = endpoint("S3", EndpointRole::Source, unreachable);
        let events = endpoint(EVENTS_API, EndpointRole::Optional, events_api_down);
        std::iter::once(bucket).chain(sinks).chain([events]).collect()
    }

    async fn initial_completed(&self) -> Result<bool, String> {
        Ok(self.initial.load(Ordering::SeqCst))
    }

    async fn listing_is_due(&self) -> Result<bool, String> {
        Ok(self.listing_due.load(Ordering::SeqCst))
    }

    async fn run(&self, request: RunRequest, _: Arc<RunCounters>, stop_signal: StopSignal) -> RunResult {
        if take_one(&self.refuse_next) {
            return RunResult::NotRun {
                exit_code: self.refusal_code.load(Ordering::SeqCst),
                message: "the state cannot be used".to_owned(),
            };
        }
        assert!(!self.busy.swap(true, Ordering::SeqCst), "two runs at once");
        let began = self.now();
        tokio::select! {
            () = sleep(self.takes) => {}
            () = stop_signal.stopped() => sleep(Duration::from_secs(3)).await,
        }
        self.busy.store(false, Ordering::SeqCst);
        self.runs.lock().expect("no test panics while it holds it").push((request.kind, began, self.now()));
        let stopped_sinks = self.stopped_sinks();
        let sinks = self.sinks.lock().expect("no test panics while it holds it").clone();
        let every_sink_stopped = !sinks.is_empty() && stopped_sinks.len() == sinks.len();
        let outcome = match (stop_signal.is_stopped(), take_one(&self.fail_next) || !stopped_sinks.is_empty()) {
            (true, _) => RunOutcome::Stopped,
            (false, true) => RunOutcome::Failed,
            (false, false) => RunOutcome::Done,
        };
        self.initial.fetch_or(request.kind == RunKind::Initial && outcome == RunOutcome::Done, Ordering::SeqCst);
        let now = Timestamp::UNIX_EPOCH;
        let events_api_down = self.events_api_down.load(Ordering::SeqCst);
        let stopped_by = (outcome == RunOutcome::Failed && !events_api_down && (stopped_sinks.is_empty() || every_sink_stopped))
            .then(|| ("no such bucket".to_owned(), "create it"));
        let frame = ReportContext { run: 1, kind: request.kind, time: (now, now), subject: Default::default(), stopped_by, stopped_sinks };
        // A reconcile closes an event gap.
        let gap = self.gap.load(Ordering::SeqCst) && request.kind != RunKind::Reconcile;
        self.gap.store(gap, Ordering::SeqCst);
        let sinks = sinks.into_keys().map(|name| SinkOverview {
            name,
            applied_rows: 0,
            unconfirmed_rows: 0,
            waiting: Vec::new(),
            open_intents: 0,
            outside_prefix: 0,
        });
        let overview = Overview { feed_gap: gap.then_some(now), sinks: sinks.collect(), ..Overview::default() };
        let feed_failure = events_api_down.then(|| ("connection refused".to_owned(), "start it"));
        let polled = (!events_api_down && request.kind == RunKind::Incremental).then(Polled::default);
        let totals = RunTotals { polled, feed_failure, ..RunTotals::default() };
        RunResult::Ended { exit_code: 0, outcome, report: Box::new(Report::of_run(&frame, &totals, &overview)) }
    }

    async fn retry_dead_letters(&self, _: Which) -> Result<Retried, String> {
        Ok(Retried::default())
    }

    async fn drop_dead_letters(&self, _: Which) -> Result<u64, String> {
        Ok(0)
    }

    async fn dead_letters_problem(&self) -> Result<Option<String>, String> {
        Ok(None)
    }

    async fn record_backlog(&self) {}

    async fn run_maintenance(&self, task: MaintenanceTask) -> Result<String, String> {
        if task == MaintenanceTask::Inbox && take_one(&self.fail_maintenance) {
            Err("a broken broom".to_owned())
        } else {
            Ok("swept".to_owned())
        }
    }
}
