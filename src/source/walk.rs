//! Follows a listing from page to page: which keys each page covers, and whether the listing makes progress. Pure.

use super::SourcePage;
use crate::record::{ObjectFacts, ObjectKey, PageCursor};

/// The maximum number of consecutive pages without an object. A listing with more of them makes no progress.
const MAX_EMPTY_PAGES: u32 = 1_000;

/// The progress of one listing. It takes the pages in turn; its memory does not grow with their number.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Where the next page begins; `None` = the listing is complete.
    next: Option<PageCursor>,
    /// The key up to which the source is covered, also by pages of an interrupted listing.
    covered: Option<ObjectKey>,
    /// The last key of the latest page with objects, in this walk.
    last: Option<ObjectKey>,
    /// True after a key that was not greater than its predecessor.
    out_of_order: bool,
    /// True if the walk resumes an interrupted listing.
    resumed: bool,
    /// True if any page of this listing had to be requested by a key.
    by_keys: bool,
    empty_pages: u32,
    circle: CircleDetector,
}

/// The keys that a page covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// The keys after the first bound up to and including the second one; `None` = no bound.
    Range(Option<ObjectKey>, Option<ObjectKey>),
    /// No keys: the page is empty, and others follow.
    Nothing,
    /// Only its own objects, because the listing is not in byte order. Which keys are absent is known only at the end of the
    /// whole listing.
    OutOfOrder,
    /// Nothing: the resumed listing is not in byte order, so it starts over, and the page's objects come again.
    StartsOver,
}

/// The reason why a listing cannot be continued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProgress {
    /// A page was returned twice.
    #[error("the listing goes in circles: it shows the page from \"{first}\" to \"{last}\" again")]
    SamePage {
        /// The page's first key.
        first: ObjectKey,
        /// The page's last key.
        last: ObjectKey,
    },
    /// An empty page leads to itself.
    #[error("the listing goes in circles: a page without an object has the token by which it was requested")]
    SameToken,
    /// More empty pages than a listing may have.
    #[error("the listing makes no progress: {MAX_EMPTY_PAGES} pages in a row are without an object")]
    EmptyPages,
    /// Without tokens the next page is requested by key, and a server with another order may then leave out keys.
    #[error("the server does not list in the order of the keys' bytes and sends no continuation token: the listing may leave out keys")]
    NoToken,
}

impl Walk {
    /// A listing from its start.
    pub fn from_start() -> Self {
        Self {
            next: Some(PageCursor::Start),
            covered: None,
            last: None,
            out_of_order: false,
            resumed: false,
            by_keys: false,
            empty_pages: 0,
            circle: CircleDetector::default(),
        }
    }

    /// A listing that continues after the last key of an interrupted one.
    pub fn resumed(after: ObjectKey) -> Self {
        Self { next: Some(PageCursor::After(after.clone())), covered: Some(after), resumed: true, ..Self::from_start() }
    }

    /// Where the next page begins; `None` = the listing is complete.
    pub fn next(&self) -> Option<&PageCursor> {
        self.next.as_ref()
    }

    /// Takes the page that [`Walk::next`] named.
    pub fn take(&mut self, page: &SourcePage) -> Result<Coverage, NoProgress> {
        let ends = page.next.is_none();
        let keys = page.objects.first().zip(page.objects.last());
        match keys {
            Some(((first, _), (last, _))) if self.circle.is_returned_again((first, last, page.objects.len())) => {
                return Err(NoProgress::SamePage { first: first.clone(), last: last.clone() });
            }
            None if !ends && page.next == self.next => return Err(NoProgress::SameToken),
            None if !ends && self.empty_pages == MAX_EMPTY_PAGES => return Err(NoProgress::EmptyPages),
            _ => {}
        }
        self.next.clone_from(&page.next);
        self.empty_pages = if keys.is_none() { self.empty_pages + 1 } else { 0 };
        if keys.is_none() && !ends {
            return Ok(Coverage::Nothing);
        }
        self.by_keys |= matches!(page.next, Some(PageCursor::After(_)));
        self.out_of_order |= !self.continues_in_order(&page.objects);
        if self.out_of_order {
            if self.resumed {
                *self = Self::from_start();
                return Ok(Coverage::StartsOver);
            }
            return if self.by_keys { Err(NoProgress::NoToken) } else { Ok(Coverage::OutOfOrder) };
        }
        let after = self.covered.clone();
        if let Some((_, (last, _))) = keys {
            self.last = Some(last.clone());
            // A server that ignores the start key shows covered keys again.
            self.covered = self.last.clone().max(self.covered.take());
        }
        Ok(Coverage::Range(after, self.covered.clone().filter(|_| !ends)))
    }

    fn continues_in_order(&self, objects: &[(ObjectKey, ObjectFacts)]) -> bool {
        let keys = || self.last.iter().chain(objects.iter().map(|(key, _)| key));
        keys().zip(keys().skip(1)).all(|(one, other)| one < other)
    }
}

/// Detects a page that is returned twice, by its first key, last key and number of objects. It remembers one page at a time, for
/// 2, 4, 8, … pages (Brent's algorithm), so it detects cycles of every length.
#[derive(Clone, Debug, Default)]
struct CircleDetector {
    remembered: Option<(ObjectKey, ObjectKey, usize)>,
    pages_since: u64,
    remember_after: u64,
}

impl CircleDetector {
    /// True if the remembered page is returned again.
    fn is_returned_again(&mut self, (first, last, count): (&ObjectKey, &ObjectKey, usize)) -> bool {
        if self.remembered.as_ref().is_some_and(|(one, other, objects)| (one, other, *objects) == (first, last, count)) {
            return true;
        }
        self.pages_since += 1;
        if self.pages_since >= self.remember_after {
            *self = Self {
                remembered: Some((first.clone(), last.clone(), count)),
                pages_since: 0,
                remember_after: self.remember_after.max(1) * 2,
            };
        }
        false
    }
}

#[cfg(test)]
mod tests;
