//! Starts a run, calls the listing flow or the event flow, then reports and stores the result. The flows observe and apply; see
//! `observe_listing.rs` and `observe_events.rs`.

use super::backlog;
use super::flow::{Flow, RunInfo};
use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::report::{Report, ReportContext};
use crate::run::{OwnListing, RunKind, RunOutcome};
use crate::state::{InstanceLock, StateError};
use crate::telemetry;
use std::collections::BTreeMap;

/// The result of a finished run.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// The report. If the events API refused it, it contains the reason.
    pub report: Report,
    /// How the run ended.
    pub outcome: RunOutcome,
    /// True if the guard holds deletes of any sink.
    pub deletes_held: bool,
}

impl Flow {
    /// Runs until everything due is done, the source or every sink is unreachable, or the stop signal arrives. Returns an error if the state or a
    /// snapshot failed; then the run has no recorded end.
    pub async fn run(self, kind: RunKind, lock: &mut InstanceLock) -> Result<FinishedRun, ApplyError> {
        telemetry::run(kind.as_str(), self.run_in_span(kind, lock)).await
    }

    async fn run_in_span(self, kind: RunKind, lock: &mut InstanceLock) -> Result<FinishedRun, ApplyError> {
        let began = self.clock.now();
        let number = self.state.runs().begin(kind, began, lock.last_run()).await?;
        lock.remember_run(number)?;
        telemetry::run_began(number);
        let run = RunInfo { number, kind, began };
        let listing = OwnListing::default();
        let sinks = self.sink_runs(run, &listing);
        match kind {
            RunKind::Initial | RunKind::Reconcile => self.run_listing(run, &listing, &sinks).await?,
            RunKind::Incremental => self.run_incremental(run, &sinks).await?,
        }
        self.finish(run, &sinks).await
    }

    async fn finish(&self, run: RunInfo, sinks: &[SinkRun<'_>]) -> Result<FinishedRun, ApplyError> {
        let RunInfo { number, kind, began } = run;
        if kind != RunKind::Incremental {
            for sink in sinks {
                sink.state.outside_prefix_store(&self.options.prefix).await?;
            }
        }
        let (totals, overview) = (self.counters.totals(), self.state.overview().await?);
        let mut stopped_sinks = BTreeMap::new();
        for sink in sinks {
            sink.finish_snapshots(&totals, &overview).await?;
            stopped_sinks.extend(sink.stop_signal.cause().map(|cause| (sink.state.name().clone(), (cause.message, cause.hint))));
        }
        let cause = self.stop_signal.cause();
        let context = ReportContext {
            run: number,
            kind,
            time: (began, self.clock.now()),
            subject: (self.state.path().display().to_string(), self.options.bucket.clone()),
            stopped_by: match &cause {
                Some(error) => Some((error.message.clone(), error.hint)),
                None if self.stop_signal.is_stopped() => Some(("by a signal".to_owned(), "run the command again: it goes on where it was")),
                None => None,
            },
            stopped_sinks,
        };
        let mut report = Report::of_run(&context, &totals, &overview);
        report.report_refused = self.post(&report).await;
        let outcome = match (cause, self.stop_signal.is_stopped()) {
            (Some(_), _) => RunOutcome::Failed,
            (None, false) if !totals.queue_failures.is_empty() || totals.feed_failure.is_some() => RunOutcome::Failed,
            (None, false) if !context.stopped_sinks.is_empty() => RunOutcome::Failed,
            (None, true) => RunOutcome::Stopped,
            (None, false) if report.success && report.report_refused.is_none() => RunOutcome::Done,
            (None, false) => RunOutcome::Partial,
        };
        self.record_run_end(number, &report, outcome).await?;
        telemetry::run_ended(outcome.as_str());
        backlog::record(&self.sinks, &overview, self.clock.now()).await;
        Ok(FinishedRun { deletes_held: report.holds_deletes(), report, outcome })
    }

    async fn record_run_end(&self, run: u64, report: &Report, outcome: RunOutcome) -> Result<(), StateError> {
        let summary = serde_json::to_string(report).unwrap_or_default();
        self.state.runs().end(run, outcome, self.clock.now(), summary).await
    }
}
