//! The outcome of one path.

use crate::plan::{Effect, SkipReason};

/// The outcome of one path that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathOutcome {
    /// Content was sent.
    Sent {
        /// Create or update.
        effect: Effect,
        /// Its bytes.
        bytes: u64,
        /// True if a checksum verified them; otherwise only their number was compared.
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
    /// A lookup at the end of the listing decides if the path is gone.
    Waits,
}
