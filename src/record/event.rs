//! What a source told: a hint that something happened to a path. What is true, a look decides.

use super::{ObjectKey, Permissions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is said to have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// There is an object, new or overwritten.
    Create,
    /// The object is gone.
    Delete,
    /// It has another name in the same directory.
    Rename,
    /// It lies in another directory.
    Move,
    /// Other permissions; nothing is said about the content.
    ChangePermission,
    /// Something else happened to the object (a restore, its tags): worth a look.
    Touch,
}

impl EventKind {
    /// The word on the wire, in the state and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Move => "move",
            Self::ChangePermission => "change_permission",
            Self::Touch => "touch",
        }
    }
}

/// One event, decoded: the same whichever source it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// To which object.
    pub path: ObjectKey,
    /// Where it went: for a rename or a move, never `path` itself; else `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_path: Option<ObjectKey>,
    /// What was told of its permissions; for any kind.
    #[serde(default)]
    pub permissions: Permissions,
    /// When it happened, by the clock of whoever told; `None` = it carries no time that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
}

impl Event {
    /// The paths that it names: one or two.
    pub fn paths(&self) -> impl Iterator<Item = &ObjectKey> {
        std::iter::once(&self.path).chain(self.new_path.as_ref())
    }
}
