//! Records the backlog gauges at an interval. A run records them only when it ends, which is never while endpoints are unreachable and late
//! in a long initial sync.

use super::Shared;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Half of the shortest export interval of the metrics.
const INTERVAL: Duration = Duration::from_secs(30);

/// Records at the interval. Never returns.
pub(super) async fn run(shared: Shared) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        shared.worker.record_backlog().await;
    }
}
