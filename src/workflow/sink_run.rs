//! One sink's part of a run: its state, executor, counters and stop signal. A sink that fails does not stop the other sinks.

use super::flow::{Flow, RunInfo};
use super::snapshots;
use crate::apply::{ApplyContext, ApplyError, ApplyOptions, Bounds, Executor};
use crate::run::{RunKind, RunTotals, SinkCounters, SinkStopSignal};
use crate::state::{Overview, SinkState};
use std::sync::atomic::{AtomicBool, Ordering};

/// One sink in one run.
pub(super) struct SinkRun<'f> {
    pub(super) flow: &'f Flow,
    pub(super) run: RunInfo,
    pub(super) state: SinkState,
    pub(super) executor: Executor,
    pub(super) tally: SinkCounters,
    pub(super) halt: SinkStopSignal,
    /// True if the run has written the old snapshot of the sink and has not written the new one.
    new_snapshot_missing: AtomicBool,
}

impl Flow {
    /// Creates the part of each sink in this run.
    pub(super) fn sink_runs(&self, run: RunInfo) -> Vec<SinkRun<'_>> {
        let halts = SinkStopSignal::of_run(&self.halt, self.sinks.len());
        self.sinks.iter().zip(halts).map(|(state, halt)| SinkRun::new(self, run, state.clone(), halt)).collect()
    }
}

impl<'f> SinkRun<'f> {
    fn new(flow: &'f Flow, run: RunInfo, state: SinkState, halt: SinkStopSignal) -> Self {
        let tally = SinkCounters::new(flow.tally.clone(), state.name().clone());
        let options = &flow.options;
        let sink = flow.doors.sink(state.name());
        let concurrency = sink.capabilities().connections.map_or(options.concurrency, |bound| bound.min(options.concurrency));
        let apply = ApplyOptions { run: run.number, retry: options.retry, verify: options.verify };
        let context = ApplyContext::new(flow.doors.source.clone(), sink, state.clone(), apply);
        let bounds = Bounds { concurrency, grace: options.grace };
        let executor = Executor::new(context, flow.clock.clone(), tally.clone(), halt.clone(), bounds);
        Self { flow, run, state, executor, tally, halt, new_snapshot_missing: AtomicBool::new(false) }
    }

    /// Awaits a part of the work. On an error it returns `None` and stops the sink, or the run if the sink did not cause the error.
    pub(super) async fn attempt<T>(&self, part: impl Future<Output = Result<T, ApplyError>>) -> Option<T> {
        match part.await {
            Ok(done) => Some(done),
            Err(error) => {
                self.executor.stop(&error);
                None
            }
        }
    }

    /// Writes the sink's old snapshot. The new one is written when the run ends.
    pub(super) async fn write_old_snapshot(&self) -> Result<(), ApplyError> {
        snapshots::write_old(&self.state, &self.flow.options, (self.run.number, self.run.began)).await?;
        self.new_snapshot_missing.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the sink's old and new snapshot.
    pub(super) async fn write_both_snapshots(&self) -> Result<(), ApplyError> {
        snapshots::write_both(&self.state, &self.flow.options, (self.run.number, self.run.began)).await
    }

    /// Writes the sink's new snapshot, if only the old one is written. If the run changed nothing, it removes the old snapshot instead:
    /// otherwise the equal pairs of nightly reconciles would displace the useful snapshots.
    pub(super) async fn finish_snapshots(&self, totals: &RunTotals, overview: &Overview) -> Result<(), ApplyError> {
        if !self.new_snapshot_missing.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (run, stopped) = (&self.flow.halt, self.halt.is_stopped());
        let done = totals.sink(self.state.name()).done();
        let pending = overview
            .sinks
            .iter()
            .filter(|sink| sink.name == *self.state.name())
            .map(|sink| ["due", "parked", "held"].iter().map(|status| sink.paths(status)).sum::<u64>());
        let showed_nothing = stopped && totals.pages == 0 && done == 0;
        let nothing_differed = self.run.kind == RunKind::Reconcile && !stopped && done == 0 && pending.sum::<u64>() == 0;
        let at = (self.run.number, self.run.began);
        if showed_nothing || nothing_differed {
            return snapshots::remove_old(&self.state, &self.flow.options, at).await;
        }
        if run.is_stopped() && run.cause().is_none() { Ok(()) } else { snapshots::write_new(&self.state, &self.flow.options, at).await }
    }
}
