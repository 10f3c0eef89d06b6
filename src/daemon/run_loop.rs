//! The run loop: executes one run request after the other. Only this loop starts runs.

use super::run_queue::{QueuedRun, RunPhase};
use super::status::{self, Health};
use super::{RunRequest, RunResult, Shared, backlog, endpoint_status};
use crate::apply::RunCounters;
use crate::run::ErrorSummary;
use crate::state::{RunKind, RunOutcome};
use std::sync::Arc;

/// The key of the health problem that a run sets if it failed, was incomplete or did not begin. The next successful run clears it.
const LAST_RUN: &str = "last run";
/// The exit code of a run whose state another process uses. The daemon holds the lock, so its own run gets this code only if the lock was lost.
const STATE_TAKEN_OVER: u8 = 4;
/// The exit code of wrong usage.
const USAGE: u8 = 2;
/// The key of the health problem for an event gap, whose older name it has. A completed listing clears it.
const EVENT_GAP: &str = "feed gap";

/// Executes requests one by one. When the daemon stops, the active run is finished first.
pub(super) async fn run(shared: Shared) {
    loop {
        let QueuedRun { request, phase } = tokio::select! {
            biased;
            () = shared.stop_signal.stopped() => return,
            waiting = shared.run_queue.next() => waiting,
        };
        let counters = Arc::new(RunCounters::default());
        let task = task_name(request.kind);
        shared.tasks.run_began(task, request.kind, counters.clone());
        phase.send_replace(RunPhase::Running(counters.clone()));
        tracing::info!(kind = request.kind.as_str(), "a run begins");
        let run_result = shared.worker.run(request, counters, shared.stop_signal.for_one_run()).await;
        backlog::record_dead_letters(&shared).await;
        record_result(&shared, task, &run_result);
        phase.send_replace(RunPhase::Ended(Arc::new(run_result)));
    }
}

fn task_name(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Initial => status::INITIAL,
        RunKind::Incremental => status::CYCLE,
        RunKind::Reconcile => status::RECONCILE,
    }
}

/// The effect of a run's result on the health problem [`LAST_RUN`].
enum HealthChange {
    /// The problem stays as it is.
    Keep,
    /// The problem is solved.
    Clear,
    /// The problem is this one.
    Set(Health, String),
}

/// Records the result of a run and its effect on the health of the service.
fn record_result(shared: &Shared, task: &'static str, run_result: &RunResult) {
    let (result, change) = match run_result {
        RunResult::Ended { outcome, report, .. } => {
            let first_error = report.errors.first().map(|first| format!(": {first}")).unwrap_or_default();
            let result = format!("run {} {}{first_error}", report.run, outcome.as_str());
            tracing::info!(
                run = report.run,
                outcome = outcome.as_str(),
                created = report.operations.create,
                updated = report.operations.update,
                deleted = report.operations.delete,
                failed = report.statistics.operations_failed,
                seconds = report.duration_seconds,
                "a run ended"
            );
            let change = match outcome {
                RunOutcome::Done => HealthChange::Clear,
                RunOutcome::Partial => HealthChange::Set(Health::Degraded, result.clone()),
                // Only the feed, a queue or some sinks were unreachable, and the run continued without them: degraded, not an error.
                RunOutcome::Failed if !report.trouble.is_stopped => HealthChange::Set(Health::Degraded, result.clone()),
                RunOutcome::Failed => HealthChange::Set(Health::Error, result.clone()),
                // A signal stopped the run: keep the health as it was.
                RunOutcome::Stopped => HealthChange::Keep,
            };
            (result, change)
        }
        RunResult::NotRun { exit_code, message } => {
            tracing::warn!(exit_code, "a run was refused: {message}");
            if *exit_code == STATE_TAKEN_OVER {
                let hint = "let one service use the state, and start this one again when the other has stopped";
                let cause = ErrorSummary { reason: "state_taken_over".to_owned(), message: message.clone(), hint };
                shared.stop_signal.stop(Some(cause));
            }
            // A usage error of a client does not concern the health of the service.
            let change = if *exit_code == USAGE { HealthChange::Keep } else { HealthChange::Set(Health::Error, message.clone()) };
            (message.clone(), change)
        }
    };
    if let RunResult::Ended { report, .. } = run_result {
        endpoint_status::record_run(&shared.tasks, report);
    }
    request_listing_after_gap(shared, run_result);
    shared.tasks.run_ended(task, result);
    match change {
        HealthChange::Keep => {}
        HealthChange::Clear => shared.tasks.set_problem(LAST_RUN, None),
        HealthChange::Set(health, message) => shared.tasks.set_problem(LAST_RUN, Some((health, message))),
    }
    if run_result.failed_in_sinks_only() {
        shared.sink_stopped.notify_one();
    } else if run_result.failed() {
        shared.run_failed.notify_one();
    }
}

/// Submits a reconcile after each incremental sync whose report shows an event gap. A completed listing closes the gap.
fn request_listing_after_gap(shared: &Shared, run_result: &RunResult) {
    // A refused run has no report.
    let RunResult::Ended { report, .. } = run_result else { return };
    let problem = "events may have been missed: a reconcile finds what they reported".to_owned();
    shared.tasks.set_problem(EVENT_GAP, report.feed_gap.then_some((Health::Degraded, problem)));
    let is_incremental = report.sync_type == "incremental" && report.mode.is_none();
    if report.feed_gap && is_incremental && shared.run_queue.submit(RunRequest::of(RunKind::Reconcile)).is_err() {
        tracing::warn!("the run queue has no room for the reconcile after a gap of the feed: the next cycle requests it again");
    }
}

impl RunResult {
    /// True if the run failed or did not begin, for example because an endpoint was unreachable. A usage error is not a failure.
    pub(super) fn failed(&self) -> bool {
        match self {
            Self::Ended { outcome, .. } => *outcome == RunOutcome::Failed,
            Self::NotRun { exit_code, .. } => *exit_code != USAGE,
        }
    }

    /// True if the run failed because some sinks were stopped, and it served the others to its end.
    pub(super) fn failed_in_sinks_only(&self) -> bool {
        matches!(self, Self::Ended { outcome: RunOutcome::Failed, report, .. } if report.has_only_stopped_sinks())
    }
}
