//! The fold: from events to the paths that are to be looked at, the files that went elsewhere, and the permissions told.
//! Pure: what waits from earlier batches goes in, what waits now comes out. Nothing here is believed: looks decide.

use crate::mutant;
use crate::record::{Event, EventKind, EventPermissions, ObjectKey, ObservationSeq};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An event, and when it counts for: its own time, or that of its receipt when it carries none or one that was in the future then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedEvent {
    /// What was told.
    pub event: Event,
    /// When it counts for.
    pub at: Timestamp,
    /// The newest look when it was received.
    pub look: ObservationSeq,
}

impl TimedEvent {
    /// An event as it was received.
    pub fn new(event: Event, received_at: Timestamp, look: ObservationSeq) -> Self {
        let at = event.time.filter(|time| *time <= received_at).unwrap_or(received_at);
        Self { event, at, look }
    }
}

/// Where the file at a path came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveOrigin {
    /// The path under which a sink may have it.
    pub origin: ObjectKey,
    /// When it was told; `None` = nobody told, two paths were paired by their content.
    pub told_at: Option<Timestamp>,
    /// How often one of the two paths could not be looked at since.
    pub unseen: u32,
}

/// Where the file at each path came from, for one sink. No origin stands twice: a file goes to one place.
pub type Lineage = BTreeMap<ObjectKey, MoveOrigin>;

/// What was told and nothing has used yet, as far as a batch can concern it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// What was told of the permissions of each path.
    pub told: BTreeMap<ObjectKey, EventPermissions>,
    /// For each sink, where the file at each path came from. (A sink that has applied a move has forgotten it, another one has not.)
    pub lineages: Vec<Lineage>,
    /// Tombstones that keep a time: what was told of the path until then was told of a file that is gone.
    pub gone_until: BTreeMap<ObjectKey, Timestamp>,
    /// The looks that found a file gone of which nobody had told: what was received before was told of the file that went.
    pub gone_at: BTreeMap<ObjectKey, ObservationSeq>,
}

/// What a batch told beside what waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The paths to be looked at, once each.
    pub touched: BTreeSet<ObjectKey>,
    /// The paths that are said to be gone, and since when.
    pub gone: BTreeMap<ObjectKey, Timestamp>,
}

/// Folds a batch into what waits, in the order of the times that the events count for; of equal times, in the order of arrival.
pub fn fold(waiting: &mut Waiting, mut batch: Vec<TimedEvent>) -> Hints {
    let mut hints = Hints::default();
    batch.sort_by_key(|heard| heard.at);
    for TimedEvent { event, at, look } in batch {
        hints.touched.extend(event.paths().cloned());
        let subject = match (&event.new_path, event.kind) {
            (Some(new_path), _) => {
                hints.gone(&event.path, at);
                waiting.renamed(&event.path, new_path, at);
                new_path
            }
            (None, EventKind::Delete) => {
                hints.gone(&event.path, at);
                continue;
            }
            (None, _) => &event.path,
        };
        if event.permissions.is_empty() || waiting.was_told_of_the_gone(subject, at, look) {
            continue;
        }
        waiting.told.entry(subject.clone()).or_default().hear(&event.permissions, at, look);
        // The file was told to have gone elsewhere since: it takes along what was told of it until then.
        let gone_to = waiting.lineages.iter().flatten();
        let gone_to = gone_to.filter(|(_, came)| came.origin == *subject && came.told_at.is_some_and(|told| at <= told));
        for path in gone_to.map(|(path, _)| path.clone()).collect::<BTreeSet<_>>() {
            waiting.told.entry(path.clone()).or_default().hear(&event.permissions, at, look);
            hints.touched.insert(path);
        }
    }
    hints
}

/// Which rows of a batch are used up, when some paths could not be looked at: rows that share a path stay together.
pub fn used_up(rows: &[(i64, Vec<ObjectKey>)], failed: &BTreeSet<ObjectKey>) -> BTreeSet<i64> {
    let mut unsettled = failed.clone();
    let mut used: BTreeMap<_, _> = rows.iter().map(|(row, paths)| (*row, paths)).collect();
    loop {
        let before = used.len();
        used.retain(|_, paths| {
            let stays = paths.iter().any(|path| unsettled.contains(path));
            if stays {
                unsettled.extend(paths.iter().cloned());
            }
            !stays
        });
        if used.len() == before {
            return used.into_keys().collect();
        }
    }
}

impl Hints {
    fn gone(&mut self, path: &ObjectKey, at: Timestamp) {
        let since = self.gone.entry(path.clone()).or_insert(at);
        *since = at.max(*since);
    }
}

impl Waiting {
    fn was_told_of_the_gone(&self, path: &ObjectKey, at: Timestamp, look: ObservationSeq) -> bool {
        self.gone_until.get(path).is_some_and(|gone| at <= *gone) || self.gone_at.get(path).is_some_and(|gone| look < *gone)
    }

    /// One more step of a file's way: a → b and b → c is a → c, a → b and b → a is nothing.
    fn renamed(&mut self, from: &ObjectKey, to: &ObjectKey, at: Timestamp) {
        if let Some(told) = self.told.get(from).cloned().filter(|_| !mutant::is("permissions_stay_behind_a_rename")) {
            self.told.entry(to.clone()).or_default().inherit(&told, at);
        }
        for lineage in &mut self.lineages {
            let (origin, unseen) = lineage.remove(from).map_or_else(|| (from.clone(), 0), |came| (came.origin, came.unseen));
            lineage.remove(to);
            // The file that the sink may have under this path is on its way elsewhere: what was here now, the sink does not have.
            let on_its_way = lineage.values().any(|came| came.origin == origin);
            if origin != *to && !on_its_way {
                lineage.insert(to.clone(), MoveOrigin { origin, told_at: Some(at), unseen });
            }
        }
    }
}

#[cfg(test)]
mod tests;
