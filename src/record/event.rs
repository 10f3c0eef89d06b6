//! The event of a source: a hint that something happened to a path. A lookup decides what is true.

use super::{ObjectKey, Permissions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The kind of change that is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// There is an object, new or overwritten.
    Create,
    /// The object is gone.
    Delete,
    /// It has another name in the same directory.
    Rename,
    /// It is in another directory.
    Move,
    /// Other permissions; nothing is said about the content.
    ChangePermission,
    /// Another change of the object (a restore, its tags): it needs a lookup.
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
    /// The kind of change.
    pub kind: EventKind,
    /// The object's key.
    pub path: ObjectKey,
    /// The new path: for a rename or a move, never `path` itself; else `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_path: Option<ObjectKey>,
    /// The permissions that the event reports; for any kind.
    #[serde(default)]
    pub permissions: Permissions,
    /// The time of the change, by the reporting source's clock; `None` = the event has no readable time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
}

impl Event {
    /// The paths that it names: one or two.
    pub fn paths(&self) -> impl Iterator<Item = &ObjectKey> {
        std::iter::once(&self.path).chain(self.new_path.as_ref())
    }
}
