//! Where things are: the trait of a source, and single looks at its keys. Retries of looks live here, evidence too (rule: a 404 counts
//! only while the source itself answers). It stores nothing.

mod bucket;
mod lookup;

pub use bucket::BucketSource;
pub use lookup::{Looks, look_at, look_at_each};

use crate::endpoint::{ByteStream, EndpointError, EndpointId};
use crate::record::{Checksum, Fingerprint, ObjectFacts, ObjectKey};
use async_trait::async_trait;
use std::ops::Range;

/// Where a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageCursor {
    /// From the first key.
    Start,
    /// After this key. A listing can go on so where another process left off.
    After(ObjectKey),
    /// Where the source said, in words of its own: only in the listing that it came from.
    Token(String),
}

/// One page of a source's listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcePage {
    /// What the page shows.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
    /// Where the next page begins; `None` = this page is the last.
    pub next: Option<PageCursor>,
}

/// One object, opened. Its body has not been read yet.
pub struct Opened {
    /// What the object is: these facts are of the very content that the body has.
    pub facts: ObjectFacts,
    /// The MIME type as stored with the object.
    pub content_type: Option<String>,
    /// What the source vouches for; `None` = nothing that can be computed while the bytes pass, or only a range was opened.
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
    /// Which source it is.
    fn id(&self) -> &EndpointId;

    /// Whether a listing is in the order of the keys' bytes. The engine stores a listing by ranges of keys, and needs that.
    fn lists_in_key_order(&self) -> bool;

    /// Whether the source is there and may be used. What an absence is worth hangs on it.
    async fn check(&self) -> Result<(), EndpointError>;

    /// One page of at most so many objects. Every key is shown once over all pages.
    async fn page(&self, from: &PageCursor, most: u16) -> Result<SourcePage, EndpointError>;

    /// What is at a key; `None` = the source shows nothing there, which is evidence only if [`Source::check`] succeeds after it.
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, EndpointError>;

    /// Opens the content at a key, or a range of its bytes (not empty).
    ///
    /// With an expected fingerprint, other content is an error: `Replaced` where the object is another one, `Corrupt` where it claims
    /// to be the same and has another size. The facts that are returned always have a fingerprint.
    async fn open(&self, key: &ObjectKey, expected: Option<&Fingerprint>, range: Option<Range<u64>>) -> Result<Opened, EndpointError>;
}
