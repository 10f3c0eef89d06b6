//! Requeuing: decides the change of a path's row in the pending queue whenever one of its two sides changes. Pure: the known facts
//! go in, a change of the row comes out.

use super::{Effect, Policy, SkipReason, Verdict, decide};
use crate::record::{ObjectKey, Observed, PathState};

/// Objects from this size on have a lane of their own, so that they do not hold up small ones.
const LARGE_BYTES: u64 = 8 << 20;

/// The reason why the path is decided again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A new observation.
    Observed {
        /// True if content or storage class differ from the observation before.
        changed: bool,
    },
    /// The operation that holds the path has new facts, and continues with it.
    InFlight,
    /// The operation that held the path has ended.
    Outcome,
    /// A move that named the path has ended; no operation holds it.
    MoveEnded,
}

/// A path's row in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingRow {
    /// It may be worked on now.
    pub due: bool,
    /// The delete guard holds it.
    pub held: bool,
    /// A delete, or a key that a listing missed: an observation is needed first.
    pub deletion: bool,
    /// The receipt time of the event that asked for it, in microseconds since 1970.
    pub reported_at: Option<i64>,
}

/// The inputs of the decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathView {
    /// Both sides, and the permissions that are wanted.
    pub sides: PathState,
    /// The path's row; `None` = nothing was pending.
    pub pending: Option<PendingRow>,
    /// True if an effect that names the path has no outcome yet.
    pub open_intent: bool,
    /// True if the state was restored from a backup: then a path without a row may still be in the sink.
    pub restored: bool,
    /// The receipt time of the first of the events being consumed that name the path, in microseconds since 1970.
    pub reported_at: Option<i64>,
}

/// The order in which pending paths are worked on, and their lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueKey {
    /// Deletes wait for the end of a listing, and for the guard.
    pub deletion: bool,
    /// From 8 MiB on.
    pub large: bool,
    /// The receipt time of the event that asked for it, in microseconds since 1970 and whole seconds: paths with equal keys are queued in
    /// one statement.
    pub reported_at: Option<i64>,
}

/// The change of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueChange {
    /// It stays as it is, or there is none and none is needed.
    Keep,
    /// It stays, and records when its event was received.
    Reported(i64),
    /// It is removed: nothing is left to do.
    Remove,
    /// A new row at the end of the queue.
    Append(QueueKey),
    /// The row is removed, and a new one is appended.
    Replace(QueueKey),
    /// The path is skipped, with the reason; a row is made where there is none.
    Skip(SkipReason),
    /// The path cannot be done as things are, with the reason; a row is made where there is none.
    Park(SkipReason),
}

/// The decision about one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requeue {
    /// The change of the row.
    pub change: QueueChange,
    /// True if the path has work to do now.
    pub to_do: bool,
    /// True if the applied row becomes unconfirmed first (made if there is none).
    pub unconfirm: bool,
}

impl Requeue {
    fn of(change: QueueChange, to_do: bool) -> Self {
        Self { change, to_do, unconfirm: false }
    }
}

/// Decides the change of a path's row.
///
/// | verdict of [`decide`] | row and trigger | change |
/// |---|---|---|
/// | nothing, skip or too large | an intent is open | queue: the effect is brought to an outcome first |
/// | nothing | a listing missed the key, and no observation answered since | keep |
/// | nothing | any other row | remove |
/// | nothing, gone, never applied, in a restored state | a row, and an observation | unconfirm, queue a delete |
/// | an effect, a confirmation, a lookup | any | queue |
/// | skip or too large | a listing missed the key, and no observation answered since | keep |
/// | skip; too large | any other | skip; park |
pub fn requeue(path: &ObjectKey, view: &PathView, trigger: Trigger, policy: Policy) -> Requeue {
    let PathView { sides, pending, open_intent, restored, .. } = view;
    let observed_now = matches!(trigger, Trigger::Observed { .. });
    // The listing that missed the key is newer than the observation that showed it: only another observation answers it.
    let in_question = pending.is_some_and(|row| row.deletion) && !observed_now;
    let content = (false, is_large(sides));
    match decide(path, sides, policy) {
        Verdict::Nothing | Verdict::Skip(_) | Verdict::TooLarge if *open_intent => queue(view, content, trigger),
        Verdict::Nothing => {
            let found_gone = sides.observed.as_ref().is_some_and(|observed| observed.facts.is_none());
            let never_applied = pending.is_some() && sides.applied.is_none() && observed_now;
            if found_gone && never_applied && *restored && !path.is_directory_marker(0) {
                // The path was seen, had no outcome since, and is gone. The sink may hold it from the time that a restored state has
                // forgotten; in such a state each path of this kind costs a call.
                return Requeue { unconfirm: true, ..queue(view, (true, false), trigger) };
            }
            let remove = pending.is_some() && (found_gone || !in_question);
            Requeue::of(if remove { QueueChange::Remove } else { QueueChange::Keep }, false)
        }
        Verdict::Do(planned) if planned.effect == Effect::Delete => queue(view, (true, false), trigger),
        Verdict::Do(_) | Verdict::Confirm(_) | Verdict::Look => queue(view, content, trigger),
        Verdict::Skip(_) | Verdict::TooLarge if in_question => Requeue::of(QueueChange::Keep, false),
        Verdict::Skip(reason) => Requeue::of(QueueChange::Skip(reason), false),
        Verdict::TooLarge => Requeue::of(QueueChange::Park(SkipReason::TooLarge), false),
    }
}

/// As [`requeue`], for a path with only its first observation: most rows of a first listing are of this kind.
pub fn first(path: &ObjectKey, observed: Observed, policy: Policy) -> Requeue {
    let sides = PathState { observed: Some(observed), ..PathState::default() };
    requeue(path, &PathView { sides, ..PathView::default() }, Trigger::Observed { changed: true }, policy)
}

/// Decides the row of a path with work: at the end of the queue, unless its row stays.
///
/// - A delete that the guard holds stays held, whatever else says that the key is gone.
/// - After an observation a due row keeps its place; one that waits for its next attempt keeps waiting until something changed.
/// - While an operation holds the path, its row stays: the operation decides again when it ends.
/// - After an outcome a row stays if it asks for an observation and the path is no delete.
fn queue(view: &PathView, (deletion, large): (bool, bool), trigger: Trigger) -> Requeue {
    let reported_at = view.reported_at.map(|at| at.div_euclid(1_000_000) * 1_000_000);
    let Some(row) = view.pending else {
        return Requeue::of(QueueChange::Append(QueueKey { deletion, large, reported_at }), true);
    };
    let stays = match trigger {
        _ if row.held && deletion => true,
        Trigger::Observed { changed } => row.deletion == deletion && (row.due || !changed),
        Trigger::InFlight => true,
        Trigger::Outcome => row.deletion && !deletion,
        Trigger::MoveEnded => row.deletion == deletion,
    };
    let change = match reported_at {
        Some(at) if stays && row.reported_at.is_none() => QueueChange::Reported(at),
        _ if stays => QueueChange::Keep,
        _ => QueueChange::Replace(QueueKey { deletion, large, reported_at: row.reported_at.or(reported_at) }),
    };
    Requeue::of(change, true)
}

fn is_large(sides: &PathState) -> bool {
    let facts = sides.observed.as_ref().and_then(|observed| observed.facts.as_ref());
    facts.is_some_and(|facts| facts.size >= LARGE_BYTES)
}

#[cfg(test)]
mod tests;
