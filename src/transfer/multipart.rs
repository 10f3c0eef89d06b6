//! Writes a large object in parts: sends a verified body, or has the server copy another object. It can be resumed in another process.
//!
//! - **Invariant:** the id of the upload is stored before the first part is sent.
//! - **Invariant:** the object is completed only after the whole body was read without an error. A verified body yields its last bytes only if
//!   it is right.
//! - **Invariant:** at most [`MultipartLimits::memory_bytes`] of parts are in memory, and a few chunks of the body.

use super::body_parts::BodyParts;
use super::part_size::MultipartLimits;
use super::part_upload::{PartUpload, PartsFailure, with_retries};
use crate::endpoint::{ByteStream, EndpointError};
use crate::record::ETag;
use crate::retry::{Disposed as _, Disposition};
use crate::s3::{
    CompleteRequest, CopySource, CreateUploadRequest, ListPartsRequest, OpenUpload, S3Error, S3ErrorKind, StoredPart, UploadParts,
    WriteCondition, Written,
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The number of parts in a page.
const PARTS_PAGE: u16 = 1000;

/// Stores a text with which another process resumes the upload. It is on disk when the future ends.
pub type StoreCheckpoint<'a> = dyn Fn(String) -> BoxFuture<'a, Result<(), EndpointError>> + Send + Sync + 'a;

/// The object to write in parts.
#[derive(Clone, Debug)]
pub struct LargeObject {
    /// The key, the metadata and the storage class.
    pub create: CreateUploadRequest,
    /// Length in bytes.
    pub size: u64,
    /// The ETag of the content at its source. Parts of other content are not used.
    pub content: ETag,
    /// The condition on the object that it replaces. The server checks it at the completion.
    pub condition: Option<WriteCondition>,
}

/// The text of a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
struct UploadCheckpoint {
    upload: String,
    part_bytes: u64,
    content: ETag,
}

impl UploadCheckpoint {
    fn text(&self) -> String {
        serde_json::to_string(self).expect("invariant: texts and numbers are JSON")
    }
}

/// An upload of a large object that was begun.
pub struct MultipartUpload {
    parts: PartUpload,
    condition: Option<WriteCondition>,
}

impl MultipartUpload {
    /// Begins an upload, and stores its checkpoint. Without the checkpoint the upload is aborted.
    ///
    /// `part_bytes` is one of [`MultipartLimits::sent_part_bytes`] or [`MultipartLimits::copied_part_bytes`].
    pub async fn begin(
        bucket: &Arc<dyn UploadParts>,
        (object, part_bytes): (LargeObject, u64),
        limits: MultipartLimits,
        store: &StoreCheckpoint<'_>,
    ) -> Result<Self, EndpointError> {
        let upload = bucket.create_upload(object.create.clone()).await?;
        let text = UploadCheckpoint { upload: upload.id.clone(), part_bytes, content: object.content.clone() }.text();
        let begun = Self::new(bucket, (upload, part_bytes), object, limits);
        if let Err(error) = store(text).await {
            begun.abort().await;
            return Err(error);
        }
        Ok(begun)
    }

    /// Continues an upload from its checkpoint; `None` = it cannot be continued. Then it may have been completed: the caller inspects the key
    /// before it begins another one.
    pub async fn resume(
        bucket: &Arc<dyn UploadParts>,
        object: LargeObject,
        limits: MultipartLimits,
        checkpoint: &str,
    ) -> Result<Option<Self>, EndpointError> {
        let Ok(UploadCheckpoint { upload, part_bytes, content }) = serde_json::from_str(checkpoint) else { return Ok(None) };
        let upload = OpenUpload { key: object.create.key.clone(), id: upload };
        let is_usable = content == object.content && part_bytes > 0;
        let mut resumed = Self::new(bucket, (upload, part_bytes), object, limits);
        if !is_usable {
            resumed.abort().await;
            return Ok(None);
        }
        match resumed.stored_parts().await {
            Ok(stored) => resumed.parts.stored = stored,
            Err(error) if error.kind == S3ErrorKind::NoSuchUpload => return Ok(None),
            // The server cannot list parts, or does not allow it.
            Err(error) if error.disposition() == Disposition::Fail => {
                tracing::debug!(key = %resumed.parts.upload.key, %error, "the parts of an upload cannot be listed: another one is begun");
                resumed.abort().await;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Some(resumed))
    }

    /// Sends the body, which has exactly the object's size, and completes the object. Parts that the server has are compared and not sent
    /// again. The error of a body that fails has the kind `BodyFailed`.
    ///
    /// After an error that ends the effect the upload is aborted. After any other one it can be resumed.
    pub async fn send(self, body: ByteStream) -> Result<Written, EndpointError> {
        let sent = self.parts.send(BodyParts::new(body)).await;
        self.end(sent).await
    }

    /// Has the server copy the object in parts, and completes it.
    ///
    /// After an error that ends the effect the upload is aborted. After any other one it can be resumed.
    pub async fn copy(self, source: &CopySource) -> Result<Written, EndpointError> {
        let copied = self.parts.copy(source).await;
        self.end(copied).await
    }

    /// Ends the upload. If that fails, its parts stay until a lifecycle rule of the bucket removes them.
    pub async fn abort(&self) {
        match self.parts.bucket.abort_upload(&self.parts.upload).await {
            Err(error) if error.kind != S3ErrorKind::NoSuchUpload => {
                tracing::warn!(key = %self.parts.upload.key, %error, "a multipart upload stays: its parts use space in the bucket");
            }
            _ => {}
        }
    }

    fn new(bucket: &Arc<dyn UploadParts>, (upload, part_bytes): (OpenUpload, u64), object: LargeObject, limits: MultipartLimits) -> Self {
        let (bucket, size, stored) = (Arc::clone(bucket), object.size, BTreeMap::new());
        Self { parts: PartUpload { bucket, upload, limits, size, part_bytes, stored }, condition: object.condition }
    }

    /// Completes the object of these parts, or aborts the upload if nothing may use it any more.
    async fn end(self, parts: Result<Vec<StoredPart>, PartsFailure>) -> Result<Written, EndpointError> {
        let mut parts = match parts {
            Ok(parts) => parts,
            Err(failure) => {
                if failure.ends_the_upload() {
                    self.abort().await;
                }
                return Err(failure.into());
            }
        };
        parts.sort_by_key(|part| part.number);
        let complete = CompleteRequest { upload: self.parts.upload.clone(), parts, condition: self.condition.clone() };
        let completed = with_retries(&self.parts.limits, || self.parts.bucket.complete_upload(complete.clone())).await;
        if let Err(error) = &completed
            // S3 demands another upload after a conflict.
            && (error.kind == S3ErrorKind::WriteConflict || EndpointError::from(error.clone()).is_refusal())
        {
            self.abort().await;
        }
        Ok(completed?)
    }

    async fn stored_parts(&self) -> Result<BTreeMap<u16, StoredPart>, S3Error> {
        let (mut stored, mut after) = (BTreeMap::new(), 0);
        loop {
            let request = ListPartsRequest { upload: self.parts.upload.clone(), after, max_parts: PARTS_PAGE };
            let page = with_retries(&self.parts.limits, || self.parts.bucket.list_parts(request.clone())).await?;
            stored.extend(page.parts.into_iter().map(|part| (part.number, part)));
            match page.next {
                Some(next) => after = next,
                None => return Ok(stored),
            }
        }
    }
}

#[cfg(test)]
mod tests;
