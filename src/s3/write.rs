//! The traits of a bucket to write to, with their requests and answers. One call is one attempt at one effect; its error says whether the
//! effect may have happened.

use super::S3Error;
use crate::endpoint::ByteStream;
use crate::record::{Checksum, ETag, ObjectKey, ObjectMetadata};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use std::fmt;
use std::ops::Range;

/// The bytes that a call sends.
pub enum SentBody {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A stream of exactly `length` bytes. If it yields an error, or another number of bytes, the call fails with
    /// [`S3ErrorKind::BodyFailed`](super::S3ErrorKind::BodyFailed), and nothing is stored.
    Stream {
        /// The bytes.
        body: ByteStream,
        /// Their number.
        length: u64,
    },
}

impl SentBody {
    /// The number of bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream { length, .. } => *length,
        }
    }
}

impl fmt::Debug for SentBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length())
    }
}

/// What must hold for the object at the key of a write. A server may not support conditions, or ignore them: see [`probe_writes`](super::probe_writes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteCondition {
    /// The key has no object.
    IfAbsent,
    /// The key has the object with this ETag. A server answers a missing object with `NoSuchKey` or `ConditionFailed`.
    IfMatch(ETag),
}

/// An object to store.
#[derive(Debug)]
pub struct PutRequest {
    /// The key.
    pub key: ObjectKey,
    /// The content.
    pub body: SentBody,
    /// The metadata to store with it.
    pub metadata: ObjectMetadata,
    /// The storage class; `None` = the bucket's default.
    pub storage_class: Option<String>,
    /// The condition on the object that it replaces.
    pub condition: Option<WriteCondition>,
    /// The checksum of the content, with which the server compares the bytes that it receives. Every server knows MD5.
    pub checksum: Option<Checksum>,
}

/// The answer to a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The ETag of the new object; `None` = the server named none.
    pub etag: Option<ETag>,
    /// The version of the new object, only in a versioned bucket.
    pub version_id: Option<String>,
}

/// An object that the server copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// The bucket, at the same server.
    pub bucket: String,
    /// The key.
    pub key: ObjectKey,
    /// The expected ETag. If the object has another one or does not exist, the call fails with
    /// [`S3ErrorKind::PreconditionFailed`](super::S3ErrorKind::PreconditionFailed).
    pub if_match: Option<ETag>,
}

/// The metadata of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopiedMetadata {
    /// Those of the source.
    OfSource,
    /// These.
    Replaced(ObjectMetadata),
}

/// An object to copy within the server, up to 5 GiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRequest {
    /// What to copy.
    pub source: CopySource,
    /// The key of the copy.
    pub key: ObjectKey,
    /// The metadata of the copy.
    pub metadata: CopiedMetadata,
    /// The storage class of the copy; `None` = the bucket's default.
    pub storage_class: Option<String>,
    /// The condition on the object that the copy replaces.
    pub condition: Option<WriteCondition>,
}

/// An object to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRequest {
    /// The key.
    pub key: ObjectKey,
    /// The expected ETag. If the object has another one, the call fails with
    /// [`S3ErrorKind::ConditionFailed`](super::S3ErrorKind::ConditionFailed). Few servers support it.
    pub if_match: Option<ETag>,
}

/// A multipart upload to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateUploadRequest {
    /// The key of the object that it becomes.
    pub key: ObjectKey,
    /// The metadata of that object.
    pub metadata: ObjectMetadata,
    /// Its storage class; `None` = the bucket's default.
    pub storage_class: Option<String>,
}

/// A multipart upload that was begun.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenUpload {
    /// The key of the object that it becomes.
    pub key: ObjectKey,
    /// The server's id of the upload.
    pub id: String,
}

/// A part to upload. A part with the same number is replaced.
#[derive(Debug)]
pub struct PartRequest {
    /// The upload.
    pub upload: OpenUpload,
    /// The part's number, 1..=10,000.
    pub number: u16,
    /// Its content: at least 5 MiB, except for the last part.
    pub body: SentBody,
}

/// A part to copy from an object at the same server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyPartRequest {
    /// The upload.
    pub upload: OpenUpload,
    /// The part's number, 1..=10,000.
    pub number: u16,
    /// What to copy.
    pub source: CopySource,
    /// A non-empty range of its bytes.
    pub range: Range<u64>,
}

/// A part that the server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// The part's number.
    pub number: u16,
    /// Its ETag.
    pub etag: ETag,
    /// Length in bytes.
    pub size: u64,
}

/// The end of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompleteRequest {
    /// The upload.
    pub upload: OpenUpload,
    /// The parts of the object, by ascending number.
    pub parts: Vec<StoredPart>,
    /// The condition on the object that it replaces.
    pub condition: Option<WriteCondition>,
}

/// A request for one page of an upload's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPartsRequest {
    /// The upload.
    pub upload: OpenUpload,
    /// Only parts with a greater number; 0 = from the first.
    pub after: u16,
    /// At most this many (1..=1000).
    pub max_parts: u16,
}

/// One page of an upload's parts, by ascending number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartsPage {
    /// The parts.
    pub parts: Vec<StoredPart>,
    /// The number after which the next page begins; `None` = this page is the last.
    pub next: Option<u16>,
}

/// A request for one page of the multipart uploads that were neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListUploadsRequest {
    /// Only uploads of keys with this prefix; empty = all.
    pub prefix: String,
    /// Where the page begins; `None` = at the first upload.
    pub from: Option<UploadCursor>,
    /// At most this many (1..=1000).
    pub max_uploads: u16,
}

/// Where a page of uploads begins: the markers that the server gave with the page before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadCursor {
    /// The key marker.
    pub key: String,
    /// The upload id marker.
    pub id: String,
}

/// An upload in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUpload {
    /// The upload.
    pub upload: OpenUpload,
    /// When it was begun, by the server's clock; `None` = unknown.
    pub initiated: Option<Timestamp>,
}

/// One page of uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadsPage {
    /// The uploads.
    pub uploads: Vec<ListedUpload>,
    /// Where the next page begins; `None` = this page is the last.
    pub next: Option<UploadCursor>,
}

/// Writes whole objects to a bucket.
#[async_trait]
pub trait WriteObjects: Send + Sync {
    /// Stores an object.
    async fn put_object(&self, put: PutRequest) -> Result<Written, S3Error>;
    /// Copies an object within the server.
    async fn copy_object(&self, copy: CopyRequest) -> Result<Written, S3Error>;
    /// Deletes an object. Succeeds also if there is none.
    async fn delete_object(&self, delete: DeleteRequest) -> Result<(), S3Error>;
}

/// Writes objects to a bucket in parts.
#[async_trait]
pub trait UploadParts: Send + Sync {
    /// Begins an upload.
    async fn create_upload(&self, create: CreateUploadRequest) -> Result<OpenUpload, S3Error>;
    /// Uploads a part. Returns its ETag.
    async fn upload_part(&self, part: PartRequest) -> Result<ETag, S3Error>;
    /// Copies a part within the server. Returns its ETag.
    async fn copy_part(&self, part: CopyPartRequest) -> Result<ETag, S3Error>;
    /// Makes the parts an object. After a lost response the server may answer `NoSuchUpload`, or the same as before.
    async fn complete_upload(&self, complete: CompleteRequest) -> Result<Written, S3Error>;
    /// Ends an upload and removes its parts.
    async fn abort_upload(&self, upload: &OpenUpload) -> Result<(), S3Error>;
    /// Lists one page of an upload's parts.
    async fn list_parts(&self, request: ListPartsRequest) -> Result<PartsPage, S3Error>;
    /// Lists one page of the bucket's uploads.
    async fn list_uploads(&self, request: ListUploadsRequest) -> Result<UploadsPage, S3Error>;
}

/// A bucket to write to.
pub trait WriteBucket: WriteObjects + UploadParts {}
impl<T: WriteObjects + UploadParts> WriteBucket for T {}
