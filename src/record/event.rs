//! An event: a hint that something happened to a path. A lookup decides what is true.

use super::{ObjectKey, Permissions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The kind of the reported change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An object was created or overwritten.
    Create,
    /// The object was deleted.
    Delete,
    /// The object was renamed in its directory.
    Rename,
    /// The object was moved to another directory.
    Move,
    /// The permissions changed; the event does not concern the content.
    ChangePermission,
    /// Another change of the object, such as a restore or its tags. It needs a lookup.
    Touch,
}

impl EventKind {
    /// The word in messages, in the state and in reports.
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

/// A decoded event, in the same form for all channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The kind of change.
    pub kind: EventKind,
    /// The object's key.
    pub path: ObjectKey,
    /// The new path of a rename or a move, never equal to `path`; `None` for other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_path: Option<ObjectKey>,
    /// The permissions that the event reports. Any kind may report some.
    #[serde(default)]
    pub permissions: Permissions,
    /// The time of the change, by the sender's clock; `None` = the event has no readable time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
}

impl Event {
    /// The one or two paths that the event names.
    pub fn paths(&self) -> impl Iterator<Item = &ObjectKey> {
        std::iter::once(&self.path).chain(self.new_path.as_ref())
    }
}
