//! Runs the maintenance tasks at an interval, one after the other, never during a run. The worker implements the tasks.

use super::Shared;
use super::status::Health;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// The time between two rounds of all tasks.
const INTERVAL: Duration = Duration::from_hours(1);

/// A maintenance task: one kind of data that it prunes. A failing task does not prevent the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaintenanceTask {
    /// Prunes snapshots beyond `CSV_RETENTION`.
    Snapshots,
    /// Prunes the records of feed events that cannot arrive again. (A run itself deletes the inbox rows that it has consumed.)
    Inbox,
    /// Prunes the rows of deleted objects that nothing refers to.
    Tombstones,
    /// Prunes old runs and the old history of single files.
    History,
}

impl MaintenanceTask {
    const ALL: [Self; 4] = [Self::Snapshots, Self::Inbox, Self::Tombstones, Self::History];

    /// The task's name in `status`.
    fn name(self) -> &'static str {
        match self {
            Self::Snapshots => "snapshot-retention",
            Self::Inbox => "inbox-pruning",
            Self::Tombstones => "tombstone-pruning",
            Self::History => "history-pruning",
        }
    }
}

/// Runs all tasks at the interval, once `may_begin` is true. Returns when the daemon stops.
pub(super) async fn run(shared: Shared, mut may_begin: watch::Receiver<bool>) {
    for task in MaintenanceTask::ALL {
        shared.tasks.add(task.name(), Some(format!("every {} s", INTERVAL.as_secs())));
    }
    if may_begin.wait_for(|begun| *begun).await.is_err() {
        return;
    }
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        for task in MaintenanceTask::ALL {
            run_task(&shared, task).await;
        }
    }
}

async fn run_task(shared: &Shared, task: MaintenanceTask) {
    let name = task.name();
    shared.tasks.began(name);
    let done = shared.worker.run_maintenance(task).await;
    if let Err(message) = &done {
        tracing::warn!(task = name, "{message}");
    }
    let problem = done.as_ref().err().map(|message| (Health::Degraded, format!("{name}: {message}")));
    shared.tasks.set_problem(name, problem);
    shared.tasks.ended(name, done.unwrap_or_else(|message| message));
    shared.tasks.next_after(name, INTERVAL);
}
