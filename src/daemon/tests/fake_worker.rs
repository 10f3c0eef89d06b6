//! The worker that a test plays.

use super::*;
use crate::apply::Totals;
use crate::events::feed::Polled;
use crate::report::Frame;
use crate::state::Overview;
use jiff::Timestamp;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use tokio::time::Instant;

/// Runs take a time and end as they are told to; doors are shut for some looks.
#[derive(Debug)]
pub(super) struct Played {
    began: Instant,
    /// Kind, and seconds from the start at which a run began and ended.
    runs: Mutex<Vec<(RunKind, u64, u64)>>,
    /// Seconds from the start at which the doors were looked at.
    looks: Mutex<Vec<u64>>,
    pub(super) shut_for: AtomicUsize,
    pub(super) fail_next: AtomicUsize,
    pub(super) refuse_next: AtomicUsize,
    pub(super) broken_broom: AtomicUsize,
    busy: AtomicBool,
    pub(super) initial: AtomicBool,
    pub(super) long_away: AtomicBool,
    pub(super) gap: AtomicBool,
    /// The events API does not answer.
    pub(super) mute: AtomicBool,
    takes: Duration,
}

impl Played {
    pub(super) fn new(takes: u64) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            runs: Mutex::default(),
            looks: Mutex::default(),
            shut_for: AtomicUsize::new(0),
            fail_next: AtomicUsize::new(0),
            refuse_next: AtomicUsize::new(0),
            broken_broom: AtomicUsize::new(0),
            busy: AtomicBool::new(false),
            initial: AtomicBool::new(false),
            long_away: AtomicBool::new(false),
            gap: AtomicBool::new(false),
            mute: AtomicBool::new(false),
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

    pub(super) fn looks(&self) -> Vec<u64> {
        self.looks.lock().expect("no test panics while it holds it").clone()
    }
}

pub(super) fn one_less(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl Worker for Played {
    async fn try_doors(&self) -> Vec<Tried> {
        self.looks.lock().expect("no test panics while it holds it").push(self.now());
        let shut = one_less(&self.shut_for).then(|| "S3: no such bucket".to_owned());
        let mute = self.mute.load(Ordering::SeqCst).then(|| "events API: nobody listens".to_owned());
        vec![Tried { name: "S3".to_owned(), shut, awaited: true }, Tried { name: EVENTS_API.to_owned(), shut: mute, awaited: false }]
    }

    async fn initial_completed(&self) -> Result<bool, String> {
        Ok(self.initial.load(Ordering::SeqCst))
    }

    async fn listing_is_due(&self) -> Result<bool, String> {
        Ok(self.long_away.load(Ordering::SeqCst))
    }

    async fn run(&self, order: Order, _: Arc<Tally>, halt: Halt) -> Ran {
        if one_less(&self.refuse_next) {
            return Ran::Refused { exit_code: 1, message: "the state cannot be used".to_owned() };
        }
        assert!(!self.busy.swap(true, Ordering::SeqCst), "two runs at once");
        let began = self.now();
        tokio::select! {
            () = sleep(self.takes) => {}
            () = halt.stopped() => sleep(Duration::from_secs(3)).await,
        }
        self.busy.store(false, Ordering::SeqCst);
        self.runs.lock().expect("no test panics while it holds it").push((order.kind, began, self.now()));
        let outcome = match (halt.is_stopped(), one_less(&self.fail_next)) {
            (true, _) => RunOutcome::Stopped,
            (false, true) => RunOutcome::Failed,
            (false, false) => RunOutcome::Done,
        };
        self.initial.fetch_or(order.kind == RunKind::Initial && outcome == RunOutcome::Done, Ordering::SeqCst);
        let now = Timestamp::UNIX_EPOCH;
        let mute = self.mute.load(Ordering::SeqCst);
        let stopped_by = (outcome == RunOutcome::Failed && !mute).then(|| ("no such bucket".to_owned(), "create it"));
        let frame = Frame { run: 1, kind: order.kind, time: (now, now), subject: Default::default(), stopped_by, outside_prefix: 0 };
        // A listing heals a gap of the feed.
        let gap = self.gap.load(Ordering::SeqCst) && order.kind != RunKind::Reconcile;
        self.gap.store(gap, Ordering::SeqCst);
        let overview = Overview { feed_gap: gap.then_some(now), ..Overview::default() };
        let feed_failure = mute.then(|| ("nobody listens".to_owned(), "start it"));
        let polled = (!mute && order.kind == RunKind::Incremental).then(Polled::default);
        let totals = Totals { polled, feed_failure, ..Totals::default() };
        Ran::Ended { exit_code: 0, outcome, report: Box::new(Report::of_run(&frame, &totals, &overview)) }
    }

    async fn retry_letters(&self, _: Which) -> Result<Retried, String> {
        Ok(Retried::default())
    }

    async fn forget_letters(&self, _: Which) -> Result<u64, String> {
        Ok(0)
    }

    async fn tell_backlog(&self) {}

    async fn keep_house(&self, chore: Chore) -> Result<String, String> {
        if chore == Chore::Inbox && one_less(&self.broken_broom) { Err("a broken broom".to_owned()) } else { Ok("swept".to_owned()) }
    }
}
