//! The sides that the state keeps apart: what a lookup showed, what a sink has confirmed, and what was told of the permissions.

use super::{FileRecord, Fingerprint, ObjectFacts, ObjectKey, ObservationSeq, Permissions};

/// What the newest look at a key showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// `None` = the look found nothing there (a tombstone).
    pub facts: Option<ObjectFacts>,
    /// Which look it was.
    pub look: ObservationSeq,
}

/// What a sink holds at a path, as far as it told us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The file as it was when the sink confirmed it.
    pub file: FileRecord,
    /// `false` = there is a row, but it no longer says what the sink holds: a call may or may not have had its effect.
    pub confirmed: bool,
}

/// All that is known of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathState {
    /// What the sink holds.
    pub applied: Option<Applied>,
    /// What the newest look showed.
    pub observed: Option<Observed>,
    /// What was told of its permissions.
    pub wanted: Permissions,
}

impl PathState {
    /// What the newest look found there, if that is a file: a directory marker is none.
    pub fn there(&self, path: &ObjectKey) -> Option<&ObjectFacts> {
        let facts = self.observed.as_ref()?.facts.as_ref()?;
        (!path.is_directory_marker(facts.size)).then_some(facts)
    }

    /// What was told of the permissions and the sink is not known to hold.
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
