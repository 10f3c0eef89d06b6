//! The rules for failures: how many in a row cause a probe of the endpoints, and until when a failed path is parked.
//! It knows no state and parks nothing.

use crate::retry::Disposition;
use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};

/// After this many transient failures in a row the endpoints are probed: an endpoint is unreachable, or there are many bad objects.
const FAILURES_IN_A_ROW: u64 = 50;
/// The first wait of a parked path; it doubles with each failed run.
const PARKED_MINUTES: i64 = 1;
/// No parked path waits longer.
const PARKED_MINUTES_MOST: i64 = 360;

/// Transient failures since the last success.
#[derive(Debug, Default)]
pub(super) struct FailuresInARow(AtomicU64);

impl FailuresInARow {
    /// Counts one more; `true` = there are so many that the endpoints are probed.
    pub(super) fn are_too_many_with_one_more(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES_IN_A_ROW
    }

    /// An operation succeeded, or the endpoints answered the probe.
    pub(super) fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The time until which a path is parked: the engine's own wait or the one that the endpoint asked for, whichever is longer.
pub(super) fn parked_until(now: Timestamp, failed_runs: u32, disposition: Disposition) -> Timestamp {
    let own = SignedDuration::from_mins(PARKED_MINUTES << failed_runs.min(16));
    let asked = match disposition {
        Disposition::Retry { after: Some(after) } => SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX),
        _ => SignedDuration::ZERO,
    };
    now.checked_add(own.max(asked).min(SignedDuration::from_mins(PARKED_MINUTES_MOST))).unwrap_or(now)
}
