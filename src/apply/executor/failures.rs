//! What follows from a failure: when so many failures in a row mean that the endpoints are probed, and until when a failed path is
//! parked. It knows no state and parks nothing.

use crate::retry::Disposition;
use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};

/// So many transient failures in a row, without one success: is a door shut, or are there so many bad objects? The doors are asked.
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

/// Until when a path is parked: as long as we would wait, or as the other side asked for, whichever is longer.
pub(super) fn parked_until(now: Timestamp, failed_runs: u32, disposition: Disposition) -> Timestamp {
    let own = SignedDuration::from_mins(PARKED_MINUTES << failed_runs.min(16));
    let asked = match disposition {
        Disposition::Retry { after: Some(after) } => SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX),
        _ => SignedDuration::ZERO,
    };
    now.checked_add(own.max(asked).min(SignedDuration::from_mins(PARKED_MINUTES_MOST))).unwrap_or(now)
}
