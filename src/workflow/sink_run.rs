//! One sink's part of a run: its state, executor, counters and stop signal. A sink that fails does not stop the other sinks.

use super::flow::{Flow, RunInfo};
use super::snapshots;
use crate::apply::{ApplyContext, ApplyError, ApplyOptions, Bounds, Executor};
use crate::run::{OwnListing, RunKind, RunTotals, SinkCounters, SinkStopSignal};
use crate::state::{Overview, SinkState};
use std::sync::atomic::{AtomicBool, Ordering};

/// One sink in one run.
pub(super) struct SinkRun<'f> {
    pub(super) flow: &'f Flow,
    pub(super) run: RunInfo,
    pub(super) state: SinkState,
    pub(super) executor: Executor,
    pub(super) counters: SinkCounters,
    pub(super) stop_signal: SinkStopSignal,
    /// True if the run has written the old snapshot of the sink and has not written the new one.
    new_snapshot_missing: AtomicBool,
}

impl Flow {
    /// Creates the part of each sink in this run.
    pub(super) fn sink_runs(&self, run: RunInfo, listing: &OwnListing) -> Vec<SinkRun<'_>> {
        let stop_signals = SinkStopSignal::of_run(&self.stop_signal, self.sinks.len());
        let sinks = self.sinks.iter().cloned().zip(stop_signals);
        sinks.map(|(state, stop_signal)| SinkRun::new(self, run, (state, stop_signal), listing.clone())).collect()
    }
}

impl<'f> SinkRun<'f> {
    fn new(flow: &'f Flow, run: RunInfo, (state, stop_signal): (SinkState, SinkStopSignal), listing: OwnListing) -> Self {
        let counters = SinkCounters::new(flow.counters.clone(), state.name().clone());
        let options = &flow.options;
        let sink = flow.endpoints.sink(state.name());
        let concurrency = sink.capabilities().connections.map_or(options.concurrency, |bound| bound.min(options.concurrency));
        let apply = ApplyOptions { run: run.number, retry: options.retry, verify: options.verify };
        let context = ApplyContext::new(flow.endpoints.source.clone(), sink, state.clone(), apply, listing);
        let bounds = Bounds { concurrency, grace: options.grace };
        let executor = Executor::new(context, flow.clock.clone(), counters.clone(), stop_signal.clone(), bounds);
        Self { flow, run, state, executor, counters, stop_signal, new_snapshot_missing: AtomicBool::new(false) }
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
        let (run, stopped) = (&self.flow.stop_signal, self.stop_signal.is_stopped());
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
