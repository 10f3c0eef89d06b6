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
    /// The object's key, in its most likely spelling.
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
    /// The other keys that the sender may mean.
    #[serde(default, skip_serializing_if = "OtherSpellings::is_empty")]
    pub other_spellings: OtherSpellings,
}

/// The less likely spellings of the keys of an event: what a sender writes can be a key in more than one way. Lookups show which key it means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherSpellings {
    /// Of the path.
    #[serde(default)]
    pub path: Vec<ObjectKey>,
    /// Of the new path.
    #[serde(default)]
    pub new_path: Vec<ObjectKey>,
}

impl OtherSpellings {
    fn is_empty(&self) -> bool {
        self.path.is_empty() && self.new_path.is_empty()
    }
}

impl Event {
    /// An event that reports nothing but a kind of change and a path.
    pub fn new(kind: EventKind, path: ObjectKey) -> Self {
        let (permissions, other_spellings) = (Permissions::default(), OtherSpellings::default());
        Self { kind, path, new_path: None, permissions, time: None, other_spellings }
    }

    /// The one or two paths that the event names.
    pub fn paths(&self) -> impl Iterator<Item = &ObjectKey> {
        std::iter::once(&self.path).chain(self.new_path.as_ref())
    }

    /// The spellings of the path.
    pub fn spellings(&self) -> impl Iterator<Item = &ObjectKey> {
        std::iter::once(&self.path).chain(&self.other_spellings.path)
    }

    /// The spellings of the new path.
    pub fn new_spellings(&self) -> impl Iterator<Item = &ObjectKey> {
        self.new_path.iter().chain(&self.other_spellings.new_path)
    }

    /// The paths that the event may concern, by what is known of the bucket. The most likely spellings always count. Another one counts where
    /// an object is said to be there and is not at the most likely one. Where one is said to be gone, it counts if something is known of it, or
    /// nothing of the most likely one.
    pub fn concerned_paths<'e>(
        &'e self,
        is_there: &impl Fn(&ObjectKey) -> bool,
        is_known: &impl Fn(&ObjectKey) -> bool,
    ) -> Vec<&'e ObjectKey> {
        let OtherSpellings { path: others, new_path: new_others } = &self.other_spellings;
        let any_other = !self.reports_absence() && !is_there(&self.path);
        let any_other_new = self.new_path.as_ref().is_some_and(|new_path| !is_there(new_path));
        let any_left = || !is_known(&self.path);
        let others: Vec<_> =
            others.iter().filter(|path| if self.reports_absence() { is_known(path) || any_left() } else { any_other }).collect();
        let new_others: &[_] = if any_other_new { new_others } else { &[] };
        self.paths().chain(others).chain(new_others).collect()
    }

    /// True if the sender may mean other keys.
    pub fn has_other_spellings(&self) -> bool {
        !self.other_spellings.is_empty()
    }

    /// True if the event reports that no object is at its path any more.
    pub fn reports_absence(&self) -> bool {
        self.new_path.is_some() || self.kind == EventKind::Delete
    }
}
