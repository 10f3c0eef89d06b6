//! The state of a path: what was observed in the bucket, what a sink confirmed, and the permissions that events reported.

use super::{FileRecord, Fingerprint, ObjectFacts, ObjectKey, ObservationSeq, Permissions};

/// The newest observation of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The object's metadata; `None` = the object does not exist (a tombstone).
    pub facts: Option<ObjectFacts>,
    /// The observation number.
    pub seq: ObservationSeq,
}

/// The file that a sink confirmed at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The file as it was when the sink confirmed it.
    pub file: FileRecord,
    /// `false` = the row may differ from what the sink holds, because an unanswered call may have had its effect.
    pub confirmed: bool,
}

/// The state of one path for one sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathState {
    /// The file that the sink confirmed; `None` = none.
    pub applied: Option<Applied>,
    /// The newest observation; `None` = never observed.
    pub observed: Option<Observed>,
    /// The reported permissions.
    pub wanted: Permissions,
}

impl PathState {
    /// The metadata of the newest observation, if the object exists and is not a directory marker.
    pub fn current_facts(&self, path: &ObjectKey) -> Option<&ObjectFacts> {
        let facts = self.observed.as_ref()?.facts.as_ref()?;
        (!path.is_directory_marker(facts.size)).then_some(facts)
    }

    /// The reported permissions that the sink has not confirmed.
    pub fn permissions_to_set(&self) -> Permissions {
        let held = self.applied.as_ref().filter(|row| row.confirmed).map(|row| &row.file.permissions);
        held.map_or_else(|| self.wanted.clone(), |held| self.wanted.differing_from(held))
    }
}

impl Applied {
    /// The fingerprint of the content that the sink confirmed; `None` = the row is unconfirmed.
    pub fn known_fingerprint(&self) -> Option<Fingerprint> {
        if self.confirmed { self.file.fingerprint() } else { None }
    }
}
