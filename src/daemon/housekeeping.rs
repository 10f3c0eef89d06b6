//! Runs the maintenance tasks at an interval, one after the other, between runs. The worker decides what each one prunes.

use super::Shared;
use super::status::Health;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Time between two rounds.
const INTERVAL: Duration = Duration::from_hours(1);

/// A kind of data that is pruned. Each is a task of its own: one that fails does not keep the others from running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaintenanceTask {
    /// Snapshots beyond `CSV_RETENTION`.
    Snapshots,
    /// The records of feed events that cannot arrive again. (A cycle deletes the inbox rows that it has applied.)
    Inbox,
    /// The rows of deleted objects that nothing refers to.
    Tombstones,
    /// Old runs, and the old history of single files.
    History,
}

impl MaintenanceTask {
    const ALL: [Self; 4] = [Self::Snapshots, Self::Inbox, Self::Tombstones, Self::History];

    /// The task's name.
    fn name(self) -> &'static str {
        match self {
            Self::Snapshots => "snapshot-retention",
            Self::Inbox => "inbox-pruning",
            Self::Tombstones => "tombstone-pruning",
            Self::History => "history-pruning",
        }
    }
}

/// Never returns.
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
