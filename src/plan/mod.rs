//! The plan: decides from the observed and the applied side of a path what has to be done. Pure. `fold` turns events into hints.

pub mod fold;
pub mod guard;
mod moves;
mod policy;
pub mod requeue;
pub mod spelling;

pub use guard::MaxDelete;
pub use moves::{MoveVerdict, Moving, decide_move};
pub use policy::{PermissionSupport, Policy, Renames};

use crate::record::{Fingerprint, ObjectKey, PathState, Permissions};
use serde::{Deserialize, Serialize};

/// A change of a file in a sink. The engine commits an intent before it sends one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Sends content to a path where the engine knows of no file.
    Create,
    /// Sends other content to a path where the sink has a file, or may have one.
    Update,
    /// Deletes the file, because the object is gone.
    Delete,
    /// Gives the file another name in the same directory. The file keeps its id.
    Rename,
    /// Moves the file to another path. The file keeps its id.
    Move,
    /// Sets permissions and sends no content.
    SetPermissions,
}

impl Effect {
    /// The word in the state, in reports and in requests.
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

    /// The effect of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        use Effect::{Create, Delete, Move, Rename, SetPermissions, Update};
        [Create, Update, Delete, Rename, Move, SetPermissions].into_iter().find(|effect| effect.as_str() == word)
    }
}

/// A planned effect with its arguments. An intent stores it, and a later plan is compared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The effect.
    pub effect: Effect,
    /// The content to send; `None` = no content.
    pub content: Option<Fingerprint>,
    /// The permissions to set, before the content is sent; empty = none.
    pub permissions: Permissions,
}

impl Planned {
    /// The effect that removes the file.
    pub fn delete() -> Self {
        Self { effect: Effect::Delete, content: None, permissions: Permissions::default() }
    }
}

/// The reason why the engine skips an object. A skip is reported and is not a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The object is larger than `MAX_FILE_SIZE_MB`.
    TooLarge,
    /// The object is archived and not restored.
    Archived,
    /// The object was gone before its content could be read, and the sink never had the file.
    NotInBucket,
    /// A listing shows the object, and the same run's lookup says that it does not exist.
    ListedButMissing,
}

impl SkipReason {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Archived => "archived",
            Self::NotInBucket => "not_in_bucket",
            Self::ListedButMissing => "listed_but_missing",
        }
    }

    /// The reason of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::TooLarge, Self::Archived, Self::NotInBucket, Self::ListedButMissing].into_iter().find(|reason| reason.as_str() == word)
    }

    /// The advice for the operator.
    pub fn hint(self) -> &'static str {
        match self {
            Self::TooLarge => "raise MAX_FILE_SIZE_MB to bring it in",
            Self::Archived => "restore the object from its archive, then run again",
            Self::NotInBucket => "the object was deleted before it could be read",
            Self::ListedButMissing => "deleted while it was being listed, or the store contradicts itself: the next listing decides",
        }
    }
}

/// The plan of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to do.
    Nothing,
    /// The observation has no ETag and the sink has a file: a HEAD must complete the observation first.
    Look,
    /// Send an effect.
    Do(Planned),
    /// The applied row is unconfirmed: ask the sink for its content, and send this update only if the content differs.
    Confirm(Planned),
    /// Skip the object.
    Skip(SkipReason),
    /// The content is new but too large to send: a failure, because the sink keeps outdated content.
    TooLarge,
}

/// Plans one path.
///
/// | sink | bucket | verdict |
/// |---|---|---|
/// | any | never observed | nothing: the engine leaves unknown paths alone |
/// | nothing | there | create, or skip if it is too large |
/// | nothing | gone, or a directory marker | nothing |
/// | known | there, same content | nothing, or set the reported permissions if they differ |
/// | known | there, other content | update; if it is too large, a failure: the sink keeps outdated content |
/// | known or unconfirmed | there, content unknown | lookup |
/// | unconfirmed | there | confirm, else update |
/// | known or unconfirmed | gone, or a directory marker | delete |
///
/// For a new file or an unconfirmed row, the reported permissions are part of the effect.
///
/// No permissions are planned for a sink that does not store them.
pub fn decide(path: &ObjectKey, sides: &PathState, policy: Policy) -> Verdict {
    if sides.observed.is_none() {
        return Verdict::Nothing;
    }
    match (&sides.applied, sides.current_facts(path)) {
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

/// True if the plan still contains an open effect whose call may or may not have succeeded. The engine then sends the same call again.
pub fn is_still_planned(open: &Planned, verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Do(now) | Verdict::Confirm(now) => match open.effect {
            Effect::Delete => now.effect == Effect::Delete,
            Effect::Create | Effect::Update => open.content.is_some() && now.content == open.content,
            Effect::SetPermissions => now.permissions == open.permissions,
            // The plan of one path cannot show that a move of two paths is still valid.
            Effect::Rename | Effect::Move => false,
        },
        Verdict::Nothing | Verdict::Look | Verdict::Skip(_) | Verdict::TooLarge => false,
    }
}

#[cfg(test)]
mod tests;
