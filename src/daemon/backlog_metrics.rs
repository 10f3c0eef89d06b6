//! How much waits, told by the clock: a run tells it when it ends, and while doors are shut, or during a long initial sync, none does.

use super::Shared;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Between two times: half of what a collector hears at the least.
const INTERVAL: Duration = Duration::from_secs(30);

/// Goes on for ever.
pub(super) async fn run(shared: Shared) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        shared.worker.record_backlog().await;
    }
}
