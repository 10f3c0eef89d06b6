//! Decides how a path's row in `pending` changes after its observed or applied row changed. Pure.

use super::policy::Policy;
use super::{Effect, SkipReason, Verdict, decide};
use crate::record::{ObjectKey, Observed, PathState};

/// Objects of at least this size have a separate lane, so that they do not delay small ones.
const LARGE_BYTES: u64 = 8 << 20;

/// The reason why the path is planned again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The path was observed.
    Observed {
        /// True if content or storage class differ from the previous observation.
        changed: bool,
    },
    /// A running operation observed the object again and continues.
    InFlight,
    /// The operation on the path has ended.
    OperationEnded,
    /// A move from or to the path has ended, while no operation on the path runs.
    MoveEnded,
}

/// The status of a pending path, as far as the plan distinguishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowStatus {
    /// It is due.
    Due,
    /// The delete guard holds it.
    Held,
    /// It is skipped because a listing showed the key and a lookup did not find it. Only another observation makes it due.
    ListedButMissing,
    /// It is parked, or skipped for another reason.
    Waiting,
}

/// A path's row in `pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingRow {
    /// The status.
    pub status: RowStatus,
    /// True if the key may be gone. A lookup must confirm that before a delete.
    pub maybe_deleted: bool,
    /// The time of receipt of the event that queued the path, in microseconds since 1970.
    pub reported_at: Option<i64>,
}

/// The inputs of the decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathView {
    /// The observed and the applied row, and the reported permissions.
    pub path_state: PathState,
    /// The path's row in `pending`; `None` = no row.
    pub pending: Option<PendingRow>,
    /// True if an intent that names the path is open.
    pub open_intent: bool,
    /// True if the state was restored from a backup: then the sink may hold a file for which `applied` has no row.
    pub state_restored: bool,
    /// The time of receipt of the first event in the current batch that names the path, in microseconds since 1970.
    pub reported_at: Option<i64>,
}

/// The lane of a pending path and its position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuePosition {
    /// True for the lane of deletes, which wait for the end of a listing and for the guard.
    pub deletion: bool,
    /// True for an object of at least 8 MiB.
    pub large: bool,
    /// The time of receipt of the event, in microseconds since 1970. It is rounded down to the second: paths received in the
    /// same second have equal positions, and one statement inserts them all.
    pub reported_at: Option<i64>,
}

/// A change of a path's row in `pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueChange {
    /// No change.
    Keep,
    /// Sets `reported_at` and changes nothing else.
    SetReportedAt(i64),
    /// Makes the row due where it is. It keeps its reason: the operation must know that it is not the first contradiction.
    MakeDue,
    /// Removes the row: nothing is left to do.
    Remove,
    /// Inserts a row at the end of the queue.
    Append(QueuePosition),
    /// Removes the row and inserts a new one at the end of the queue.
    Replace(QueuePosition),
    /// Marks the path as skipped for this reason. Inserts a row if there is none.
    Skip(SkipReason),
    /// Parks the path for this reason, without a next attempt: only a new observation or changed settings make it due. Inserts a row if there
    /// is none.
    Park(SkipReason),
}

/// The decision for one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingDecision {
    /// The change of the row.
    pub change: QueueChange,
    /// True if the path has pending work.
    pub to_do: bool,
    /// True if the caller must first mark the applied row as unconfirmed, and insert it if there is none.
    pub unconfirm: bool,
}

impl PendingDecision {
    fn of(change: QueueChange, to_do: bool) -> Self {
        Self { change, to_do, unconfirm: false }
    }
}

/// Decides the change of a path's row. The first matching line of the table counts. The absence of a key is *open* if a listing did
/// not contain the key and no newer observation exists.
///
/// | verdict of [`decide`] | row and trigger | change |
/// |---|---|---|
/// | nothing, skip or too large | an intent is open | queue: the open effect needs an outcome first |
/// | nothing: gone, never applied, in a restored state | a row, and a new observation | unconfirm, queue a delete |
/// | nothing, and the observed row is not a tombstone | the absence is open | keep |
/// | nothing | a row; no row | remove; keep |
/// | an effect, a confirmation, a lookup | any | queue |
/// | skip or too large | the absence is open | keep |
/// | skip; too large | any | skip; park |
pub fn decide_pending(path: &ObjectKey, view: &PathView, trigger: Trigger, policy: Policy) -> PendingDecision {
    let PathView { path_state: sides, pending, open_intent, state_restored: restored, .. } = view;
    let observed_now = matches!(trigger, Trigger::Observed { .. });
    // A newer listing did not contain the key, so the stored observation is outdated. Keep the row until a new observation arrives.
    let absence_is_open = pending.is_some_and(|row| row.maybe_deleted) && !observed_now;
    let upload = (false, is_large(sides));
    match decide(path, sides, policy) {
        Verdict::Nothing | Verdict::Skip(_) | Verdict::TooLarge if *open_intent => queue(view, upload, trigger),
        Verdict::Nothing => {
            let found_gone = sides.observed.as_ref().is_some_and(|observed| observed.facts.is_none());
            let never_applied = pending.is_some() && sides.applied.is_none() && observed_now;
            if found_gone && never_applied && *restored && !path.is_directory_marker(0) {
                // The object was seen, was never applied according to this state, and is now gone. The state was restored from a backup, so
                // the sink may hold a file that was uploaded after the backup. Queue a delete; it costs one call per such path.
                return PendingDecision { unconfirm: true, ..queue(view, (true, false), trigger) };
            }
            let remove = pending.is_some() && (found_gone || !absence_is_open);
            PendingDecision::of(if remove { QueueChange::Remove } else { QueueChange::Keep }, false)
        }
        Verdict::Do(planned) if planned.effect == Effect::Delete => queue(view, (true, false), trigger),
        Verdict::Do(_) | Verdict::Confirm(_) | Verdict::Look => queue(view, upload, trigger),
        Verdict::Skip(_) | Verdict::TooLarge if absence_is_open => PendingDecision::of(QueueChange::Keep, false),
        Verdict::Skip(reason) => PendingDecision::of(QueueChange::Skip(reason), false),
        Verdict::TooLarge => PendingDecision::of(QueueChange::Park(SkipReason::TooLarge), false),
    }
}

/// As [`decide_pending`], for a path that was just observed for the first time. Most paths of a first listing are of this kind.
pub fn decide_new(path: &ObjectKey, observed: Observed, policy: Policy) -> PendingDecision {
    let sides = PathState { observed: Some(observed), ..PathState::default() };
    decide_pending(path, &PathView { path_state: sides, ..PathView::default() }, Trigger::Observed { changed: true }, policy)
}

/// Queues a path that has work. Its row stays where it is, or a new row is inserted at the end of the queue:
///
/// - Another report that the key is gone does not release a held delete.
/// - After an observation a due row of the same lane keeps its place. A row that is not due stays as it is, unless content or storage class
///   changed; one that is listed but missing becomes due. After the end of a move any row of the same lane stays.
/// - While an operation on the path runs, the row stays. The operation plans the path again when it ends.
/// - After an operation has ended, the row stays if the key may be gone (`row.maybe_deleted`) and the new plan is not a delete.
fn queue(view: &PathView, (deletion, large): (bool, bool), trigger: Trigger) -> PendingDecision {
    let reported_at = view.reported_at.map(|at| at.div_euclid(1_000_000) * 1_000_000);
    let Some(row) = view.pending else {
        return PendingDecision::of(QueueChange::Append(QueuePosition { deletion, large, reported_at }), true);
    };
    let stays = match trigger {
        _ if row.status == RowStatus::Held && deletion => true,
        Trigger::Observed { changed } => row.maybe_deleted == deletion && (row.status == RowStatus::Due || !changed),
        Trigger::InFlight => true,
        Trigger::OperationEnded => row.maybe_deleted && !deletion,
        Trigger::MoveEnded => row.maybe_deleted == deletion,
    };
    let observed_now = matches!(trigger, Trigger::Observed { .. });
    let change = match reported_at {
        _ if stays && row.status == RowStatus::ListedButMissing && observed_now => QueueChange::MakeDue,
        Some(at) if stays && row.reported_at.is_none() => QueueChange::SetReportedAt(at),
        _ if stays => QueueChange::Keep,
        _ => QueueChange::Replace(QueuePosition { deletion, large, reported_at: row.reported_at.or(reported_at) }),
    };
    PendingDecision::of(change, true)
}

fn is_large(sides: &PathState) -> bool {
    let facts = sides.observed.as_ref().and_then(|observed| observed.facts.as_ref());
    facts.is_some_and(|facts| facts.size >= LARGE_BYTES)
}

#[cfg(test)]
mod tests;
