//! Plans moves: decides whether two paths are one file that was moved. Which paths are paired without an event is decided by
//! `state/transactions/pair_by_identity.sql`.

use super::Effect;
use super::policy::{Policy, Renames};
use crate::mutant;
use crate::record::{ObjectKey, PathState};

/// A possible move from one path to another, with the state of both paths.
#[derive(Clone, Debug)]
pub struct Moving {
    /// The old path.
    pub origin: (ObjectKey, PathState),
    /// The new path.
    pub target: (ObjectKey, PathState),
    /// True if an event reported the move; false if the engine paired the two paths by their content.
    pub reported: bool,
    /// True if the sink's file at the target is itself to be moved elsewhere.
    pub target_is_leaving: bool,
    /// True if another intent on one of the two paths is open, so that the sink's state there is not certain. (The move of the file that
    /// leaves the target does not count, because this move waits for it.)
    pub in_doubt: bool,
}

/// The plan of one move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveVerdict {
    /// Send this `Rename` or `Move`.
    Go(Effect),
    /// Wait until the target is free.
    Wait,
    /// The paths are two files: plan each path alone.
    NotAMove,
}

/// Plans one move.
///
/// | sink has | bucket has | verdict |
/// |---|---|---|
/// | any, and the sink does not support such a rename | any | no move |
/// | origin, but one of the two paths is unconfirmed or in doubt | any | no move |
/// | not origin | any | no move: the origin was never applied |
/// | any | not target | no move: the target is gone |
/// | any | both, origin unchanged | no move: it was a copy |
/// | origin and target, which leaves | target; origin gone or replaced | wait |
/// | origin and target | target; origin gone or replaced | no move: the sink keeps the target's file |
/// | origin, target free | target; origin gone or replaced | rename if an event reported it and the directory stays, else move |
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
    let unchanged =
        at_origin.current_facts(origin).is_some_and(|facts| facts.etag.is_none() || facts.fingerprint() == held.known_fingerprint());
    if at_target.current_facts(target).is_none() || unseen || unchanged {
        return MoveVerdict::NotAMove;
    }
    match at_target.applied.as_ref().filter(|_| !mutant::is("the_target_of_a_rename_may_be_taken")) {
        Some(_) if moving.target_is_leaving => MoveVerdict::Wait,
        Some(_) => MoveVerdict::NotAMove,
        None if same_directory && (moving.reported || policy.renames == Renames::SameDirectory) => MoveVerdict::Go(Effect::Rename),
        None => MoveVerdict::Go(Effect::Move),
    }
}

/// The path up to the last slash.
fn directory(path: &ObjectKey) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(directory, _)| directory)
}
