//! Brings the parts of one object to the server: from memory, streamed, or copied by the server. Neither begins nor ends the upload.

use super::body_parts::BodyParts;
use super::part_size::{MultipartLimits, ranges};
use crate::endpoint::{ContentFault, EffectCertainty, EndpointError, EndpointErrorKind, EndpointId};
use crate::record::{Checksum, ETag};
use crate::s3::{CopyPartRequest, CopySource, OpenUpload, PartRequest, S3Error, S3ErrorKind, SentBody, StoredPart, UploadParts};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument as _;

/// The parts of an upload that was begun.
pub(super) struct PartUpload {
    pub(super) bucket: Arc<dyn UploadParts>,
    pub(super) upload: OpenUpload,
    pub(super) limits: MultipartLimits,
    pub(super) size: u64,
    pub(super) part_bytes: u64,
    /// The parts that the server has.
    pub(super) stored: BTreeMap<u16, StoredPart>,
}

/// Why the parts did not arrive.
pub(super) enum PartsFailure {
    /// Reading the body failed.
    Body(EndpointError),
    /// A call failed. There is no object yet, so it had no effect.
    Call(S3Error),
}

impl PartsFailure {
    /// True if another attempt must not use these parts: the content is not right, or the server refuses it.
    pub(super) fn ends_the_upload(&self) -> bool {
        match self {
            Self::Body(error) => error.kind == EndpointErrorKind::Corrupt || error.is_refusal(),
            Self::Call(error) => {
                error.kind == S3ErrorKind::ChecksumMismatch
                    || EndpointError::from(error.clone().with_effect(EffectCertainty::None)).is_refusal()
            }
        }
    }
}

impl From<S3Error> for PartsFailure {
    fn from(error: S3Error) -> Self {
        Self::Call(error)
    }
}

/// Without the parts there is no object. The body's error is kept, except for its kind: the caller must be able to distinguish it.
impl From<PartsFailure> for EndpointError {
    fn from(failure: PartsFailure) -> Self {
        match failure {
            PartsFailure::Body(mut error) => {
                error.kind = EndpointErrorKind::BodyFailed;
                error
            }
            PartsFailure::Call(error) => error.with_effect(EffectCertainty::None).into(),
        }
    }
}

type Parts = Result<Vec<StoredPart>, PartsFailure>;

impl PartUpload {
    /// Sends a body of exactly the announced size. Returns its parts in any order.
    pub(super) async fn send(&self, body: BodyParts) -> Parts {
        let body = Arc::new(Mutex::new(body));
        let parts = match self.limits.parts_in_memory(self.part_bytes) {
            0 => self.send_streamed(&body).await?,
            in_memory => {
                let mut in_flight = JoinSet::new();
                let sent = self.send_from_memory(&mut *body.lock().await, in_memory, &mut in_flight).await;
                end_calls(&mut in_flight, &sent).await;
                sent?
            }
        };
        let mut body = body.lock().await;
        if body.has_ended().await { Ok(parts) } else { Err(self.body_failed(&body, "the body is longer than was announced")) }
    }

    /// At most `in_memory` parts are in memory: in flight, or being filled.
    async fn send_from_memory(
        &self,
        body: &mut BodyParts,
        in_memory: usize,
        in_flight: &mut JoinSet<Result<StoredPart, S3Error>>,
    ) -> Parts {
        let mut parts = Vec::new();
        for (number, range) in ranges(self.size, self.part_bytes) {
            if in_flight.len() >= in_memory
                && let Some(part) = in_flight.join_next().await
            {
                parts.push(self.ended(part)?);
            }
            let length = range.end - range.start;
            let stored = self.stored.get(&number).filter(|stored| stored.size == length);
            let Some((bytes, md5)) = body.part(length, stored.is_some()).await else {
                return Err(self.body_failed(body, "the body is shorter than was announced"));
            };
            match stored.filter(|stored| md5.is_some_and(|md5| is_md5(&stored.etag, &md5))) {
                Some(stored) => parts.push(stored.clone()),
                None => drop(in_flight.spawn(self.sending(number, bytes).in_current_span())),
            }
        }
        self.all_of(in_flight, parts).await
    }

    /// The attempts at a part in memory.
    fn sending(&self, number: u16, bytes: Bytes) -> impl Future<Output = Result<StoredPart, S3Error>> + Send + 'static {
        let (bucket, upload, limits) = (Arc::clone(&self.bucket), self.upload.clone(), self.limits);
        async move {
            let size = bytes.len() as u64;
            let attempt = || bucket.upload_part(PartRequest { upload: upload.clone(), number, body: SentBody::Bytes(bytes.clone()) });
            let etag = with_retries(&limits, attempt).await?;
            Ok(StoredPart { number, etag, size })
        }
    }

    /// Sends parts that are too long for memory, one at a time. They cannot be sent again, so a part that fails ends the attempt.
    async fn send_streamed(&self, body: &Arc<Mutex<BodyParts>>) -> Parts {
        let mut parts = Vec::new();
        for (number, range) in ranges(self.size, self.part_bytes) {
            let length = range.end - range.start;
            if let Some(stored) = self.stored.get(&number).filter(|stored| stored.size == length) {
                let mut body = body.lock().await;
                match body.md5_of_part(length).await {
                    Some(md5) if is_md5(&stored.etag, &md5) => parts.push(stored.clone()),
                    Some(_) => {
                        let words = format!("part {number} of an earlier attempt has other bytes: another upload is begun");
                        return Err(S3Error::new("UploadPart", &self.upload.key, S3ErrorKind::ChecksumMismatch, &words).into());
                    }
                    None => return Err(self.body_failed(&body, "the body is shorter than was announced")),
                }
                continue;
            }
            let sent = SentBody::Stream { body: BodyParts::streamed_part(body, length), length };
            match self.bucket.upload_part(PartRequest { upload: self.upload.clone(), number, body: sent }).await {
                Ok(etag) => parts.push(StoredPart { number, etag, size: length }),
                Err(error) if error.kind == S3ErrorKind::BodyFailed => return Err(self.body_failed(&*body.lock().await, &error.message)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(parts)
    }

    /// Has the server copy the parts that it does not have. Returns all parts in any order.
    pub(super) async fn copy(&self, source: &CopySource) -> Parts {
        let mut in_flight = JoinSet::new();
        let copied = self.copy_all(source, &mut in_flight).await;
        end_calls(&mut in_flight, &copied).await;
        copied
    }

    async fn copy_all(&self, source: &CopySource, in_flight: &mut JoinSet<Result<StoredPart, S3Error>>) -> Parts {
        let mut parts = Vec::new();
        for (number, range) in ranges(self.size, self.part_bytes) {
            let size = range.end - range.start;
            if let Some(stored) = self.stored.get(&number).filter(|stored| stored.size == size) {
                parts.push(stored.clone());
                continue;
            }
            if in_flight.len() >= self.limits.parts_in_flight.max(1)
                && let Some(part) = in_flight.join_next().await
            {
                parts.push(self.ended(part)?);
            }
            let (bucket, limits) = (Arc::clone(&self.bucket), self.limits);
            let request = CopyPartRequest { upload: self.upload.clone(), number, source: source.clone(), range };
            let copying = async move {
                let etag = with_retries(&limits, || bucket.copy_part(request.clone())).await?;
                Ok(StoredPart { number, etag, size })
            };
            in_flight.spawn(copying.in_current_span());
        }
        self.all_of(in_flight, parts).await
    }

    async fn all_of(&self, in_flight: &mut JoinSet<Result<StoredPart, S3Error>>, mut parts: Vec<StoredPart>) -> Parts {
        while let Some(part) = in_flight.join_next().await {
            parts.push(self.ended(part)?);
        }
        Ok(parts)
    }

    fn ended(&self, part: Result<Result<StoredPart, S3Error>, JoinError>) -> Result<StoredPart, S3Error> {
        part.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(S3Error::new("UploadPart", &self.upload.key, S3ErrorKind::Interrupted, "the process ended before the call")),
        })
    }

    fn body_failed(&self, body: &BodyParts, words: &str) -> PartsFailure {
        let source = || EndpointError::of_content(&EndpointId::new("s3"), &self.upload.key, ContentFault::Interrupted, words);
        PartsFailure::Body(body.failure().unwrap_or_else(source))
    }
}

/// Ends the calls in flight after a failure. Parts that arrive need not be sent again by the next attempt, so the calls go on to their end,
/// unless there is no next attempt with this upload: then no call may arrive after its end.
async fn end_calls(in_flight: &mut JoinSet<Result<StoredPart, S3Error>>, parts: &Parts) {
    if parts.as_ref().is_err_and(PartsFailure::ends_the_upload) {
        in_flight.shutdown().await;
    }
    while in_flight.join_next().await.is_some() {}
}

/// Makes a call with the attempts of the policy. An upload that ended, and a conflict, need another upload.
pub(super) async fn with_retries<T, F, Fut>(limits: &MultipartLimits, call: F) -> Result<T, S3Error>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, S3Error>>,
{
    let attempt = || async {
        match call().await {
            Err(error) if matches!(error.kind, S3ErrorKind::NoSuchUpload | S3ErrorKind::WriteConflict) => Ok(Err(error)),
            ended => ended.map(Ok),
        }
    };
    limits.retry.run(attempt).await?
}

/// True if the ETag is this MD5. The parts of an encrypted object may have other ETags: they are sent again.
fn is_md5(etag: &ETag, md5: &Checksum) -> bool {
    md5.to_string().strip_prefix("MD5 ") == Some(etag.as_str())
}
