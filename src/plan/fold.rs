//! The fold: turns events into the paths to look up, the files that were moved, and the reported permissions.
//! Pure: the waiting hints of earlier batches go in, the waiting hints of now come out. Events are only hints: lookups decide.

use crate::mutant;
use crate::record::{Event, EventKind, EventPermissions, ObjectKey, ObservationSeq};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An event and its effective time: its own, or the time of receipt if it carries none or one that was in the future then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedEvent {
    /// The reported event.
    pub event: Event,
    /// The effective time.
    pub at: Timestamp,
    /// The newest observation when it was received.
    pub look: ObservationSeq,
}

impl TimedEvent {
    /// An event as it was received.
    pub fn new(event: Event, received_at: Timestamp, look: ObservationSeq) -> Self {
        let at = event.time.filter(|time| *time <= received_at).unwrap_or(received_at);
        Self { event, at, look }
    }
}

/// The origin of the file at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveOrigin {
    /// The path under which a sink may have it.
    pub origin: ObjectKey,
    /// The time of the report; `None` = no source reported it, two paths were paired by their content.
    pub told_at: Option<Timestamp>,
    /// The number of times since that one of the two paths could not be looked up.
    pub unseen: u32,
}

/// The origin of the file at each path, for one sink. No origin occurs twice: a file goes to one place.
pub type Lineage = BTreeMap<ObjectKey, MoveOrigin>;

/// The reported hints that are not used yet, as far as a batch can concern them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The permissions reported for each path.
    pub told: BTreeMap<ObjectKey, EventPermissions>,
    /// The origin of the file at each path, for each sink. (A sink that has applied a move has forgotten it, another one has not.)
    pub lineages: Vec<Lineage>,
    /// The tombstones that keep a time: reports about the path up to that time concern a file that is gone.
    pub gone_until: BTreeMap<ObjectKey, Timestamp>,
    /// The observations that found a file gone without a report: earlier reports concern the file that is gone.
    pub gone_at: BTreeMap<ObjectKey, ObservationSeq>,
}

/// The hints of a batch, beside the waiting ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The paths to look up, once each.
    pub touched: BTreeSet<ObjectKey>,
    /// The paths reported as gone, and since when.
    pub gone: BTreeMap<ObjectKey, Timestamp>,
}

/// Folds a batch into the waiting hints, in the order of the events' effective times; of equal times, in the order of arrival.
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
        // The file was reported as moved since: its reports up to then move along.
        let gone_to = waiting.lineages.iter().flatten();
        let gone_to = gone_to.filter(|(_, came)| came.origin == *subject && came.told_at.is_some_and(|told| at <= told));
        for path in gone_to.map(|(path, _)| path.clone()).collect::<BTreeSet<_>>() {
            waiting.told.entry(path.clone()).or_default().hear(&event.permissions, at, look);
            hints.touched.insert(path);
        }
    }
    hints
}

/// The rows of a batch that are consumed, if some paths could not be looked up: rows that share a path stay together.
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

    /// Adds one step to a file's way: a → b and b → c is a → c, a → b and b → a is nothing.
    fn renamed(&mut self, from: &ObjectKey, to: &ObjectKey, at: Timestamp) {
        if let Some(told) = self.told.get(from).cloned().filter(|_| !mutant::is("permissions_stay_behind_a_rename")) {
            self.told.entry(to.clone()).or_default().inherit(&told, at);
        }
        for lineage in &mut self.lineages {
            let (origin, unseen) = lineage.remove(from).map_or_else(|| (from.clone(), 0), |came| (came.origin, came.unseen));
            lineage.remove(to);
            // The sink may have a file under this path that is on its way elsewhere: the sink does not have the file that is here now.
            let on_its_way = lineage.values().any(|came| came.origin == origin);
            if origin != *to && !on_its_way {
                lineage.insert(to.clone(), MoveOrigin { origin, told_at: Some(at), unseen });
            }
        }
    }
}

#[cfg(test)]
mod tests;
