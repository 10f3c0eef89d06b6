//! The capabilities of a sink: properties of the endpoint that the engine depends on. Settings of the operator are no capabilities.

use crate::endpoint::EndpointId;
use crate::plan::{PermissionSupport, Policy, Renames};

/// What a sink guarantees about an effect whose call is sent more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// The sink stores idempotency keys: it answers a repeated call with a known key, and the call has no second effect.
    Ledger,
    /// A repeated call leaves the same files, with any key.
    Natural,
    /// No guarantee.
    None,
}

/// The capabilities of a sink.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Whether the sink stores permissions apart from content, and whether it reports them.
    pub permissions: PermissionSupport,
    /// The renames that the sink can perform on a file without a new upload.
    pub renames: Renames,
    /// True if a file has an id that an update and a rename keep.
    pub keeps_identity: bool,
    /// The guarantee for a call that is sent again.
    pub idempotency: Idempotency,
    /// The sources from which the sink can copy a file itself, so that the engine need not transfer the bytes.
    pub copies_from: Vec<EndpointId>,
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
