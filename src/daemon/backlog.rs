//! Records the backlog at an interval: its gauges, and the health problem of dead letters. A run records the gauges only when it ends, which is
//! never while endpoints are unreachable and late in a long initial sync; a listener may add dead letters without any run.

use super::Shared;
use super::status::Health;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Half of the shortest export interval of the metrics.
const INTERVAL: Duration = Duration::from_secs(30);

/// The key of the health problem of dead letters.
const DEAD_LETTERS: &str = "dead letters";

/// Records at the interval. Never returns.
pub(super) async fn run(shared: Shared) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        record_dead_letters(&shared).await;
        shared.worker.record_backlog().await;
    }
}

/// Sets the health problem of dead letters, or clears it.
pub(super) async fn record_dead_letters(shared: &Shared) {
    match shared.worker.dead_letters_problem().await {
        Ok(problem) => shared.tasks.set_problem(DEAD_LETTERS, problem.map(|problem| (Health::Degraded, problem))),
        Err(error) => tracing::warn!(%error, "the dead letters cannot be counted"),
    }
}
