//! What we will do: the one decision table. Pure: two sides in, a verdict out.

use crate::record::{Applied, Fingerprint, ObjectKey, Observed};
use serde::{Deserialize, Serialize};

/// What a file manager is asked to do with a path's content. Each is an effect: its intent is recorded first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// New content where we know of none.
    Create,
    /// Other content where we know of some, or may have sent some.
    Update,
    /// The object is gone.
    Delete,
}

impl Effect {
    /// The word in the state, in reports and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// An effect, and the content that it is about: what an intent stores, and what decides whether it would still be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What to do.
    pub effect: Effect,
    /// With which content; `None` for a delete.
    pub content: Option<Fingerprint>,
}

/// Why an object is left out although it is there. Told, not a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Above `MAX_FILE_SIZE_MB`.
    TooLarge,
    /// In an archive, and not restored.
    Archived,
    /// Gone before we could read it, and the sink never had it.
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

    /// The reason that a report names so.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::TooLarge, Self::Archived, Self::NotInBucket].into_iter().find(|reason| reason.as_str() == word)
    }

    /// What an operator can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::TooLarge => "raise MAX_FILE_SIZE_MB to bring it in",
            Self::Archived => "restore the object from its archive, then run again",
            Self::NotInBucket => "the object was deleted while it was being listed",
        }
    }
}

/// What is to be done about a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both sides agree.
    Nothing,
    /// The look told no ETag and the sink holds something: a HEAD completes it.
    Look,
    /// An effect.
    Do(Planned),
    /// The sink's row is unconfirmed: ask it what it holds; when it is this content, that is all, else it is an update.
    Confirm(Planned),
    /// Left out, with the reason.
    Skip(SkipReason),
    /// Something is to be done and may not be: a failure.
    TooLarge,
}

/// The bounds within which a plan is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Larger objects are left out; `None` = no bound.
    pub max_file_bytes: Option<u64>,
}

/// The decision table.
///
/// | sink | bucket | verdict |
/// |---|---|---|
/// | any | never looked at | nothing: what we do not know we have no opinion on |
/// | nothing | there | create, or skip when it is too large |
/// | nothing | gone, or a directory marker | nothing |
/// | known | there, same content | nothing |
/// | known | there, other content | update; too large = a failure, the sink keeps the old |
/// | known or unconfirmed | there, content unknown | look |
/// | unconfirmed | there | confirm, else update |
/// | known or unconfirmed | gone, or a directory marker | delete |
pub fn decide(path: &ObjectKey, applied: Option<&Applied>, observed: Option<&Observed>, limits: Limits) -> Verdict {
    let Some(observed) = observed else { return Verdict::Nothing };
    let there = observed.facts.as_ref().filter(|facts| !path.is_directory_marker(facts.size));
    match (applied, there) {
        (None, None) => Verdict::Nothing,
        (Some(_), None) => Verdict::Do(Planned { effect: Effect::Delete, content: None }),
        (held, Some(facts)) => {
            let content = facts.fingerprint();
            let too_large = limits.max_file_bytes.is_some_and(|bound| facts.size > bound);
            match held {
                None if too_large => Verdict::Skip(SkipReason::TooLarge),
                None => Verdict::Do(Planned { effect: Effect::Create, content }),
                Some(_) if content.is_none() => Verdict::Look,
                Some(row) if row.known_fingerprint() == content => Verdict::Nothing,
                Some(_) if too_large => Verdict::TooLarge,
                Some(row) if row.confirmed => Verdict::Do(Planned { effect: Effect::Update, content }),
                Some(_) => Verdict::Confirm(Planned { effect: Effect::Update, content }),
            }
        }
    }
}

/// Whether an effect whose call may or may not have had its effect would still be decided: then it is sent again, identical.
pub fn still_meant(open: &Planned, verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Do(now) | Verdict::Confirm(now) => match open.effect {
            Effect::Delete => now.effect == Effect::Delete,
            Effect::Create | Effect::Update => now.effect != Effect::Delete && open.content.is_some() && now.content == open.content,
        },
        Verdict::Nothing | Verdict::Look | Verdict::Skip(_) | Verdict::TooLarge => false,
    }
}

#[cfg(test)]
mod tests;
