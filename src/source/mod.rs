//! The trait of a source; lookups of single keys with their retries and the evidence rule (a 404 counts only if the source answers a check
//! after it); the spelling of listed keys.

mod bucket;
mod key_reader;
mod lookup;
mod walk;

pub use bucket::BucketSource;
pub use key_reader::{KeyReader, Spelling};
pub use lookup::{Lookups, look_up, look_up_each};
pub use walk::{Coverage, NoProgress, Walk};

pub use crate::record::PageCursor;

use crate::endpoint::{ByteStream, EndpointError, EndpointId};
use crate::record::{Checksum, Fingerprint, ObjectFacts, ObjectKey, WrittenKeys};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::ops::Range;

/// One page of a source's listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcePage {
    /// The objects, with their metadata.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
    /// The start of the next page; `None` = this page is the last.
    pub next: Option<PageCursor>,
    /// The keys as the source wrote them; `None` = each can be read in one way only. Until a [`KeyReader`] has read them, the objects have
    /// the most likely keys.
    pub written: Option<WrittenKeys>,
    /// How many fields of the source's response, by name, only describe and were left out because they cannot be read.
    pub left_out: BTreeMap<&'static str, u64>,
}

/// An open object. Its body has not been read yet.
pub struct Opened {
    /// The object's metadata. It describes the content of the body.
    pub facts: ObjectFacts,
    /// The MIME type as stored with the object.
    pub content_type: Option<String>,
    /// The checksum that the source sent; `None` = it sent none that can be computed, or only a range was opened.
    pub checksum: Option<Checksum>,
    /// The content, unverified.
    pub body: ByteStream,
}

/// An origin of objects. Each call makes one attempt.
///
/// - Every error names [`Source::id`] as its endpoint and [`EffectCertainty::None`](crate::endpoint::EffectCertainty::None) as its effect.
/// - A source that lists in key order accepts [`PageCursor::After`] for any key, even if no object has this key. It may return
///   objects up to that key again: the engine ignores them.
/// - Within a listing the source may return cursors of either kind.
#[async_trait]
pub trait Source: Send + Sync {
    /// The source's identifier.
    fn id(&self) -> &EndpointId;

    /// True if the source promises to list in the order of the keys' UTF-8 bytes. The engine then resumes a listing after the last key of
    /// an interrupted one, and it checks the order of each page.
    fn lists_in_key_order(&self) -> bool;

    /// Checks that the source is reachable and accepts the credentials.
    async fn check(&self) -> Result<(), EndpointError>;

    /// One page of at most `most` objects; it may be empty although others follow. Over all pages each key occurs once.
    async fn page(&self, from: &PageCursor, most: u16) -> Result<SourcePage, EndpointError>;

    /// The metadata of the object at a key; `None` = no object, which counts as evidence only if [`Source::check`] succeeds after it.
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, EndpointError>;

    /// Opens the content at a key, or a non-empty range of its bytes.
    ///
    /// If `expected` is given, other content is an error: `Replaced` if the ETag differs, `Corrupt` if only the size differs. The returned
    /// metadata always has an ETag.
    async fn open(&self, key: &ObjectKey, expected: Option<&Fingerprint>, range: Option<Range<u64>>) -> Result<Opened, EndpointError>;
}
