//! The implemented operations of S3, one line each. The other files of this directory implement them.

mod bucket;
mod conditions;
mod list;
mod multipart;
mod read;
mod uploads;
mod write;

use crate::fault::IgnoredHeader;
use crate::mock::Shared;
use crate::object::StoredObject;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyObjectInput,
    CopyObjectOutput, CreateBucketInput, CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteBucketInput,
    DeleteBucketOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, ETag, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput,
    PutObjectInput, PutObjectOutput, Timestamp, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;
use std::time::SystemTime;

pub(crate) struct Api {
    shared: Arc<Shared>,
}

impl Api {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

type Answer<T> = S3Result<S3Response<T>>;

#[async_trait::async_trait]
impl S3 for Api {
    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        Ok(bucket::list(&self.shared))
    }

    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        bucket::create(&self.shared, &request.input)
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        bucket::head(&self.shared, &request.input)
    }

    async fn delete_bucket(&self, request: S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        bucket::delete(&self.shared, &request.input)
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        list::objects(&self.shared, request.input, request.extensions.get().copied())
    }

    async fn head_object(&self, mut request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        if request.extensions.get() == Some(&IgnoredHeader::ChecksumMode) {
            request.input.checksum_mode = None;
        }
        read::head(&self.shared, &request.input)
    }

    async fn get_object(&self, mut request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        match request.extensions.get() {
            Some(IgnoredHeader::IfMatch) => request.input.if_match = None,
            Some(IgnoredHeader::Range) => request.input.range = None,
            Some(IgnoredHeader::ChecksumMode) => request.input.checksum_mode = None,
            _ => {}
        }
        read::get(&self.shared, &request.input)
    }

    async fn put_object(&self, mut request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        if request.extensions.get() == Some(&IgnoredHeader::WriteConditions) {
            (request.input.if_match, request.input.if_none_match) = (None, None);
        }
        write::put(&self.shared, request).await
    }

    async fn copy_object(&self, mut request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        match request.extensions.get() {
            Some(IgnoredHeader::WriteConditions) => {
                request.headers.remove("if-match");
                request.headers.remove("if-none-match");
            }
            Some(IgnoredHeader::CopySourceIfMatch) => request.input.copy_source_if_match = None,
            _ => {}
        }
        write::copy(&self.shared, request)
    }

    async fn delete_object(&self, mut request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        if request.extensions.get() == Some(&IgnoredHeader::WriteConditions) {
            request.input.if_match = None;
        }
        write::delete(&self.shared, &request.input)
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        write::delete_many(&self.shared, request.input)
    }

    async fn create_multipart_upload(&self, request: S3Request<CreateMultipartUploadInput>) -> Answer<CreateMultipartUploadOutput> {
        multipart::create(&self.shared, request)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        multipart::upload_part(&self.shared, request).await
    }

    async fn upload_part_copy(&self, request: S3Request<UploadPartCopyInput>) -> Answer<UploadPartCopyOutput> {
        multipart::copy_part(&self.shared, &request.input)
    }

    async fn list_multipart_uploads(&self, request: S3Request<ListMultipartUploadsInput>) -> Answer<ListMultipartUploadsOutput> {
        uploads::list(&self.shared, &request.input)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        multipart::list_parts(&self.shared, request.input)
    }

    async fn complete_multipart_upload(
        &self,
        mut request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        if request.extensions.get() == Some(&IgnoredHeader::WriteConditions) {
            (request.input.if_match, request.input.if_none_match) = (None, None);
        }
        multipart::complete(&self.shared, request.input)
    }

    async fn abort_multipart_upload(&self, request: S3Request<AbortMultipartUploadInput>) -> Answer<AbortMultipartUploadOutput> {
        multipart::abort(&self.shared, &request.input)
    }
}

/// Unsupported parameters are refused: a response that ignores them would be wrong.
fn refuse(asked: bool, what: &str) -> S3Result<()> {
    if asked { Err(s3_error!(NotImplemented, "{} is not implemented", what)) } else { Ok(()) }
}

fn invalid_state() -> S3Error {
    s3_error!(InvalidObjectState, "The operation is not valid for the object's storage class")
}

fn etag(object: &StoredObject) -> ETag {
    ETag::Strong(object.etag.clone())
}

fn timestamp(time: jiff::Timestamp) -> Timestamp {
    Timestamp::from(SystemTime::from(time))
}

fn length(bytes: u64) -> i64 {
    i64::try_from(bytes).expect("invariant: no object is larger than 8 EiB")
}
