//! The outcome of an operation on one path.

use crate::plan::{Effect, SkipReason};

/// The outcome of an operation that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathOutcome {
    /// Content was sent.
    Sent {
        /// `Create` or `Update`.
        effect: Effect,
        /// The size of the content in bytes.
        bytes: u64,
        /// True if the checksum was verified; false if only the length was.
        verified: bool,
        /// Files of others that had to make way, and that the sink keeps.
        kept: u64,
    },
    /// The sink already held this content.
    Confirmed,
    /// The file was deleted in the sink.
    Deleted {
        /// 1 if another program had changed the file, and the sink keeps it.
        kept: u64,
    },
    /// The file was renamed or moved in the sink: `Rename` or `Move`.
    Moved(Effect),
    /// The permissions were set in the sink.
    PermissionsSet,
    /// There was nothing to do any more.
    Unchanged,
    /// The object was skipped.
    Skipped(SkipReason),
    /// The object was skipped or parked for a reason that the state stores (too large).
    NotDue,
    /// The path stays pending: a lookup after the listing decides whether it is gone.
    StaysPending,
}
