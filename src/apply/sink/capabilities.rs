//! The capabilities of a sink: facts about the endpoint on which the engine depends. An operator's permission is not a capability.

use crate::endpoint::EndpointId;
use crate::plan::{PermissionPlane, Policy, Renames};

/// The guarantee that an effect happens once although its call is sent more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// The sink keeps a ledger of keys: a call that comes again with its key is answered, and has no second effect.
    Ledger,
    /// The same call again leaves the same files, whatever its key.
    Natural,
    /// Neither.
    None,
}

/// The capabilities of a sink.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// The sink's permission plane beside the content, if it has one.
    pub permissions: PermissionPlane,
    /// The renames for which the file keeps its identity.
    pub renames: Renames,
    /// True if a file has an identity that an update and a rename keep.
    pub keeps_identity: bool,
    /// The effect of a call that is sent again.
    pub idempotency: Idempotency,
    /// The sources from which it copies by itself, without the bytes passing through the engine.
    pub copies_from: Vec<EndpointId>,
    /// Larger files cannot be stored, in bytes; `None` = no bound of its own.
    pub max_file_bytes: Option<u64>,
    /// Calls that it takes at a time; `None` = no bound of its own.
    pub connections: Option<usize>,
}

impl Capabilities {
    /// The policy of a sink with these capabilities, within the operator's bound on the size of a file.
    pub fn policy(&self, max_file_bytes: Option<u64>) -> Policy {
        let max_file_bytes = self.max_file_bytes.into_iter().chain(max_file_bytes).min();
        Policy { max_file_bytes, permissions: self.permissions, renames: self.renames }
    }
}
