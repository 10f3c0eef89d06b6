//! Folds events into the paths to look up, the moved files, and the reported permissions. Pure: it takes the hints that earlier batches
//! left and updates them. Events are only hints; lookups decide what is true.

use crate::mutant;
use crate::record::{Event, EventKind, EventPermissions, ObjectKey, ObservationSeq};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An event with its effective time: the event's own time, or the time of receipt if the event has no time or one in the future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedEvent {
    /// The reported event.
    pub event: Event,
    /// The effective time.
    pub at: Timestamp,
    /// The number of the newest observation when the event was received.
    pub seq: ObservationSeq,
}

impl TimedEvent {
    /// Combines an event with the time and the observation number of its receipt.
    pub fn new(event: Event, received_at: Timestamp, seq: ObservationSeq) -> Self {
        let at = event.time.filter(|time| *time <= received_at).unwrap_or(received_at);
        Self { event, at, seq }
    }
}

/// The path from which the file at another path was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveOrigin {
    /// The path at which a sink may still have the file.
    pub origin: ObjectKey,
    /// The effective time of the event that reported the move; `None` = no event reported it, the engine paired two paths by their content.
    pub reported_at: Option<Timestamp>,
    /// The number of failed lookups of one of the two paths since the move became a hint.
    pub failed_lookups: u32,
}

/// The origin of the file at each moved path, for one sink. No origin occurs twice, because a file moves to one path.
pub type Lineage = BTreeMap<ObjectKey, MoveOrigin>;

/// The unused hints of earlier batches that concern the paths of this batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitingHints {
    /// The reported permissions of each path.
    pub reported: BTreeMap<ObjectKey, EventPermissions>,
    /// The origins for each sink. They differ between sinks, because a sink that has applied a move no longer has its origin.
    pub lineages: Vec<Lineage>,
    /// Deleted paths with the time of the reported delete. Earlier events about the path concern the deleted file.
    pub delete_reported_at: BTreeMap<ObjectKey, Timestamp>,
    /// Deleted paths with the observation that found them gone, where no event reported the delete. Events received before that observation
    /// concern the deleted file.
    pub found_gone_by: BTreeMap<ObjectKey, ObservationSeq>,
}

/// The hints of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoldedBatch {
    /// The paths to look up.
    pub touched: BTreeSet<ObjectKey>,
    /// The paths that an event reported as gone, with the latest effective time of such an event.
    pub gone: BTreeMap<ObjectKey, Timestamp>,
}

/// Folds a batch into the waiting hints, in the order of the effective times. Events with equal times keep their order of arrival.
pub fn fold(waiting: &mut WaitingHints, mut batch: Vec<TimedEvent>) -> FoldedBatch {
    let mut folded = FoldedBatch::default();
    batch.sort_by_key(|timed| timed.at);
    for TimedEvent { event, at, seq } in batch {
        folded.touched.extend(event.paths().cloned());
        let subject = match (&event.new_path, event.kind) {
            (Some(new_path), _) => {
                folded.note_gone(&event.path, at);
                waiting.renamed(&event.path, new_path, at);
                new_path
            }
            (None, EventKind::Delete) => {
                folded.note_gone(&event.path, at);
                continue;
            }
            (None, _) => &event.path,
        };
        if event.permissions.is_empty() || waiting.was_reported_of_a_gone_file(subject, at, seq) {
            continue;
        }
        waiting.reported.entry(subject.clone()).or_default().record_reported(&event.permissions, at, seq);
        // A later event reported a move from here, so these permissions belong to the new path, too.
        let gone_to = waiting.lineages.iter().flatten();
        let gone_to = gone_to
            .filter(|(_, move_origin)| move_origin.origin == *subject && move_origin.reported_at.is_some_and(|reported| at <= reported));
        for path in gone_to.map(|(path, _)| path.clone()).collect::<BTreeSet<_>>() {
            waiting.reported.entry(path.clone()).or_default().record_reported(&event.permissions, at, seq);
            folded.touched.insert(path);
        }
    }
    folded
}

/// Returns the inbox rows of a batch that can be consumed, if the lookups of some paths failed. Rows of failed paths stay, and so do all
/// rows that share a path with one that stays: the rows keep their order.
pub fn consumable_rows(rows: &[(i64, Vec<&ObjectKey>)], failed: &BTreeSet<ObjectKey>) -> BTreeSet<i64> {
    let mut unsettled: BTreeSet<_> = failed.iter().collect();
    let mut used: BTreeMap<_, _> = rows.iter().map(|(row, paths)| (*row, paths)).collect();
    loop {
        let before = used.len();
        used.retain(|_, paths| {
            let stays = paths.iter().any(|path| unsettled.contains(path));
            if stays {
                unsettled.extend(paths.iter().copied());
            }
            !stays
        });
        if used.len() == before {
            return used.into_keys().collect();
        }
    }
}

impl FoldedBatch {
    fn note_gone(&mut self, path: &ObjectKey, at: Timestamp) {
        let latest = self.gone.entry(path.clone()).or_insert(at);
        *latest = at.max(*latest);
    }
}

impl WaitingHints {
    fn was_reported_of_a_gone_file(&self, path: &ObjectKey, at: Timestamp, seq: ObservationSeq) -> bool {
        self.delete_reported_at.get(path).is_some_and(|gone| at <= *gone) || self.found_gone_by.get(path).is_some_and(|gone| seq < *gone)
    }

    /// Adds a rename to the origins: a → b and b → c become a → c; a → b and b → a cancel out.
    fn renamed(&mut self, from: &ObjectKey, to: &ObjectKey, at: Timestamp) {
        if let Some(reported) = self.reported.get(from).cloned().filter(|_| !mutant::is("permissions_stay_behind_a_rename")) {
            self.reported.entry(to.clone()).or_default().inherit(&reported, at);
        }
        for lineage in &mut self.lineages {
            let (origin, failed_lookups) =
                lineage.remove(from).map_or_else(|| (from.clone(), 0), |move_origin| (move_origin.origin, move_origin.failed_lookups));
            lineage.remove(to);
            // Another path already has this origin: the sink has no file to rename.
            let is_claimed = lineage.values().any(|move_origin| move_origin.origin == origin);
            if origin != *to && !is_claimed {
                lineage.insert(to.clone(), MoveOrigin { origin, reported_at: Some(at), failed_lookups });
            }
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
