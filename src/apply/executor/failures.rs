//! The rules for failures: how many in a row cause a probe of the endpoints, and until when a failed path is parked. Pure, except for the
//! counter.

use crate::retry::Disposition;
use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};

/// After this many transient failures in a row the executor probes the endpoints, to distinguish an unreachable endpoint from many bad
/// objects.
const FAILURES_IN_A_ROW: u64 = 50;
/// The first wait of a parked path. It doubles with each failed run.
const FIRST_PARKED_MINUTES: i64 = 1;
/// The longest wait of a parked path.
const MAX_PARKED_MINUTES: i64 = 360;

/// The number of transient failures since the last success.
#[derive(Debug, Default)]
pub(super) struct FailuresInARow(AtomicU64);

impl FailuresInARow {
    /// Counts one more failure. Returns true if the executor must probe the endpoints.
    pub(super) fn add_and_check_limit(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES_IN_A_ROW
    }

    /// Resets the count: an operation succeeded, or the endpoints answered the probe.
    pub(super) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The time until which a path is parked: the longer of the engine's own wait and the one that the endpoint asked for, but at
/// most `MAX_PARKED_MINUTES`.
pub(super) fn parked_until(now: Timestamp, failed_runs: u32, disposition: Disposition) -> Timestamp {
    let own = SignedDuration::from_mins(FIRST_PARKED_MINUTES << failed_runs.min(16));
    let requested = match disposition {
        Disposition::Retry { after: Some(after) } => SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX),
        _ => SignedDuration::ZERO,
    };
    now.checked_add(own.max(requested).min(SignedDuration::from_mins(MAX_PARKED_MINUTES))).unwrap_or(now)
}
