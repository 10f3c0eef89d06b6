//! The loop: one order after the other, each to its end. It alone starts runs.

use super::run_queue::{Stage, Waiting};
use super::status::{self, Health};
use super::{Order, Ran, Shared, endpoint_status};
use crate::apply::Tally;
use crate::state::{RunKind, RunOutcome};
use std::sync::Arc;

/// What was wrong with the last run, until one goes well.
const LAST_RUN: &str = "last run";
/// What may have been missed, until a listing has healed it.
const FEED_GAP: &str = "feed gap";

/// Takes orders until the daemon stops, and finishes the one in hand.
pub(super) async fn conduct(shared: Shared) {
    loop {
        let Waiting { order, stage } = tokio::select! {
            biased;
            () = shared.halt.stopped() => return,
            waiting = shared.requests.next() => waiting,
        };
        let tally = Arc::new(Tally::default());
        let name = task_of(order.kind);
        shared.tasks.run_began(name, order.kind, tally.clone());
        stage.send_replace(Stage::Running(tally.clone()));
        tracing::info!(kind = order.kind.as_str(), "a run begins");
        let ran = shared.worker.run(order, tally, shared.halt.for_one_run()).await;
        judge(&shared, name, &ran);
        stage.send_replace(Stage::Ended(Arc::new(ran)));
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
fn judge(shared: &Shared, name: &'static str, ran: &Ran) {
    let (result, trouble) = match ran {
        Ran::Ended { outcome, report, .. } => {
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
            let trouble = match outcome {
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
            (result, trouble)
        }
        Ran::Refused { exit_code, message } => {
            tracing::warn!(exit_code, "a run was refused: {message}");
            // What somebody asked for wrongly is their trouble alone.
            let trouble = (*exit_code != 2).then(|| Some((Health::Error, message.clone())));
            (message.clone(), trouble)
        }
    };
    if let Ran::Ended { report, .. } = ran {
        endpoint_status::heed(shared, report);
    }
    heal_gap(shared, ran);
    shared.tasks.run_ended(name, result);
    if let Some(trouble) = trouble {
        shared.tasks.trouble(LAST_RUN, trouble);
    }
    if ran.failed() {
        shared.failed.notify_one();
    }
}

/// Events may have been missed: a listing finds what they were about. While it has not, every cycle asks for one.
fn heal_gap(shared: &Shared, ran: &Ran) {
    // What could not begin has found nothing.
    let Ran::Ended { report, .. } = ran else { return };
    let told = "events may have been missed: a reconcile finds what they were about".to_owned();
    shared.tasks.trouble(FEED_GAP, report.feed_gap.then_some((Health::Degraded, told)));
    let of_a_cycle = report.sync_type == "incremental" && report.mode.is_none();
    if report.feed_gap && of_a_cycle && shared.requests.ask(Order::plain(RunKind::Reconcile)).is_err() {
        tracing::warn!("the reconcile after a gap of the feed finds no place in the queue: the next cycle asks again");
    }
}

impl Ran {
    /// Whether it could not go on: a shut door, a state that cannot be used.
    pub(super) fn failed(&self) -> bool {
        match self {
            Self::Ended { outcome, .. } => *outcome == RunOutcome::Failed,
            Self::Refused { exit_code, .. } => *exit_code != 2,
        }
    }
}
