//! Observations: of one key, or of all keys of a page of a listing. Plain data; `state` stores them.

use super::{ObjectFacts, ObjectKey, ObservationSeq};

/// One observation of one key.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The key.
    pub path: ObjectKey,
    /// The object's metadata; `None` = the object does not exist, according to a 404 that counts as evidence.
    pub facts: Option<ObjectFacts>,
    /// The observation number, taken before the request.
    pub seq: ObservationSeq,
}

/// The position from which a listing continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageCursor {
    /// From the first key.
    Start,
    /// After this key, in the order of the keys' bytes. Another process can continue a listing from it.
    After(ObjectKey),
    /// The source's own token. It is valid only in the listing that returned it.
    Token(String),
}

/// One page of a listing: all keys in a range.
#[derive(Clone, Debug)]
pub struct Page {
    /// The prefix of the listing. The page does not describe keys without it.
    pub prefix: String,
    /// The last key before the page; `None` = the page is the first.
    pub after: Option<ObjectKey>,
    /// The last key of the page; `None` = the page is the last.
    pub up_to: Option<ObjectKey>,
    /// The observation number, taken before the page's request.
    pub seq: ObservationSeq,
    /// All objects in the range. Before them there may be objects that an earlier page has covered: they are observed again.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
}

/// One page of a listing that is not in the order of the keys' bytes. It says nothing about keys that it does not show.
#[derive(Clone, Debug)]
pub struct UnorderedPage {
    /// The prefix of the listing.
    pub prefix: String,
    /// True if no page of this listing has been stored yet.
    pub first: bool,
    /// The observation number, taken before the page's request.
    pub seq: ObservationSeq,
    /// For the last page, the observation number of the listing's first page: keys that were not observed since then are absent from the
    /// whole listing. `None` = more pages follow.
    pub listed_since: Option<ObservationSeq>,
    /// The objects of the page.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
}

/// The counts of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageCounts {
    /// Files on the page.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directory markers on the page, which are not counted as files.
    pub markers: u64,
    /// Pending operations for the files of the page: one for each file and sink.
    pub to_do: u64,
    /// The bytes of these operations.
    pub to_do_bytes: u64,
}

impl Page {
    /// The range of keys that the page covers, from the first text (inclusive) to the second (exclusive); `None` = no upper bound.
    pub fn range(&self) -> (String, Option<String>) {
        let just_after = |key: &ObjectKey| format!("{}\0", key.as_str());
        let from = self.after.as_ref().map_or_else(|| self.prefix.clone(), just_after);
        let to = self.up_to.as_ref().map_or_else(|| just_after_all_that_begin_with(&self.prefix), |last| Some(just_after(last)));
        (from, to)
    }
}

impl UnorderedPage {
    /// The range of keys that the listing covers, as [`Page::range`].
    pub fn range_of_listing(&self) -> (String, Option<String>) {
        (self.prefix.clone(), just_after_all_that_begin_with(&self.prefix))
    }
}

/// The smallest text that is greater than all texts with this prefix; `None` = there is none. Texts are compared by their bytes, which in
/// UTF-8 is the order of their characters.
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
