//! S3: small traits over request structs, and their implementations. The only user of the SDK.
//!
//! One call is one attempt: retrying is `retry.rs`' concern, and the SDK's own retries are off.

mod aws;
mod content_type;
mod error;
mod memory;

pub use aws::{AwsBucket, AwsOptions};
pub use content_type::content_type_of;
pub use error::{S3Error, S3ErrorKind};
pub use memory::{Call, CallCounts, Fault, MemoryBucket, MemoryObject};

pub use crate::record::{Checksum, ChecksumAlgorithm};

use crate::record::{ETag, ObjectFacts, ObjectKey};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use std::ops::Range;
use std::path::PathBuf;

/// A request for one page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// Only keys that begin with this; empty = all.
    pub prefix: String,
    /// Only keys after this one, in byte order; `None` = from the start.
    pub start_after: Option<ObjectKey>,
    /// At most this many keys (1..=1000).
    pub max_keys: u16,
}

/// One page of a listing: keys in byte order, all of them after `start_after`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The objects of the page.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
    /// More keys follow after the last one of this page.
    pub more: bool,
}

/// A request for one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRequest {
    /// Its key.
    pub key: ObjectKey,
    /// Only if it still has this content (else `S3ErrorKind::PreconditionFailed`).
    pub if_match: Option<ETag>,
    /// Only these bytes of it, not none; `None` = all. The headers are those of the whole object, without a checksum.
    pub range: Option<Range<u64>>,
}

/// The headers of a HEAD or a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// Size, ETag, times and class.
    pub facts: ObjectFacts,
    /// MIME type as stored with the object.
    pub content_type: Option<String>,
    /// The server's checksum; `None` = none that can be computed while the bytes pass.
    pub checksum: Option<Checksum>,
}

/// Bytes in the order of the object; an error ends it.
pub type ByteStream = BoxStream<'static, Result<Bytes, S3Error>>;

/// An object's headers and its unread body.
pub struct GetObject {
    /// The headers.
    pub head: ObjectHead,
    /// The body: unverified.
    pub body: ByteStream,
}

/// Lists a bucket.
#[async_trait]
pub trait ListObjects: Send + Sync {
    /// One page.
    async fn list_page(&self, request: ListRequest) -> Result<ListPage, S3Error>;
}

/// Reads a bucket's objects.
#[async_trait]
pub trait ReadObjects: Send + Sync {
    /// Checks that the bucket exists and is accessible. Only then is a 404 on a key evidence that the key is absent.
    async fn head_bucket(&self) -> Result<(), S3Error>;
    /// The headers of one object.
    async fn head_object(&self, key: &ObjectKey) -> Result<ObjectHead, S3Error>;
    /// One object.
    async fn get_object(&self, request: GetRequest) -> Result<GetObject, S3Error>;
}

/// A file to store as an object, replacing an existing one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutFile {
    /// The object's key.
    pub key: ObjectKey,
    /// The file with the bytes; they are streamed.
    pub file: PathBuf,
    /// Stored with the object.
    pub content_type: &'static str,
}

/// Writes into a bucket. A sync into a file manager does not need it.
#[async_trait]
pub trait WriteObjects: Send + Sync {
    /// Creates the bucket. If it exists already, a server may return an error or not.
    async fn create_bucket(&self) -> Result<(), S3Error>;
    /// Stores one file.
    async fn put_file(&self, put: PutFile) -> Result<(), S3Error>;
}

/// A bucket to read from.
pub trait ReadBucket: ListObjects + ReadObjects {}
impl<T: ListObjects + ReadObjects> ReadBucket for T {}
