//! The door to S3: small traits over request structs, and who implements them. The only place that names the SDK.
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

/// One page of a listing, asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// Only keys that begin with this; empty = all.
    pub prefix: String,
    /// Only keys after this one, in byte order; `None` = from the start.
    pub start_after: Option<ObjectKey>,
    /// At most this many keys (1..=1000).
    pub max_keys: u16,
}

/// One page of a listing, answered: keys in byte order, all of them after `start_after`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The objects of the page.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
    /// Whether keys follow after the last one of this page.
    pub more: bool,
}

/// One object, asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRequest {
    /// Its key.
    pub key: ObjectKey,
    /// Only if it still is this content (else `S3ErrorKind::PreconditionFailed`).
    pub if_match: Option<ETag>,
    /// Only these bytes of it, not none; `None` = all. The headers are those of the whole object, without a checksum.
    pub range: Option<Range<u64>>,
}

/// What the headers of a HEAD or a GET told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// Size, ETag, times and class.
    pub facts: ObjectFacts,
    /// MIME type as stored with the object.
    pub content_type: Option<String>,
    /// What the server vouches for; `None` = nothing that we can compute while the bytes pass.
    pub checksum: Option<Checksum>,
}

/// Bytes in the order of the object; an error ends it.
pub type ByteStream = BoxStream<'static, Result<Bytes, S3Error>>;

/// An object's headers and its body, which has not been read yet.
pub struct GetObject {
    /// The headers.
    pub head: ObjectHead,
    /// The body: unverified.
    pub body: ByteStream,
}

/// Where things are.
#[async_trait]
pub trait ListObjects: Send + Sync {
    /// One page.
    async fn list_page(&self, request: ListRequest) -> Result<ListPage, S3Error>;
}

/// What things are.
#[async_trait]
pub trait ReadObjects: Send + Sync {
    /// Whether the bucket is there and may be used. What a 404 on a key means hangs on it.
    async fn head_bucket(&self) -> Result<(), S3Error>;
    /// One look at one key.
    async fn head_object(&self, key: &ObjectKey) -> Result<ObjectHead, S3Error>;
    /// One object.
    async fn get_object(&self, request: GetRequest) -> Result<GetObject, S3Error>;
}

/// A file that is to become an object, in the place of the one that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutFile {
    /// The object's key.
    pub key: ObjectKey,
    /// Where the bytes are; they are streamed.
    pub file: PathBuf,
    /// Stored with the object.
    pub content_type: &'static str,
}

/// Making things. No flow that syncs a bucket into a file manager needs it.
#[async_trait]
pub trait WriteObjects: Send + Sync {
    /// Makes the bucket. That it is there already may be an error or none, as the server likes.
    async fn create_bucket(&self) -> Result<(), S3Error>;
    /// Stores one file.
    async fn put_file(&self, put: PutFile) -> Result<(), S3Error>;
}

/// A bucket to read from.
pub trait ReadBucket: ListObjects + ReadObjects {}
impl<T: ListObjects + ReadObjects> ReadBucket for T {}
