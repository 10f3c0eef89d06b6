//! The policy: the abilities and permissions of one sink, as far as the decisions depend on them.

use serde::{Deserialize, Serialize};

/// The plane of permissions that a sink has beside the content, if any.
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

/// The renames that a sink can do so that the file keeps its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renames {
    /// None: a moved file is created at its new path and deleted at its old one.
    None,
    /// Another name in the same directory.
    SameDirectory,
    /// Any.
    #[default]
    Any,
}

/// The bounds within which a plan is made for one sink. It is registered with the sink, and stored nowhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Larger objects are skipped, in bytes; `None` = no bound.
    pub max_file_bytes: Option<u64>,
    /// The plane of permissions: it decides if permissions are planned.
    pub permissions: PermissionPlane,
    /// The moves that are planned.
    pub renames: Renames,
}

impl Policy {
    /// True if the sink has a plane of permissions.
    pub fn has_permissions(self) -> bool {
        self.permissions != PermissionPlane::None
    }
}
