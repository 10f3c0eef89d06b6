//! The run loop: executes one run request after the other. Only this loop starts runs.

use super::run_queue::{QueuedRun, Stage};
use super::status::{self, Health};
use super::{RunRequest, RunResult, Shared, endpoint_status};
use crate::apply::RunCounters;
use crate::state::{RunKind, RunOutcome};
use std::sync::Arc;

/// The key of the health problem that the last failed run set. The next successful run clears it.
const LAST_RUN: &str = "last run";
/// The key of the health problem for an event gap. A completed listing clears it.
const FEED_GAP: &str = "feed gap";

/// Executes requests until the daemon stops, and finishes the active run.
pub(super) async fn run(shared: Shared) {
    loop {
        let QueuedRun { request, stage } = tokio::select! {
            biased;
            () = shared.halt.stopped() => return,
            waiting = shared.run_queue.next() => waiting,
        };
        let tally = Arc::new(RunCounters::default());
        let name = task_of(request.kind);
        shared.tasks.run_began(name, request.kind, tally.clone());
        stage.send_replace(Stage::Running(tally.clone()));
        tracing::info!(kind = request.kind.as_str(), "a run begins");
        let run_result = shared.worker.run(request, tally, shared.halt.for_one_run()).await;
        record_result(&shared, name, &run_result);
        stage.send_replace(Stage::Ended(Arc::new(run_result)));
    }
}

fn task_of(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Initial => status::INITIAL,
        RunKind::Incremental => status::CYCLE,
        RunKind::Reconcile => status::RECONCILE,
    }
}

/// Records the result of a run and its effect on the health of the service.
fn record_result(shared: &Shared, name: &'static str, run_result: &RunResult) {
    let (result, problem) = match run_result {
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
            let problem = match outcome {
                RunOutcome::Done => Some(None),
                RunOutcome::Partial => Some(Some((Health::Degraded, result.clone()))),
                // Only the feed or a queue was unreachable, and the run continued without it: degraded, not an error.
                RunOutcome::Failed if !report.errors.iter().any(|line| line.starts_with("stopped: ")) => {
                    Some(Some((Health::Degraded, result.clone())))
                }
                RunOutcome::Failed => Some(Some((Health::Error, result.clone()))),
                // A signal stopped the run: keep the health as it was.
                RunOutcome::Stopped => None,
            };
            (result, problem)
        }
        RunResult::Refused { exit_code, message } => {
            tracing::warn!(exit_code, "a run was refused: {message}");
            // A usage error of a client does not concern the health of the service.
            let problem = (*exit_code != 2).then(|| Some((Health::Error, message.clone())));
            (message.clone(), problem)
        }
    };
    if let RunResult::Ended { report, .. } = run_result {
        endpoint_status::note_feed_result(shared, report);
    }
    request_listing_after_gap(shared, run_result);
    shared.tasks.run_ended(name, result);
    if let Some(problem) = problem {
        shared.tasks.set_problem(LAST_RUN, problem);
    }
    if run_result.failed() {
        shared.failed.notify_one();
    }
}

/// Submits a reconcile if the report shows an event gap. Each incremental sync does so again until a reconcile has completed.
fn request_listing_after_gap(shared: &Shared, run_result: &RunResult) {
    // A refused run has no report.
    let RunResult::Ended { report, .. } = run_result else { return };
    let problem = "events may have been missed: a reconcile finds what they reported".to_owned();
    shared.tasks.set_problem(FEED_GAP, report.feed_gap.then_some((Health::Degraded, problem)));
    let of_a_cycle = report.sync_type == "incremental" && report.mode.is_none();
    if report.feed_gap && of_a_cycle && shared.run_queue.submit(RunRequest::of(RunKind::Reconcile)).is_err() {
        tracing::warn!("the run queue has no room for the reconcile after a gap of the feed: the next cycle requests it again");
    }
}

impl RunResult {
    /// True if the run failed or did not begin, for example because an endpoint was unreachable. A usage error is not a failure.
    pub(super) fn failed(&self) -> bool {
        match self {
            Self::Ended { outcome, .. } => *outcome == RunOutcome::Failed,
            Self::Refused { exit_code, .. } => *exit_code != 2,
        }
    }
}
