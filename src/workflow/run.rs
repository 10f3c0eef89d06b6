//! One run of any flow: begun, observed by a listing or by a replay, told and remembered. What the observers do is their own files'
//! concern.

use super::endpoints::Doors;
use super::options::Options;
use super::{backlog, snapshots};
use crate::apply::{ApplyContext, ApplyError, ApplyOptions, Bounds, Executor};
use crate::clock::Clock;
use crate::report::{Frame, Report};
use crate::run::{Halt, RunKind, RunOutcome, Tally};
use crate::state::{InstanceLock, State, StateError};
use crate::telemetry;
use jiff::Timestamp;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// One run of any flow.
pub struct Flow {
    /// The doors.
    pub doors: Doors,
    /// The state, already found to describe these doors.
    pub state: State,
    /// What it was told.
    pub options: Options,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts as it goes; the caller may watch.
    pub tally: Arc<Tally>,
    /// Stops it; the caller may.
    pub halt: Halt,
}

/// A run that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) kind: RunKind,
    pub(super) began: Timestamp,
}

/// What is still to be written when everything is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotsLeft {
    /// The new side.
    New,
    /// Nothing: both were written, or there is nothing to show.
    None,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// As it is told.
    pub report: Report,
    /// As it is remembered.
    pub outcome: RunOutcome,
    /// The guard held deletes.
    pub deletes_held: bool,
}

impl Flow {
    /// Runs to the end, or until a door proves shut or somebody stops it. An error is the state's: it cannot go on at all.
    pub async fn run(self, kind: RunKind, lock: &mut InstanceLock) -> Result<Ended, ApplyError> {
        telemetry::run(kind.as_str(), self.run_in_span(kind, lock)).await
    }

    async fn run_in_span(self, kind: RunKind, lock: &mut InstanceLock) -> Result<Ended, ApplyError> {
        let began = self.clock.now();
        let number = self.state.begin_run(kind, began, lock.last_run()).await?;
        lock.remember_run(number)?;
        telemetry::run_began(number);
        let run = Run { number, kind, began };
        let snapshots = match kind {
            RunKind::Initial | RunKind::Reconcile => self.observe_by_listing(run).await?,
            RunKind::Incremental => self.observe_by_replay(run).await?,
        };
        self.finish(run, snapshots).await
    }

    pub(super) fn kept(&self) -> NonZeroUsize {
        self.options.kept_snapshots
    }

    pub(super) fn executor(&self, run: u64) -> Executor {
        let Options { limits, retry, verify, concurrency, grace, .. } = self.options;
        let (_, sink) = self.doors.sinks.first().expect("invariant: a flow has a sink").clone();
        let concurrency = sink.capabilities().connections.map_or(concurrency, |most| most.min(concurrency));
        let options = ApplyOptions { run, limits, retry, verify };
        let context = ApplyContext::new(self.doors.source.clone(), sink, self.state.clone(), options);
        Executor::new(context, self.clock.clone(), self.tally.clone(), self.halt.clone(), Bounds { concurrency, grace })
    }

    /// Nothing can go on: the run stops.
    pub(super) fn stop(&self, error: &ApplyError) {
        self.halt.stop(Some(error.into()));
    }

    async fn finish(&self, run: Run, snapshots: SnapshotsLeft) -> Result<Ended, ApplyError> {
        let Run { number, kind, began } = run;
        let stopped_by_somebody = self.halt.is_stopped() && self.halt.cause().is_none();
        let totals = self.tally.totals();
        let overview = self.state.overview().await?;
        let showed_nothing = self.halt.is_stopped() && totals.pages == 0 && totals.done() == 0;
        // As after a cycle to which nothing was told: every night a pair of equal snapshots would push out one that shows something.
        let nothing_differed = kind == RunKind::Reconcile
            && !self.halt.is_stopped()
            && totals.done() == 0
            && ["due", "parked", "held"].iter().all(|status| overview.paths(status) == 0);
        match snapshots {
            SnapshotsLeft::New if showed_nothing || nothing_differed => {
                snapshots::take_back_old(&self.state, self.kept(), (number, began)).await?;
            }
            SnapshotsLeft::New if !stopped_by_somebody => snapshots::write_new(&self.state, self.kept(), (number, began)).await?,
            _ => {}
        }
        let cause = self.halt.cause();
        let frame = Frame {
            run: number,
            kind,
            time: (began, self.clock.now()),
            subject: (self.state.path().display().to_string(), self.options.bucket.clone()),
            stopped_by: match &cause {
                Some(error) => Some((error.message.clone(), error.hint)),
                None if self.halt.is_stopped() => Some(("by a signal".to_owned(), "run the command again: it goes on where it was")),
                None => None,
            },
            outside_prefix: match kind {
                RunKind::Initial | RunKind::Reconcile => self.state.count_outside(&self.options.prefix).await?,
                RunKind::Incremental => self.state.counted_outside().await?,
            },
        };
        let mut report = Report::of_run(&frame, &totals, &overview);
        report.report_refused = self.post(&report).await;
        let outcome = match (cause, self.halt.is_stopped()) {
            (Some(_), _) => RunOutcome::Failed,
            (None, false) if !totals.queue_failures.is_empty() || totals.feed_failure.is_some() => RunOutcome::Failed,
            (None, true) => RunOutcome::Stopped,
            (None, false) if report.success && report.report_refused.is_none() => RunOutcome::Done,
            (None, false) => RunOutcome::Partial,
        };
        self.remember(number, &report, outcome).await?;
        telemetry::run_ended(outcome.as_str());
        backlog::tell(&self.state, &overview, self.clock.now()).await;
        Ok(Ended { deletes_held: report.deletes_held > 0, report, outcome })
    }

    async fn remember(&self, run: u64, report: &Report, outcome: RunOutcome) -> Result<(), StateError> {
        let summary = serde_json::to_string(report).unwrap_or_default();
        self.state.end_run(run, outcome, self.clock.now(), summary).await
    }
}
