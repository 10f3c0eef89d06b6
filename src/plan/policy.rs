//! What one sink can do and is allowed to do, as far as the decisions depend on it.

use serde::{Deserialize, Serialize};

/// Whether a sink has a plane of permissions beside the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionPlane {
    /// It keeps none: permissions are neither decided nor sent.
    None,
    /// They can be set, and not asked for.
    Set,
    /// They can be set and asked for.
    #[default]
    SetAndAsk,
}

/// Which renames a sink can do so that the file keeps its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renames {
    /// None: a file that went elsewhere is created there and deleted here.
    None,
    /// Another name in the same directory.
    SameDirectory,
    /// Any.
    #[default]
    Any,
}

/// The bounds within which a plan is made for one sink. It is registered with the sink, and nothing else carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Larger objects are left out, in bytes; `None` = no bound.
    pub max_file_bytes: Option<u64>,
    /// Whether permissions are planned.
    pub permissions: PermissionPlane,
    /// Which moves are planned.
    pub renames: Renames,
}

impl Policy {
    /// Whether the sink has a plane of permissions.
    pub fn has_permissions(self) -> bool {
        self.permissions != PermissionPlane::None
    }
}
