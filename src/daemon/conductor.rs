//! The loop: one order after the other, each to its end. It alone starts runs.

use super::requests::{Stage, Waiting};
use super::tasks::{self, Health};
use super::{Ran, Shared};
use crate::apply::Tally;
use crate::state::{RunKind, RunOutcome};
use std::sync::Arc;

/// What was wrong with the last run, until one goes well.
const LAST_RUN: &str = "last run";

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
        RunKind::Initial => tasks::INITIAL,
        RunKind::Incremental => tasks::CYCLE,
        RunKind::Reconcile => tasks::RECONCILE,
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
    shared.tasks.run_ended(name, result);
    if let Some(trouble) = trouble {
        shared.tasks.trouble(LAST_RUN, trouble);
    }
    if ran.failed() {
        shared.failed.notify_one();
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
