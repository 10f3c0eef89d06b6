//! A source in memory that is no bucket, with configurable trouble. Lists in key order, or backwards with tokens. It follows the
//! contract of `Source` and knows no engine.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use s3_sync::endpoint::{ContentFault, EffectCertainty, EndpointError, EndpointErrorKind, EndpointFailure, EndpointId};
use s3_sync::record::{Checksum, ChecksumAlgorithm, ETag, Fingerprint, ObjectFacts, ObjectKey};
use s3_sync::retry::Disposition;
use s3_sync::source::{Opened, PageCursor, Source, SourcePage};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The trouble of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceTrouble {
    /// It fails; the next one may succeed.
    Fails,
    /// Its body breaks off after the first byte.
    BreaksOff,
}

/// The order of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// In byte order of the keys; can begin after any key.
    Keys,
    /// In another order; can continue only with its own tokens.
    Tokens,
}

/// The source.
pub(crate) struct MemorySource {
    id: EndpointId,
    order: Order,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<ObjectKey, Bytes>,
    missing: bool,
    trouble: VecDeque<SourceTrouble>,
}

impl MemorySource {
    /// An empty source.
    pub(crate) fn new(order: Order) -> Self {
        Self { id: EndpointId::new("memory:source"), order, state: Mutex::default() }
    }

    /// Creates or replaces an object.
    pub(crate) fn put(&self, key: &ObjectKey, bytes: impl Into<Bytes>) {
        self.state().objects.insert(key.clone(), bytes.into());
    }

    /// Deletes the whole source with its objects.
    pub(crate) fn vanish(&self) {
        *self.state() = State { missing: true, ..State::default() };
    }

    /// Orders this trouble for the next call.
    pub(crate) fn order(&self, trouble: SourceTrouble) {
        self.state().trouble.push_back(trouble);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, subject: &str, kind: EndpointErrorKind, disposition: Disposition) -> EndpointError {
        EndpointError::from(EndpointFailure {
            endpoint: self.id.clone(),
            operation: "memory",
            subject: subject.to_owned(),
            kind,
            disposition,
            effect: EffectCertainty::None,
            reason: format!("memory_{kind:?}").to_lowercase().into(),
            hint: "ordered by a test",
            message: "ordered".to_owned(),
        })
    }

    /// The state, unless the call fails; and whether the body breaks off.
    fn begin(&self) -> Result<(MutexGuard<'_, State>, bool), EndpointError> {
        let mut state = self.state();
        match state.trouble.pop_front() {
            Some(SourceTrouble::Fails) => Err(self.error("source", EndpointErrorKind::Other, Disposition::Retry { after: None })),
            _ if state.missing => Err(self.error("source", EndpointErrorKind::Other, Disposition::Stop { transient: false })),
            trouble => Ok((state, trouble == Some(SourceTrouble::BreaksOff))),
        }
    }
}

fn facts(bytes: &Bytes) -> ObjectFacts {
    let etag = ETag::parse(&Checksum::of(ChecksumAlgorithm::Sha1, bytes).to_string());
    ObjectFacts { size: bytes.len() as u64, etag, last_modified: None, storage_class: None, version_id: None }
}

#[async_trait]
impl Source for MemorySource {
    fn id(&self) -> &EndpointId {
        &self.id
    }

    fn lists_in_key_order(&self) -> bool {
        self.order == Order::Keys
    }

    async fn check(&self) -> Result<(), EndpointError> {
        self.begin().map(drop)
    }

    async fn page(&self, from: &PageCursor, most: u16) -> Result<SourcePage, EndpointError> {
        let (state, _) = self.begin()?;
        let mut all: Vec<_> = state.objects.iter().map(|(key, bytes)| (key.clone(), facts(bytes))).collect();
        let first = match (self.order, from) {
            (_, PageCursor::Start) => 0,
            (Order::Keys, PageCursor::After(after)) => all.partition_point(|(key, _)| key <= after),
            (Order::Tokens, PageCursor::Token(token)) => token.parse().unwrap_or(all.len()),
            _ => return Err(self.error("source", EndpointErrorKind::Other, Disposition::Fail)),
        };
        if self.order == Order::Tokens {
            all.reverse();
        }
        let end = all.len().min(first + usize::from(most));
        let next = (end < all.len()).then(|| match self.order {
            Order::Keys => PageCursor::After(all[end - 1].0.clone()),
            Order::Tokens => PageCursor::Token(end.to_string()),
        });
        Ok(SourcePage { objects: all.drain(first..end).collect(), next, ..SourcePage::default() })
    }

    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, EndpointError> {
        let (state, _) = self.begin()?;
        Ok(state.objects.get(key).map(facts))
    }

    async fn open(&self, key: &ObjectKey, expected: Option<&Fingerprint>, range: Option<Range<u64>>) -> Result<Opened, EndpointError> {
        let (state, breaks_off) = self.begin()?;
        let Some(bytes) = state.objects.get(key).cloned() else {
            return Err(self.error(&key.to_string(), EndpointErrorKind::NotFound, Disposition::Fail));
        };
        let facts = facts(&bytes);
        if expected.is_some_and(|expected| facts.fingerprint().as_ref() != Some(expected)) {
            return Err(self.error(&key.to_string(), EndpointErrorKind::Replaced, Disposition::Fail));
        }
        let checksum = range.is_none().then(|| Checksum::of(ChecksumAlgorithm::Crc32, &bytes));
        let index = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
        let part = range.map_or_else(|| bytes.clone(), |range| bytes.slice(index(range.start)..index(range.end)));
        let mut items = vec![Ok(part.clone())];
        if breaks_off {
            items = vec![Ok(part.slice(..1)), Err(EndpointError::of_content(&self.id, key, ContentFault::Interrupted, "ordered"))];
        }
        Ok(Opened { facts, content_type: Some("text/plain".to_owned()), checksum, body: stream::iter(items).boxed() })
    }
}
