//! The two sides that the state keeps apart: what a look showed, and what a sink has confirmed.

use super::{FileRecord, Fingerprint, Look, ObjectFacts};

/// What the newest look at a key showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// `None` = the look found nothing there (a tombstone).
    pub facts: Option<ObjectFacts>,
    /// Which look it was.
    pub look: Look,
}

/// What a sink holds at a path, as far as it told us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The file as it was when the sink confirmed it.
    pub file: FileRecord,
    /// `false` = there is a row, but it no longer says what the sink holds: a call may or may not have had its effect.
    pub confirmed: bool,
}

impl Applied {
    /// The content that the sink certainly holds.
    pub fn known_fingerprint(&self) -> Option<Fingerprint> {
        if self.confirmed { self.file.fingerprint() } else { None }
    }
}
