//! The trait of a source and single lookups of its keys. It owns the retries of lookups and the evidence rule (a 404 counts
//! only while the source itself answers). It stores nothing.

mod bucket;
mod lookup;

pub use bucket::BucketSource;
pub use lookup::{Looks, look_at, look_at_each};

use crate::endpoint::{ByteStream, EndpointError, EndpointId};
use crate::record::{Checksum, Fingerprint, ObjectFacts, ObjectKey};
use async_trait::async_trait;
use std::ops::Range;

/// The position at which a listing continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageCursor {
    /// From the first key.
    Start,
    /// After this key. A listing can continue where another process stopped.
    After(ObjectKey),
    /// The source's own token. It is valid only in the listing that returned it.
    Token(String),
}

/// One page of a source's listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcePage {
    /// The objects of the page.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
    /// The start of the next page; `None` = this page is the last.
    pub next: Option<PageCursor>,
}

/// One object, opened. Its body has not been read yet.
pub struct Opened {
    /// The object's facts. They describe exactly the content of the body.
    pub facts: ObjectFacts,
    /// The MIME type as stored with the object.
    pub content_type: Option<String>,
    /// The checksum from the source; `None` = none that can be computed while the bytes pass, or only a range was opened.
    pub checksum: Option<Checksum>,
    /// The bytes: unverified.
    pub body: ByteStream,
}

/// A place that objects are read from. Each call is one attempt.
///
/// - Every error names [`Source::id`] as its endpoint, and has no effect.
/// - A source that lists in key order gives [`PageCursor::After`] cursors, and takes such a cursor for any key, whether or not an
///   object has it.
#[async_trait]
pub trait Source: Send + Sync {
    /// The source's identifier.
    fn id(&self) -> &EndpointId;

    /// True if a listing is in the order of the keys' bytes. The engine needs that, because it stores a listing by ranges of keys.
    fn lists_in_key_order(&self) -> bool;

    /// Checks that the source is reachable and may be used. An absence is evidence only if it is.
    async fn check(&self) -> Result<(), EndpointError>;

    /// One page of at most so many objects. Every key is shown once over all pages.
    async fn page(&self, from: &PageCursor, most: u16) -> Result<SourcePage, EndpointError>;

    /// The object at a key; `None` = the source shows nothing there, which is evidence only if [`Source::check`] succeeds after it.
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, EndpointError>;

    /// Opens the content at a key, or a range of its bytes (not empty).
    ///
    /// With an expected fingerprint, other content is an error: `Replaced` where the object is another one, `Corrupt` where it claims
    /// to be the same and has another size. The facts that are returned always have a fingerprint.
    async fn open(&self, key: &ObjectKey, expected: Option<&Fingerprint>, range: Option<Range<u64>>) -> Result<Opened, EndpointError>;
}
