//! The bound of the memory for parts.

use super::{PART, begun, body, bucket, content, limits};
use crate::record::ETag;
use crate::s3::{
    CompleteRequest, CopyPartRequest, CreateUploadRequest, ListPartsRequest, ListUploadsRequest, MemoryBucket, OpenUpload, PartRequest,
    PartsPage, S3Error, UploadParts, UploadsPage, Written,
};
use crate::transfer::MultipartLimits;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// An upload whose parts end only on request.
struct HeldParts {
    bucket: Arc<MemoryBucket>,
    permits: Semaphore,
    started: Semaphore,
    in_flight: AtomicUsize,
}

#[async_trait]
impl UploadParts for HeldParts {
    async fn create_upload(&self, create: CreateUploadRequest) -> Result<OpenUpload, S3Error> {
        self.bucket.create_upload(create).await
    }
    async fn upload_part(&self, part: PartRequest) -> Result<ETag, S3Error> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        self.started.add_permits(1);
        self.permits.acquire().await.expect("invariant: never closed").forget();
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        self.bucket.upload_part(part).await
    }
    async fn copy_part(&self, part: CopyPartRequest) -> Result<ETag, S3Error> {
        self.bucket.copy_part(part).await
    }
    async fn complete_upload(&self, complete: CompleteRequest) -> Result<Written, S3Error> {
        self.bucket.complete_upload(complete).await
    }
    async fn abort_upload(&self, upload: &OpenUpload) -> Result<(), S3Error> {
        self.bucket.abort_upload(upload).await
    }
    async fn list_parts(&self, request: ListPartsRequest) -> Result<PartsPage, S3Error> {
        self.bucket.list_parts(request).await
    }
    async fn list_uploads(&self, request: ListUploadsRequest) -> Result<UploadsPage, S3Error> {
        self.bucket.list_uploads(request).await
    }
}

/// A store that does not end its calls stops the reading of the body at the bound.
#[tokio::test]
async fn no_more_of_the_body_is_read_than_fits_into_the_memory() {
    let chunk = 7;
    for (memory_bytes, in_memory) in [(1 << 20, 3), (2 * PART, 2), (PART, 1)] {
        let permits = Semaphore::new(0);
        let held = Arc::new(HeldParts { bucket: bucket(), permits, started: Semaphore::new(0), in_flight: AtomicUsize::new(0) });
        let read = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&read);
        let body = body(&content()).inspect(move |item| {
            counted.fetch_add(item.as_ref().map_or(0, Bytes::len), Ordering::SeqCst);
        });
        let bucket = Arc::clone(&held) as Arc<dyn UploadParts>;
        let (upload, _) = begun(&bucket, MultipartLimits { memory_bytes, ..limits() }).await;
        let sending = tokio::spawn(upload.send(body.boxed()));
        for ended in 0..10 {
            held.started.acquire().await.expect("invariant: never closed").forget();
            // Everything that can run without another part's end has run when all tasks are idle.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            let most = (ended + in_memory) * usize::try_from(PART).expect("small") + chunk;
            let now = read.load(Ordering::SeqCst);
            assert!(now <= most, "{now} bytes were read with {ended} parts ended, {most} at most");
            assert!(held.in_flight.load(Ordering::SeqCst) <= in_memory);
            held.permits.add_permits(1);
        }
        sending.await.expect("no panic").expect("completed");
        assert_eq!(held.bucket.contents()["k"], content());
    }
}
