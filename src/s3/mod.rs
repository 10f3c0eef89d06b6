//! S3: small traits with request structs, and their implementations. The only user of the S3 SDK.
//!
//! One call is one attempt, and another one if the server rejected the credentials and there are others. `retry.rs` retries; the SDK's own
//! retries are off.

mod aws;
mod content_type;
mod error;
mod memory;
mod message;
mod probe;
mod write;

pub use aws::{AnsweredEntry, AnsweredObject, AnsweredPage, AwsBucket, AwsOptions};
pub use content_type::content_type_of;
pub use error::{S3Error, S3ErrorKind};
pub use memory::{Call, CallCounts, Fault, MemoryBucket, MemoryObject};
pub use probe::{PROBE_PREFIX, WriteSupport, probe_writes};
pub use write::{
    CompleteRequest, CopiedMetadata, CopyPartRequest, CopyRequest, CopySource, CreateUploadRequest, DeleteRequest, ListPartsRequest,
    ListUploadsRequest, ListedUpload, OpenUpload, PartRequest, PartsPage, PutRequest, SentBody, StoredPart, UploadCursor, UploadParts,
    UploadsPage, WriteBucket, WriteCondition, WriteObjects, Written,
};

pub use crate::record::{Checksum, ChecksumAlgorithm, ObjectMetadata};

use crate::record::{ETag, ObjectFacts, ObjectKey, PageCursor, WrittenKeys, readings};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

/// A request for one page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// Only keys with this prefix; empty = all.
    pub prefix: String,
    /// Where the page begins. A token comes from the page before.
    pub from: PageCursor,
    /// At most this many keys (1..=1000).
    pub max_keys: u16,
}

/// One page of a listing, in the server's order. A server may repeat keys up to the one after which the page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The objects of the page.
    pub objects: Vec<(ObjectKey, ObjectFacts)>,
    /// Where the next page begins; `None` = this page is the last.
    pub next: Option<PageCursor>,
    /// The keys as the server wrote them; `None` = each can be read in one way only. The objects have the most likely keys.
    pub written: Option<WrittenKeys>,
    /// How many elements of the response, by name, only describe and were left out because they cannot be read.
    pub left_out: BTreeMap<&'static str, u64>,
}

impl ListPage {
    /// The keys that the first object can have, the most likely first; empty = the page has no object.
    pub fn readings_of_first(&self) -> Vec<ObjectKey> {
        match (self.written.as_ref().and_then(|written| written.texts.first().zip(Some(written))), self.objects.first()) {
            (Some((text, written)), _) => readings(text, &written.encodings).into_iter().map(|(key, _)| key).collect(),
            (None, first) => first.map(|(key, _)| key.clone()).into_iter().collect(),
        }
    }
}

/// A request for one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRequest {
    /// The key.
    pub key: ObjectKey,
    /// The expected ETag. If the object has another one, the call fails with `S3ErrorKind::PreconditionFailed`.
    pub if_match: Option<ETag>,
    /// The size of the object with the expected ETag; `None` = unknown. Used only if the response states no length.
    pub size: Option<u64>,
    /// A non-empty range of bytes; `None` = all. The headers still describe the whole object, without a checksum.
    pub range: Option<Range<u64>>,
}

/// The headers of a HEAD or a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// Size, ETag, time, storage class and version.
    pub facts: ObjectFacts,
    /// The metadata stored with the content.
    pub metadata: ObjectMetadata,
    /// The checksum that the server sent; `None` = it sent none that can be computed.
    pub checksum: Option<Checksum>,
}

/// A stream of the object's bytes. An error ends it.
pub type S3ByteStream = BoxStream<'static, Result<Bytes, S3Error>>;

/// An object's headers and its unread body.
pub struct GetObject {
    /// The headers.
    pub head: ObjectHead,
    /// The body, unverified.
    pub body: S3ByteStream,
}

/// Lists a bucket.
#[async_trait]
pub trait ListObjects: Send + Sync {
    /// Lists one page.
    async fn list_page(&self, request: ListRequest) -> Result<ListPage, S3Error>;
}

/// Reads a bucket's objects.
#[async_trait]
pub trait ReadObjects: Send + Sync {
    /// Checks that the bucket exists and is accessible. Only if it succeeds does an earlier 404 for a key count as evidence.
    async fn head_bucket(&self) -> Result<(), S3Error>;
    /// Reads the headers of one object.
    async fn head_object(&self, key: &ObjectKey) -> Result<ObjectHead, S3Error>;
    /// Reads one object.
    async fn get_object(&self, request: GetRequest) -> Result<GetObject, S3Error>;
}

/// A file to store as an object, replacing an existing one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutFile {
    /// The object's key.
    pub key: ObjectKey,
    /// The file with the content, which is streamed.
    pub file: PathBuf,
    /// The MIME type, stored with the object.
    pub content_type: &'static str,
}

/// Prepares a bucket for a demo or a test. Only `setup` and tests use it.
#[async_trait]
pub trait SetUpBucket: Send + Sync {
    /// Creates the bucket. If it already exists, the result depends on the server.
    async fn create_bucket(&self) -> Result<(), S3Error>;
    /// Stores one file as an object.
    async fn put_file(&self, put: PutFile) -> Result<(), S3Error>;
}

/// A bucket to read from.
pub trait ReadBucket: ListObjects + ReadObjects {}
impl<T: ListObjects + ReadObjects> ReadBucket for T {}
