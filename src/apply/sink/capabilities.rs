//! What a sink can do: facts about the endpoint, as far as the engine depends on them. What an operator allows is no capability.

use crate::endpoint::EndpointId;
use crate::plan::{Effect, PermissionPlane, Renames};

/// Whether an effect happens once although its call is sent more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// The sink keeps a ledger of keys: a call that comes again with its key is answered, and has no second effect.
    Ledger,
    /// The same call again leaves the same files, whatever its key.
    Natural,
    /// Neither.
    None,
}

/// What a sink can do.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Whether it has a plane of permissions beside the content.
    pub permissions: PermissionPlane,
    /// The renames for which the file keeps its identity.
    pub renames: Renames,
    /// Whether a file has an identity that an update and a rename keep.
    pub keeps_identity: bool,
    /// What a call that is sent again does.
    pub idempotency: Idempotency,
    /// The sources from which it copies by itself, without the bytes passing through the engine.
    pub copies_from: Vec<EndpointId>,
    /// Larger files cannot be stored, in bytes; `None` = no bound of its own.
    pub max_file_bytes: Option<u64>,
    /// Calls that it takes at a time; `None` = no bound of its own.
    pub connections: Option<usize>,
}

impl Capabilities {
    /// Whether a file can go elsewhere by this effect. Otherwise it is created there and deleted here.
    pub fn can_move(&self, effect: Effect) -> bool {
        match self.renames {
            Renames::None => false,
            Renames::SameDirectory => effect == Effect::Rename,
            Renames::Any => true,
        }
    }

    /// Whether permissions are set at all.
    pub fn keeps_permissions(&self) -> bool {
        self.permissions != PermissionPlane::None
    }

    /// Whether it can be asked which permissions a file has.
    pub fn tells_permissions(&self) -> bool {
        self.permissions == PermissionPlane::SetAndAsk
    }
}
