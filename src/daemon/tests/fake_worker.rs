//! A worker that a test controls.

use super::*;
use crate::apply::RunTotals;
use crate::events::feed::Polled;
use crate::report::ReportContext;
use crate::state::Overview;
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
        vec![
            ProbeResult { name: "S3".to_owned(), unreachable, awaited: true },
            ProbeResult { name: EVENTS_API.to_owned(), unreachable: events_api_down, awaited: false },
        ]
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
        let outcome = match (stop_signal.is_stopped(), take_one(&self.fail_next)) {
            (true, _) => RunOutcome::Stopped,
            (false, true) => RunOutcome::Failed,
            (false, false) => RunOutcome::Done,
        };
        self.initial.fetch_or(request.kind == RunKind::Initial && outcome == RunOutcome::Done, Ordering::SeqCst);
        let now = Timestamp::UNIX_EPOCH;
        let events_api_down = self.events_api_down.load(Ordering::SeqCst);
        let stopped_by = (outcome == RunOutcome::Failed && !events_api_down).then(|| ("no such bucket".to_owned(), "create it"));
        let frame = ReportContext {
            run: 1,
            kind: request.kind,
            time: (now, now),
            subject: Default::default(),
            stopped_by,
            stopped_sinks: BTreeMap::new(),
        };
        // A reconcile closes an event gap.
        let gap = self.gap.load(Ordering::SeqCst) && request.kind != RunKind::Reconcile;
        self.gap.store(gap, Ordering::SeqCst);
        let overview = Overview { feed_gap: gap.then_some(now), ..Overview::default() };
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
