//! Which file went where: whether two paths, one of which is said to have become the other, are one file under another name.

use super::{Effect, Policy, Renames};
use crate::mutant;
use crate::record::{ObjectKey, PathState};

/// A file that is said to have gone from one path to another, and all that is known of both.
#[derive(Clone, Debug)]
pub struct Moving {
    /// Where it was.
    pub origin: (ObjectKey, PathState),
    /// Where it is said to be.
    pub target: (ObjectKey, PathState),
    /// Whether somebody told it; else two paths were paired by their content.
    pub told: bool,
    /// Whether the file that the sink has at the target is itself said to have gone elsewhere.
    pub target_is_leaving: bool,
    /// Whether another effect on one of the two paths has no outcome yet: then nothing certain is known of it. (The move of the file that
    /// leaves the target is no doubt of this kind: its outcome is waited for.)
    pub in_doubt: bool,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveVerdict {
    /// `Rename` or `Move`: the file keeps its identity.
    Go(Effect),
    /// When the target has become free.
    Wait,
    /// It is two files: each path is decided by itself.
    NotAMove,
}

/// The decision table.
///
/// | sink has | bucket has | verdict |
/// |---|---|---|
/// | any, and it cannot rename so | any | moot |
/// | origin, nothing certain of one of the two | any | moot |
/// | not origin | any | moot: it was never applied |
/// | any | not target | moot: it is gone |
/// | any | both, origin unchanged | moot: it was a copy |
/// | origin and target, which leaves | target; origin gone or replaced | wait |
/// | origin and target | target; origin gone or replaced | moot: the target's file lives |
/// | origin, target free | target; origin gone or replaced | rename when it was told and the directory stays, else move |
pub fn decide_move(moving: &Moving, policy: Policy) -> MoveVerdict {
    let ((origin, at_origin), (target, at_target)) = (&moving.origin, &moving.target);
    let same_directory = directory(origin) == directory(target);
    match policy.renames {
        Renames::None => return MoveVerdict::NotAMove,
        Renames::SameDirectory if !same_directory => return MoveVerdict::NotAMove,
        Renames::SameDirectory | Renames::Any => {}
    }
    let Some(held) = at_origin.applied.as_ref().filter(|row| row.confirmed && !moving.in_doubt) else { return MoveVerdict::NotAMove };
    let unseen = at_origin.observed.is_none();
    let unchanged = at_origin.there(origin).is_some_and(|facts| facts.etag.is_none() || facts.fingerprint() == held.known_fingerprint());
    if at_target.there(target).is_none() || unseen || unchanged {
        return MoveVerdict::NotAMove;
    }
    match at_target.applied.as_ref().filter(|_| !mutant::is("the_target_of_a_rename_may_be_taken")) {
        Some(_) if moving.target_is_leaving => MoveVerdict::Wait,
        Some(_) => MoveVerdict::NotAMove,
        None if same_directory && (moving.told || policy.renames == Renames::SameDirectory) => MoveVerdict::Go(Effect::Rename),
        None => MoveVerdict::Go(Effect::Move),
    }
}

/// All up to the last slash.
fn directory(path: &ObjectKey) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(directory, _)| directory)
}
