//! What is not applied when a run ends, told as metrics. The report says the same in its own words.

use crate::state::{Overview, State, StateError};
use crate::telemetry::{self, Backlog};
use jiff::Timestamp;
use std::time::Duration;

/// Tells how much waits, and for how long the oldest event has.
pub(super) async fn tell(state: &State, overview: &Overview, now: Timestamp) -> Result<(), StateError> {
    let oldest = state.inbox_batch(0, 1).await?.pop();
    let age = |received: Timestamp| Duration::try_from(now.duration_since(received)).unwrap_or_default();
    telemetry::metrics().backlog(&Backlog {
        pending: overview.paths("due") + overview.paths("parked"),
        dead_letters: overview.dead_letters,
        lag: oldest.map_or(Duration::ZERO, |row| age(row.received_at)),
    });
    Ok(())
}
