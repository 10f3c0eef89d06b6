//! How it ended for one path.

use crate::plan::{Effect, SkipReason};

/// How it ended for one path, when it did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathOutcome {
    /// Content was sent.
    Sent {
        /// Create or update.
        effect: Effect,
        /// Its bytes.
        bytes: u64,
        /// Whether a checksum proved them right; else only their number.
        verified: bool,
    },
    /// The file manager was asked, and holds just this already.
    Confirmed,
    /// The file manager's file is gone.
    Deleted,
    /// The file manager's file has another name: `Rename` or `Move`.
    Moved(Effect),
    /// The file manager's file has other permissions.
    PermissionsSet,
    /// There was nothing left to do.
    Unchanged,
    /// Left out, with the reason.
    Skipped(SkipReason),
    /// Left out for a reason that the state keeps (too large).
    PutAside,
    /// Whether it is gone is asked at the end of the listing.
    Waits,
}
