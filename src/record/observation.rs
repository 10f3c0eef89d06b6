//! The observations: of one key, or of all keys of a page of a listing. They are plain data; the state stores them.

use super::{ObjectFacts, ObjectKey, ObservationSeq};

/// One observation of one key.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The key.
    pub path: ObjectKey,
    /// `None` = nothing there. Only with evidence: a 404 that counts (rule 3).
    pub facts: Option<ObjectFacts>,
    /// Taken before the request.
    pub look: ObservationSeq,
}

/// One page of a listing: all keys between two keys.
#[derive(Clone, Debug)]
pub struct Page {
    /// Only keys that begin with this were asked for; it says nothing about others.
    pub prefix: String,
    /// Keys after this one; `None` = from the start.
    pub after: Option<ObjectKey>,
    /// Keys up to this one; `None` = to the end: the listing's last page.
    pub up_to: Option<ObjectKey>,
    /// Taken before the page's request.
    pub look: ObservationSeq,
    /// All objects in that range.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
}

/// The counts of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageCounts {
    /// Files on it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directory markers on it: no files.
    pub markers: u64,
    /// Files for which there is something to do.
    pub to_do: u64,
    /// Bytes of those.
    pub to_do_bytes: u64,
}

impl Page {
    /// The keys that the page covers: from the first (inclusive) to the second (exclusive); `None` = no bound.
    pub fn range(&self) -> (String, Option<String>) {
        let just_after = |key: &ObjectKey| format!("{}\0", key.as_str());
        let from = self.after.as_ref().map_or_else(|| self.prefix.clone(), just_after);
        let to = self.up_to.as_ref().map_or_else(|| just_after_all_that_begin_with(&self.prefix), |last| Some(just_after(last)));
        (from, to)
    }
}

/// The first text that is greater than all that begin with `prefix`; the order of UTF-8 is that of its characters.
pub fn just_after_all_that_begin_with(prefix: &str) -> Option<String> {
    let mut before = prefix.to_owned();
    while let Some(last) = before.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            before.push(next);
            return Some(before);
        }
    }
    None
}
