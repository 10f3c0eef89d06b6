//! The capabilities of a sink: what the engine may send to it, and what it promises. The conformance tests hold it to its promises. Settings of
//! the operator are no capabilities.

use crate::plan::{PermissionSupport, Policy, Renames};

/// What a sink promises about an effect whose call is sent more than once. The engine sends every unanswered effect again, so it cannot serve
/// a sink without either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// The sink stores idempotency keys: it answers a repeated call with a known key, and the call has no second effect.
    Ledger,
    /// A repeated call leaves the same files, with any key.
    Natural,
}

/// The capabilities of a sink.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Whether the sink stores permissions apart from content, and whether it reports them.
    pub permissions: PermissionSupport,
    /// The renames that the sink can perform on a file without a new upload.
    pub renames: Renames,
    /// The promise that a file has an id that an update and a rename keep.
    pub keeps_identity: bool,
    /// The promise for a call that is sent again.
    pub idempotency: Idempotency,
    /// Whether others may change the sink's files, and [`super::Sink::changed`] finds out, without a call for each.
    pub notices_changes: bool,
    /// The maximum size of a file, in bytes; `None` = no limit.
    pub max_file_bytes: Option<u64>,
    /// The maximum number of concurrent calls; `None` = no limit.
    pub connections: Option<usize>,
}

impl Capabilities {
    /// The policy of a sink with these capabilities. `max_file_bytes` is the operator's limit; the lower limit counts.
    pub fn policy(&self, max_file_bytes: Option<u64>) -> Policy {
        let max_file_bytes = self.max_file_bytes.into_iter().chain(max_file_bytes).min();
        Policy { max_file_bytes, permissions: self.permissions, renames: self.renames }
    }
}
