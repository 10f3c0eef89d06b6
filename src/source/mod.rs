//! The trait of a source, and lookups of single keys with their retries and the evidence rule: a 404 counts only if the source answers a
//! check after it.

mod bucket;
mod lookup;

pub use bucket::BucketSource;
pub use lookup::{Lookups, look_up, look_up_each};

use crate::endpoint::{ByteStream, EndpointError, EndpointId};
use crate::record::{Checksum, Fingerprint, ObjectFacts, ObjectKey};
use async_trait::async_trait;
use std::ops::Range;

/// The position from which a listing continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageCursor {
    /// From the first key.
    Start,
    /// After this key. Another process can continue a listing from it.
    After(ObjectKey),
    /// The source's own token. It is valid only in the listing that returned it.
    Token(String),
}

/// One page of a source's listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcePage {
    /// The objects, with their metadata.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
    /// The start of the next page; `None` = this page is the last.
    pub next: Option<PageCursor>,
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
/// - A source that lists in key order returns [`PageCursor::After`] cursors, and accepts such a cursor for any key, even if no object has
///   this key.
#[async_trait]
pub trait Source: Send + Sync {
    /// The source's identifier.
    fn id(&self) -> &EndpointId;

    /// True if the source lists in the order of the keys' UTF-8 bytes. The engine requires that, because it stores a listing as ranges of
    /// keys.
    fn lists_in_key_order(&self) -> bool;

    /// Checks that the source is reachable and accepts the credentials.
    async fn check(&self) -> Result<(), EndpointError>;

    /// One page of at most `most` objects. Over all pages each key occurs once.
    async fn page(&self, from: &PageCursor, most: u16) -> Result<SourcePage, EndpointError>;

    /// The metadata of the object at a key; `None` = no object, which counts as evidence only if [`Source::check`] succeeds after it.
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, EndpointError>;

    /// Opens the content at a key, or a non-empty range of its bytes.
    ///
    /// If `expected` is given, other content is an error: `Replaced` if the ETag differs, `Corrupt` if only the size differs. The returned
    /// metadata always has an ETag.
    async fn open(&self, key: &ObjectKey, expected: Option<&Fingerprint>, range: Option<Range<u64>>) -> Result<Opened, EndpointError>;
}
