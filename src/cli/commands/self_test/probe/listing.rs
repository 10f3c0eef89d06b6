//! The rows about listings: the first page as a run asks for it, pages of two keys by token, `start-after`, and the order.

use super::asker::{Asker, NoAnswer};
use super::row::ProbeRow;
use crate::record::{KeyEncoding, ObjectFacts, ObjectKey, PageCursor};
use crate::s3::{AnsweredEntry, AnsweredPage};
use crate::source::{NoProgress, SourcePage, Walk};
use std::collections::BTreeSet;

/// The number of keys that the probe's own pages ask for, so that a small bucket has several pages.
const SMALL_PAGE: u16 = 2;
/// The maximum number of these pages.
const MAX_SMALL_PAGES: usize = 4;

/// The first page, of the size that runs ask for. The other questions are about its keys.
#[derive(Default)]
pub(super) struct Sample {
    /// The entries as the store wrote them.
    pub(super) entries: Vec<AnsweredEntry>,
    /// True if the store says that it encodes keys.
    pub(super) says_encoded: bool,
    /// The objects: as a run gets them at first, then as [`Sample::read_as`] reads them.
    pub(super) objects: Vec<(ObjectKey, ObjectFacts)>,
    encoding: Option<KeyEncoding>,
    /// False if there was no first page, or none that a run can read: then nothing is known of the bucket.
    is_read: bool,
    /// True if a run needs a second page.
    more: bool,
    /// The truncation flag of the last page; `None` = the last page was not seen.
    last_page_has_flag: Option<bool>,
    max_keys: u16,
}

/// What the small pages showed.
#[derive(Default)]
struct SmallPages {
    /// The keys as written.
    written: Vec<String>,
    count: usize,
    empty: usize,
    largest: usize,
    by_token: usize,
    by_key: usize,
    last_page_has_flag: Option<bool>,
    stopped: Option<Stopped>,
}

enum Stopped {
    NoProgress(NoProgress),
    NoAnswer(NoAnswer),
}

/// Lists the first page as a run does.
pub(super) async fn first_page(asker: &Asker, max_keys: u16) -> (Sample, ProbeRow) {
    const NAME: &str = "first_page";
    let mut sample = Sample { max_keys, ..Sample::default() };
    let answered = match asker.page(PageCursor::Start, max_keys).await {
        Ok(answered) => answered,
        Err(NoAnswer::Refused(error)) => {
            let hint = error.kind.hint();
            return (sample, ProbeRow::failed(NAME, error.to_string(), hint));
        }
        Err(error) => return (sample, ProbeRow::unanswered(NAME, &error)),
    };
    let AnsweredPage { entries, says_encoded, truncated, page } = answered;
    (sample.entries, sample.says_encoded, sample.is_read) = (entries, says_encoded, true);
    sample.more = page.next.is_some();
    sample.objects = page.objects;
    sample.last_page_has_flag = (!sample.more).then_some(truncated.is_some());
    let keys = sample.objects.len();
    let rest = if sample.more { "more follow" } else { "the bucket has no more" };
    (sample, ProbeRow::yes(NAME, format!("{keys} keys on a page of at most {max_keys}; {rest}")))
}

/// All other rows about listings.
pub(super) async fn rows(asker: &Asker, sample: &Sample) -> Vec<ProbeRow> {
    let pages = small_pages(asker).await;
    let start_after = start_after(asker, sample).await;
    let mut last_page_has_flag = sample.last_page_has_flag.or(pages.last_page_has_flag);
    if last_page_has_flag.is_none() {
        last_page_has_flag = last_page_of_one_key(asker, sample).await;
    }
    let mut seen = BTreeSet::new();
    // A listing that goes in circles shows a page again, which is no order.
    let of_pages: Vec<_> = pages.written.iter().map(|written| sample.read(written)).take_while(|key| seen.insert(key.clone())).collect();
    let order = sample.byte_order(&of_pages);
    vec![sample.continuation_token(&pages), sample.max_keys_row(&pages), start_after, truncation_flag(last_page_has_flag), order]
}

async fn small_pages(asker: &Asker) -> SmallPages {
    let mut walk = Walk::from_start();
    let mut pages = SmallPages::default();
    while let Some(from) = walk.next().cloned().filter(|_| pages.count < MAX_SMALL_PAGES) {
        match &from {
            PageCursor::Start => {}
            PageCursor::Token(_) => pages.by_token += 1,
            PageCursor::After(_) => pages.by_key += 1,
        }
        let AnsweredPage { entries, truncated, page, .. } = match asker.page(from, SMALL_PAGE).await {
            Ok(answered) => answered,
            Err(error) => {
                pages.stopped = Some(Stopped::NoAnswer(error));
                break;
            }
        };
        pages.count += 1;
        pages.empty += usize::from(page.objects.is_empty());
        pages.largest = pages.largest.max(page.objects.len());
        pages.last_page_has_flag = page.next.is_none().then_some(truncated.is_some());
        pages.written.extend(entries.into_iter().map(|entry| entry.written));
        if let Err(error) = walk.take(&SourcePage { objects: page.objects, next: page.next, ..SourcePage::default() }) {
            pages.stopped = Some(Stopped::NoProgress(error));
            break;
        }
    }
    pages
}

impl Sample {
    /// Reads the keys in this encoding, which lookups have shown.
    pub(super) fn read_as(&mut self, encoding: KeyEncoding) {
        self.encoding = Some(encoding);
        let keys: Vec<_> = self.entries.iter().map(|entry| self.read(&entry.written)).collect();
        for ((key, _), read) in self.objects.iter_mut().zip(keys) {
            *key = read;
        }
    }

    /// The key that a text means: in the encoding that was shown, else in the one that the store declares.
    fn read(&self, written: &str) -> ObjectKey {
        let declared = if self.says_encoded { KeyEncoding::Form } else { KeyEncoding::Plain };
        let key = self.encoding.unwrap_or(declared).decode(written).unwrap_or_else(|| written.to_owned());
        ObjectKey::new(key).expect("invariant: a page with an empty key is refused")
    }

    /// The row for a question that the keys of the sample do not answer.
    pub(super) fn not_seen(&self, name: &'static str, why: impl Into<String>) -> ProbeRow {
        if self.is_read { ProbeRow::not_seen(name, why) } else { ProbeRow::not_seen(name, "the first page cannot be read") }
    }

    fn continuation_token(&self, pages: &SmallPages) -> ProbeRow {
        const NAME: &str = "continuation_token";
        let words = match &pages.stopped {
            Some(Stopped::NoProgress(error)) => error.to_string(),
            Some(Stopped::NoAnswer(NoAnswer::Refused(error))) => error.to_string(),
            Some(Stopped::NoAnswer(error)) => return ProbeRow::unanswered(NAME, error),
            None if pages.by_token > 0 => {
                let empty = if pages.empty > 0 { format!(", {} of them without an object", pages.empty) } else { String::new() };
                return ProbeRow::yes(
                    NAME,
                    format!("{} pages of {SMALL_PAGE} keys, each by the token of the one before it{empty}", pages.count),
                );
            }
            None if pages.by_key > 0 => {
                let words = format!("no token is sent: {} pages of {SMALL_PAGE} keys, each by start-after", pages.count);
                return ProbeRow::no(NAME, words, "a listing is complete only while the store lists in byte order and honours start-after");
            }
            None => return ProbeRow::not_seen(NAME, format!("all keys are on the first page of {SMALL_PAGE} keys")),
        };
        if !self.is_read {
            return ProbeRow::not_seen(NAME, words);
        }
        if self.more {
            let hint =
                format!("a listing of more than {} keys (LIST_PAGE_KEYS) cannot be completed, and the bucket has more", self.max_keys);
            return ProbeRow::failed(NAME, words, hint);
        }
        ProbeRow::no(NAME, words, format!("a sync can run while all keys are on one page of LIST_PAGE_KEYS ({}) keys", self.max_keys))
    }

    fn max_keys_row(&self, pages: &SmallPages) -> ProbeRow {
        const NAME: &str = "max_keys";
        if self.objects.len() <= usize::from(SMALL_PAGE) {
            return self.not_seen(NAME, format!("the bucket has no more than {SMALL_PAGE} keys"));
        }
        if pages.largest > usize::from(SMALL_PAGE) {
            let words = format!("{} keys on a page of {SMALL_PAGE}", pages.largest);
            return ProbeRow::no(NAME, words, "LIST_PAGE_KEYS has no effect: the store chooses the size of a page");
        }
        match &pages.stopped {
            Some(Stopped::NoAnswer(error)) if pages.count == 0 => ProbeRow::unanswered(NAME, error),
            _ => ProbeRow::yes(NAME, format!("no page had more than the {SMALL_PAGE} keys asked for")),
        }
    }

    fn byte_order(&self, small_pages: &[ObjectKey]) -> ProbeRow {
        const NAME: &str = "byte_order";
        let sample: Vec<_> = self.objects.iter().map(|(key, _)| key.clone()).collect();
        for keys in [&sample, small_pages] {
            if let Some([one, other]) = keys.array_windows().find(|[one, other]| one >= other) {
                let hint = "deletes are found by complete listings only, and an interrupted listing starts over";
                return ProbeRow::no(NAME, format!("{one} comes before {other}"), hint);
            }
        }
        let keys = sample.len();
        let by_directory: Vec<_> = sample.iter().map(|key| key.as_str().replace('/', "\0")).collect();
        let by_letter: Vec<_> = sample.iter().map(|key| key.as_str().to_lowercase()).collect();
        let differs = match (by_directory.is_sorted(), by_letter.is_sorted()) {
            (false, _) => "from that of a walk through directories",
            (true, false) => "from one without regard to case",
            (true, true) => {
                return self.not_seen(NAME, format!("the first {keys} keys are in byte order, but would be so in other orders, too"));
            }
        };
        ProbeRow::yes(NAME, format!("the first {keys} keys are in byte order, which for them differs {differs}"))
    }
}

/// Asks for the page after the second key of the sample.
async fn start_after(asker: &Asker, sample: &Sample) -> ProbeRow {
    const NAME: &str = "start_after";
    let [(first, _), (second, _), _, ..] = sample.objects.as_slice() else {
        return sample.not_seen(NAME, "the bucket has fewer than 3 keys");
    };
    let page = match asker.page(PageCursor::After(second.clone()), SMALL_PAGE).await {
        Ok(answered) => answered.page,
        Err(NoAnswer::Refused(error)) => {
            return ProbeRow::no(NAME, error.to_string(), "a listing that was interrupted cannot be resumed");
        }
        Err(error) => return ProbeRow::unanswered(NAME, &error),
    };
    if page.objects.iter().any(|(key, _)| key == first || key == second) {
        let hint = "an interrupted listing reads the pages before its checkpoint again; nothing is applied twice";
        return ProbeRow::no(NAME, format!("a page after {second} begins before it"), hint);
    }
    match (page.objects.first(), page.next) {
        (Some((key, _)), _) => ProbeRow::yes(NAME, format!("a page after {second} begins with {key}")),
        (None, Some(_)) => ProbeRow::not_seen(NAME, format!("a page after {second} is empty, and more follow")),
        (None, None) => {
            let hint = "a listing that was interrupted misses keys until the next reconcile";
            ProbeRow::no(NAME, format!("a page after {second} is empty, and no other follows"), hint)
        }
    }
}

/// Lists one key alone, which ends a listing. `None` = more follows, or the store does not answer.
async fn last_page_of_one_key(asker: &Asker, sample: &Sample) -> Option<bool> {
    let (key, _) = sample.objects.last()?;
    let answered = asker.page_below(key.as_str(), PageCursor::Start, SMALL_PAGE).await.ok()?;
    answered.page.next.is_none().then_some(answered.truncated.is_some())
}

fn truncation_flag(last_page_has_flag: Option<bool>) -> ProbeRow {
    const NAME: &str = "truncation_flag";
    match last_page_has_flag {
        Some(true) => ProbeRow::yes(NAME, "the last page says that it is the last one"),
        Some(false) => ProbeRow::no(NAME, "the last page has no IsTruncated", "a page without a token counts as the last one"),
        None => ProbeRow::not_seen(NAME, "no last page was asked for"),
    }
}
