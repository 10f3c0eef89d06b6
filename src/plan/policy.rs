//! The policy: the properties of one sink that its plan depends on.

use serde::{Deserialize, Serialize};

/// The sink's support of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionSupport {
    /// The sink stores no permissions. None are planned or sent.
    None,
    /// Permissions can be set, but not queried.
    Set,
    /// Permissions can be set and queried.
    #[default]
    SetAndAsk,
}

/// The renames that a sink supports. The file keeps its id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renames {
    /// None: the engine creates a moved file at the new path and deletes it at the old one.
    None,
    /// Renames within a directory.
    SameDirectory,
    /// Renames to any path.
    #[default]
    Any,
}

/// The properties of one sink that its plan depends on. The state stores the policy with the sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// The maximum size of an object, in bytes: larger ones are skipped; `None` = no limit.
    pub max_file_bytes: Option<u64>,
    /// Whether permissions are planned.
    pub permissions: PermissionSupport,
    /// The renames that may be planned.
    pub renames: Renames,
}

impl Policy {
    /// True if the sink stores permissions.
    pub fn has_permissions(self) -> bool {
        self.permissions != PermissionSupport::None
    }
}
