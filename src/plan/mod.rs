//! The plan: the one decision table, pure: two sides in, a verdict out. `fold` turns events into hints, pure too.

pub mod fold;
pub mod guard;
mod moves;
mod policy;
pub mod requeue;

pub use guard::MaxDelete;
pub use moves::{MoveVerdict, Moving, decide_move};
pub use policy::{PermissionPlane, Policy, Renames};

use crate::record::{Fingerprint, ObjectKey, PathState, Permissions};
use serde::{Deserialize, Serialize};

/// The operation that a file manager is asked to do with a path. Each is an effect: its intent is recorded first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// New content where none is known.
    Create,
    /// Other content where some is known, or may have been sent.
    Update,
    /// The object is gone.
    Delete,
    /// Another name in the same directory; the file keeps its identity.
    Rename,
    /// Another directory; the file keeps its identity.
    Move,
    /// Other permissions; no byte of content.
    SetPermissions,
}

impl Effect {
    /// The word in the state, in reports and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Move => "move",
            Self::SetPermissions => "set_permissions",
        }
    }

    /// The effect of that name.
    pub fn of_word(word: &str) -> Option<Self> {
        use Effect::{Create, Delete, Move, Rename, SetPermissions, Update};
        [Create, Update, Delete, Rename, Move, SetPermissions].into_iter().find(|effect| effect.as_str() == word)
    }
}

/// An effect and its arguments: an intent stores them, and a later decision is compared with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The effect to apply.
    pub effect: Effect,
    /// The content; `None` = none is sent.
    pub content: Option<Fingerprint>,
    /// The permissions that are set with it, before the content; empty = none.
    pub permissions: Permissions,
}

impl Planned {
    /// The effect that removes the file.
    pub fn delete() -> Self {
        Self { effect: Effect::Delete, content: None, permissions: Permissions::default() }
    }
}

/// The reason why an object is skipped although it is there. It is reported, and no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Above `MAX_FILE_SIZE_MB`.
    TooLarge,
    /// In an archive, and not restored.
    Archived,
    /// Gone before its content could be read, and the sink never had it.
    NotInBucket,
}

impl SkipReason {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Archived => "archived",
            Self::NotInBucket => "not_in_bucket",
        }
    }

    /// The reason of that name.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::TooLarge, Self::Archived, Self::NotInBucket].into_iter().find(|reason| reason.as_str() == word)
    }

    /// The action that an operator can take.
    pub fn hint(self) -> &'static str {
        match self {
            Self::TooLarge => "raise MAX_FILE_SIZE_MB to bring it in",
            Self::Archived => "restore the object from its archive, then run again",
            Self::NotInBucket => "the object was deleted while it was being listed",
        }
    }
}

/// The decision for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both sides agree.
    Nothing,
    /// The observation has no ETag and the sink holds something: a HEAD completes it.
    Look,
    /// An effect.
    Do(Planned),
    /// The sink's row is unconfirmed: the sink is asked for its content; if it is this content, that is all, else it is an update.
    Confirm(Planned),
    /// Skipped, with the reason.
    Skip(SkipReason),
    /// Work that is not allowed: a failure.
    TooLarge,
}

/// The decision table.
///
/// | sink | bucket | verdict |
/// |---|---|---|
/// | any | never observed | nothing: an unknown path is left alone |
/// | nothing | there | create, or skip when it is too large |
/// | nothing | gone, or a directory marker | nothing |
/// | known | there, same content | nothing, or the permissions that were reported and are not the same |
/// | known | there, other content | update; too large = a failure, the sink keeps the old |
/// | known or unconfirmed | there, content unknown | lookup |
/// | unconfirmed | there | confirm, else update |
/// | known or unconfirmed | gone, or a directory marker | delete |
///
/// If the sink's content is not certain (new, or unconfirmed), the reported permissions go with the content.
///
/// No permissions are planned for a sink without a plane of permissions.
pub fn decide(path: &ObjectKey, sides: &PathState, policy: Policy) -> Verdict {
    if sides.observed.is_none() {
        return Verdict::Nothing;
    }
    match (&sides.applied, sides.there(path)) {
        (None, None) => Verdict::Nothing,
        (Some(_), None) => Verdict::Do(Planned::delete()),
        (held, Some(facts)) => {
            let content = facts.fingerprint();
            let wanted = || if policy.has_permissions() { sides.wanted.clone() } else { Permissions::default() };
            let too_large = policy.max_file_bytes.is_some_and(|bound| facts.size > bound);
            match held {
                None if too_large => Verdict::Skip(SkipReason::TooLarge),
                None => Verdict::Do(Planned { effect: Effect::Create, content, permissions: wanted() }),
                Some(_) if content.is_none() => Verdict::Look,
                Some(row) if row.known_fingerprint() == content && !policy.has_permissions() => Verdict::Nothing,
                Some(row) if row.known_fingerprint() == content => match sides.permissions_to_set() {
                    same if same.is_empty() => Verdict::Nothing,
                    permissions => Verdict::Do(Planned { effect: Effect::SetPermissions, content: None, permissions }),
                },
                Some(_) if too_large => Verdict::TooLarge,
                Some(row) if row.confirmed => Verdict::Do(Planned { effect: Effect::Update, content, permissions: Permissions::default() }),
                Some(_) => Verdict::Confirm(Planned { effect: Effect::Update, content, permissions: wanted() }),
            }
        }
    }
}

/// True if an open effect, whose call may or may not have succeeded, would still be decided: then it is sent again, identical.
pub fn still_meant(open: &Planned, verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Do(now) | Verdict::Confirm(now) => match open.effect {
            Effect::Delete => now.effect == Effect::Delete,
            Effect::Create | Effect::Update => open.content.is_some() && now.content == open.content,
            Effect::SetPermissions => now.permissions == open.permissions,
            // One path alone cannot decide that a move is still valid.
            Effect::Rename | Effect::Move => false,
        },
        Verdict::Nothing | Verdict::Look | Verdict::Skip(_) | Verdict::TooLarge => false,
    }
}

#[cfg(test)]
mod tests;
