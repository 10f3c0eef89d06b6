//! The faults that a test can inject into a bucket in memory, and the calls that its hook receives.

use super::super::{
    CompleteRequest, CopyPartRequest, CopyRequest, CreateUploadRequest, DeleteRequest, GetRequest, ListPartsRequest, ListRequest,
    ListUploadsRequest, OpenUpload, S3ErrorKind, WriteCondition,
};
use super::MemoryObject;
use crate::endpoint::EffectCertainty;
use crate::record::ObjectKey;

/// A call, before it is served.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// `list_page`
    List(&'a ListRequest),
    /// `head_bucket`
    HeadBucket,
    /// `head_object`
    Head(&'a ObjectKey),
    /// `get_object`
    Get(&'a GetRequest),
    /// `put_object`. A request with its body is not `Sync`.
    Put {
        /// The key.
        key: &'a ObjectKey,
        /// The condition.
        condition: Option<&'a WriteCondition>,
    },
    /// `copy_object`
    Copy(&'a CopyRequest),
    /// `delete_object`
    Delete(&'a DeleteRequest),
    /// `create_upload`
    CreateUpload(&'a CreateUploadRequest),
    /// `upload_part`
    UploadPart {
        /// The upload.
        upload: &'a OpenUpload,
        /// The part's number.
        number: u16,
    },
    /// `copy_part`
    CopyPart(&'a CopyPartRequest),
    /// `complete_upload`
    CompleteUpload(&'a CompleteRequest),
    /// `abort_upload`
    AbortUpload(&'a OpenUpload),
    /// `list_parts`
    ListParts(&'a ListPartsRequest),
    /// `list_uploads`
    ListUploads(&'a ListUploadsRequest),
}

impl Call<'_> {
    /// The key of the call, if it has one.
    pub fn key(&self) -> Option<&ObjectKey> {
        match self {
            Self::List(_) | Self::HeadBucket | Self::ListUploads(_) => None,
            Self::Head(key) | Self::Put { key, .. } => Some(key),
            Self::Get(request) => Some(&request.key),
            Self::Copy(request) => Some(&request.key),
            Self::Delete(request) => Some(&request.key),
            Self::CreateUpload(request) => Some(&request.key),
            Self::UploadPart { upload, .. } | Self::AbortUpload(upload) => Some(&upload.key),
            Self::CopyPart(request) => Some(&request.upload.key),
            Self::CompleteUpload(request) => Some(&request.upload.key),
            Self::ListParts(request) => Some(&request.upload.key),
        }
    }

    /// The operation's name in S3.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::List(_) => "ListObjectsV2",
            Self::HeadBucket => "HeadBucket",
            Self::Head(_) => "HeadObject",
            Self::Get(_) => "GetObject",
            Self::Put { .. } => "PutObject",
            Self::Copy(_) => "CopyObject",
            Self::Delete(_) => "DeleteObject",
            Self::CreateUpload(_) => "CreateMultipartUpload",
            Self::UploadPart { .. } => "UploadPart",
            Self::CopyPart(_) => "UploadPartCopy",
            Self::CompleteUpload(_) => "CompleteMultipartUpload",
            Self::AbortUpload(_) => "AbortMultipartUpload",
            Self::ListParts(_) => "ListParts",
            Self::ListUploads(_) => "ListMultipartUploads",
        }
    }

    /// Whether this call may have had its effect, if it fails with this kind.
    pub(super) fn effect_after(&self, kind: &S3ErrorKind) -> EffectCertainty {
        let reads =
            matches!(self, Self::List(_) | Self::HeadBucket | Self::Head(_) | Self::Get(_) | Self::ListParts(_) | Self::ListUploads(_));
        match kind {
            S3ErrorKind::Timeout | S3ErrorKind::Interrupted | S3ErrorKind::Server | S3ErrorKind::Throttled { .. } if !reads => {
                EffectCertainty::Unknown
            }
            _ => EffectCertainty::None,
        }
    }
}

/// A fault of one call. A fault that does not apply to the call, such as a short body of a HEAD, is ignored.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The call fails with this kind, and has no effect. The error of a write says so only if a real server's could.
    Error(S3ErrorKind),
    /// The write has its effect, and its response is lost: it fails with this kind.
    ResponseLost(S3ErrorKind),
    /// The write ignores its condition, as some servers do.
    ConditionIgnored,
    /// The object is replaced just before the call is served.
    Replaced(MemoryObject),
    /// The object is deleted just before the call is served.
    Removed,
    /// The bucket is deleted just before the call is served.
    BucketGone,
    /// The listing has no ETags.
    NoETags,
    /// The listing declares its keys as url-encoded, which they are not, and has no ETags: as that of s3s-fs 0.14.1.
    UnencodedKeys,
    /// The body ends without an error after this many bytes.
    ShortBody {
        /// The number of bytes before the fault.
        after: usize,
    },
    /// The body breaks off with an error after this many bytes.
    BrokenBody {
        /// The number of bytes before the fault.
        after: usize,
        /// The kind of the error.
        kind: S3ErrorKind,
    },
    /// One bit of the body is wrong.
    WrongByte {
        /// The position of the byte; beyond the end = the last byte.
        at: usize,
    },
    /// The body has an additional byte.
    LongBody,
}

/// The number of calls by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// `list_page`
    pub lists: u64,
    /// `head_bucket`
    pub head_buckets: u64,
    /// `head_object`
    pub heads: u64,
    /// `get_object`
    pub gets: u64,
    /// `put_object`
    pub puts: u64,
    /// `copy_object`
    pub copies: u64,
    /// `delete_object`
    pub deletes: u64,
    /// `create_upload`
    pub created_uploads: u64,
    /// `upload_part`
    pub parts: u64,
    /// `copy_part`
    pub copied_parts: u64,
    /// `complete_upload`
    pub completed_uploads: u64,
    /// `abort_upload`
    pub aborted_uploads: u64,
    /// `list_parts`
    pub part_lists: u64,
    /// `list_uploads`
    pub upload_lists: u64,
}

impl CallCounts {
    pub(super) fn count(&mut self, call: &Call<'_>) {
        let counter = match call {
            Call::List(_) => &mut self.lists,
            Call::HeadBucket => &mut self.head_buckets,
            Call::Head(_) => &mut self.heads,
            Call::Get(_) => &mut self.gets,
            Call::Put { .. } => &mut self.puts,
            Call::Copy(_) => &mut self.copies,
            Call::Delete(_) => &mut self.deletes,
            Call::CreateUpload(_) => &mut self.created_uploads,
            Call::UploadPart { .. } => &mut self.parts,
            Call::CopyPart(_) => &mut self.copied_parts,
            Call::CompleteUpload(_) => &mut self.completed_uploads,
            Call::AbortUpload(_) => &mut self.aborted_uploads,
            Call::ListParts(_) => &mut self.part_lists,
            Call::ListUploads(_) => &mut self.upload_lists,
        };
        *counter += 1;
    }
}

pub(super) type Hook = Box<dyn FnMut(&Call<'_>) -> Option<Fault> + Send>;
