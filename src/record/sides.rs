//! The sides that the state keeps apart: the observation, the content that a sink confirmed, and the reported permissions.

use super::{FileRecord, Fingerprint, ObjectFacts, ObjectKey, ObservationSeq, Permissions};

/// The newest observation of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// `None` = the lookup found nothing there (a tombstone).
    pub facts: Option<ObjectFacts>,
    /// The number of the observation.
    pub look: ObservationSeq,
}

/// The content that a sink holds at a path, as far as the sink confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The file as it was when the sink confirmed it.
    pub file: FileRecord,
    /// `false` = the row may no longer match the sink: a call may or may not have had its effect.
    pub confirmed: bool,
}

/// All that is known of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathState {
    /// The content that the sink holds.
    pub applied: Option<Applied>,
    /// The newest observation.
    pub observed: Option<Observed>,
    /// The reported permissions.
    pub wanted: Permissions,
}

impl PathState {
    /// The facts of the newest observation, if it found a file: a directory marker is none.
    pub fn there(&self, path: &ObjectKey) -> Option<&ObjectFacts> {
        let facts = self.observed.as_ref()?.facts.as_ref()?;
        (!path.is_directory_marker(facts.size)).then_some(facts)
    }

    /// The reported permissions that the sink is not known to hold.
    pub fn permissions_to_set(&self) -> Permissions {
        let held = self.applied.as_ref().filter(|row| row.confirmed).map(|row| &row.file.permissions);
        held.map_or_else(|| self.wanted.clone(), |held| self.wanted.differing_from(held))
    }
}

impl Applied {
    /// The content that the sink certainly holds.
    pub fn known_fingerprint(&self) -> Option<Fingerprint> {
        if self.confirmed { self.file.fingerprint() } else { None }
    }
}
