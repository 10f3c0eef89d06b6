//! The loop: one order after the other, each to its end. It alone starts runs.

use super::run_queue::{QueuedRun, Stage};
use super::status::{self, Health};
use super::{RunRequest, RunResult, Shared, endpoint_status};
use crate::apply::Tally;
use crate::state::{RunKind, RunOutcome};
use std::sync::Arc;

/// What was wrong with the last run, until one goes well.
const LAST_RUN: &str = "last run";
/// What may have been missed, until a listing has healed it.
const FEED_GAP: &str = "feed gap";

/// Takes orders until the daemon stops, and finishes the one in hand.
pub(super) async fn run(shared: Shared) {
    loop {
        let QueuedRun { request, stage } = tokio::select! {
            biased;
            () = shared.halt.stopped() => return,
            waiting = shared.run_queue.next() => waiting,
        };
        let tally = Arc::new(Tally::default());
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

/// Writes down how a run ended, and what that means for the service.
fn record_result(shared: &Shared, name: &'static str, run_result: &RunResult) {
    let (result, problem) = match run_result {
        RunResult::Ended { outcome, report, .. } => {
            let told = report.errors.first().map(|first| format!(": {first}")).unwrap_or_default();
            let result = format!("run {} {}{told}", report.run, outcome.as_str());
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
                // A feed or a queue that is shut keeps nothing else from being done.
                RunOutcome::Failed if !report.errors.iter().any(|line| line.starts_with("stopped: ")) => {
                    Some(Some((Health::Degraded, result.clone())))
                }
                RunOutcome::Failed => Some(Some((Health::Error, result.clone()))),
                // Whoever stops says nothing about how things are.
                RunOutcome::Stopped => None,
            };
            (result, problem)
        }
        RunResult::Refused { exit_code, message } => {
            tracing::warn!(exit_code, "a run was refused: {message}");
            // What somebody asked for wrongly is their trouble alone.
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

/// Events may have been missed: a listing finds what they were about. While it has not, every cycle asks for one.
fn request_listing_after_gap(shared: &Shared, run_result: &RunResult) {
    // What could not begin has found nothing.
    let RunResult::Ended { report, .. } = run_result else { return };
    let told = "events may have been missed: a reconcile finds what they were about".to_owned();
    shared.tasks.set_problem(FEED_GAP, report.feed_gap.then_some((Health::Degraded, told)));
    let of_a_cycle = report.sync_type == "incremental" && report.mode.is_none();
    if report.feed_gap && of_a_cycle && shared.run_queue.submit(RunRequest::of(RunKind::Reconcile)).is_err() {
        tracing::warn!("the reconcile after a gap of the feed finds no place in the queue: the next cycle asks again");
    }
}

impl RunResult {
    /// Whether it could not go on: a shut door, a state that cannot be used.
    pub(super) fn failed(&self) -> bool {
        match self {
            Self::Ended { outcome, .. } => *outcome == RunOutcome::Failed,
            Self::Refused { exit_code, .. } => *exit_code != 2,
        }
    }
}
