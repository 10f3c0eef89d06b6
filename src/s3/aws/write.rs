//! The calls that write whole objects: put, copy, delete. One attempt each. An error says whether the effect may have happened.

use super::mend::MendListing;
use super::sent_body::{BodyOnce, BodyProgress};
use super::{AwsBucket, CallInfo, blank_key, sent_metadata, transport};
use crate::endpoint::EffectCertainty;
use crate::record::{ChecksumAlgorithm, ETag};
use crate::s3::{
    CopiedMetadata, CopyRequest, CopySource, DeleteRequest, PutRequest, S3Error, S3ErrorKind, WriteCondition, WriteObjects, Written,
};
use async_trait::async_trait;
use aws_sdk_s3::Config;
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{MetadataDirective, StorageClass};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::error::Error;
use std::time::Duration;

/// How much longer than other calls a call may take for which the server moves up to 5 GiB: it answers at the end.
const SERVER_SIDE_FACTOR: u32 = 10;

#[async_trait]
impl WriteObjects for AwsBucket {
    async fn put_object(&self, put: PutRequest) -> Result<Written, S3Error> {
        let PutRequest { key, body, metadata, storage_class, condition, checksum } = put;
        let (call, body) = (CallInfo { operation: "PutObject", key: Some(&key) }, BodyOnce::new(body));
        let (if_match, if_none_match) = headers_of(condition.as_ref());
        let checksum_of = |algorithm| {
            let checksum = checksum.as_ref().filter(|checksum| checksum.algorithm == algorithm);
            checksum.map(|checksum| BASE64_STANDARD.encode(&checksum.digest))
        };
        let attempt = || async {
            let (sent, progress) = body.for_attempt().ok_or_else(|| self.body_is_gone(call))?;
            let sending = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(blank_key::accepted(&key))
                .body(sent)
                .set_content_type(sent_metadata::described(metadata.content_type.as_ref()))
                .set_content_encoding(sent_metadata::described(metadata.content_encoding.as_ref()))
                .set_content_language(sent_metadata::described(metadata.content_language.as_ref()))
                .set_content_disposition(sent_metadata::described(metadata.content_disposition.as_ref()))
                .set_cache_control(sent_metadata::described(metadata.cache_control.as_ref()))
                .set_metadata(sent_metadata::user(&metadata))
                .set_storage_class(storage_class.as_deref().map(StorageClass::from))
                .set_if_match(if_match.clone())
                .set_if_none_match(if_none_match.clone())
                .set_content_md5(checksum_of(ChecksumAlgorithm::Md5))
                .set_checksum_crc64_nvme(checksum_of(ChecksumAlgorithm::Crc64Nvme))
                .set_checksum_crc32_c(checksum_of(ChecksumAlgorithm::Crc32c))
                .set_checksum_crc32(checksum_of(ChecksumAlgorithm::Crc32))
                .set_checksum_sha256(checksum_of(ChecksumAlgorithm::Sha256))
                .set_checksum_sha1(checksum_of(ChecksumAlgorithm::Sha1))
                .customize()
                .interceptor(MendListing::default())
                .mutate_request(blank_key::restored(&key))
                .config_override(patient())
                .send();
            let output = self.within_body(call, &progress, sending).await?;
            Ok(written(output.e_tag(), output.version_id()))
        };
        Box::pin(self.with_valid_credentials(attempt)).await
    }

    async fn copy_object(&self, copy: CopyRequest) -> Result<Written, S3Error> {
        Box::pin(self.with_valid_credentials(|| self.copy_once(&copy))).await
    }

    async fn delete_object(&self, delete: DeleteRequest) -> Result<(), S3Error> {
        self.with_valid_credentials(|| self.delete_once(&delete)).await
    }
}

impl AwsBucket {
    async fn copy_once(&self, copy: &CopyRequest) -> Result<Written, S3Error> {
        let call = CallInfo { operation: "CopyObject", key: Some(&copy.key) };
        let (directive, metadata) = match &copy.metadata {
            CopiedMetadata::OfSource => (MetadataDirective::Copy, None),
            CopiedMetadata::Replaced(metadata) => (MetadataDirective::Replace, Some(metadata)),
        };
        let (if_match, if_none_match) = headers_of(copy.condition.as_ref());
        let sending = self
            .client
            .copy_object()
            .bucket(&self.bucket)
            .key(blank_key::accepted(&copy.key))
            .copy_source(sent_metadata::copy_source(&copy.source))
            .set_copy_source_if_match(copy.source.if_match.as_ref().map(ETag::quoted))
            .metadata_directive(directive)
            .set_content_type(metadata.and_then(|metadata| sent_metadata::described(metadata.content_type.as_ref())))
            .set_content_encoding(metadata.and_then(|metadata| sent_metadata::described(metadata.content_encoding.as_ref())))
            .set_content_language(metadata.and_then(|metadata| sent_metadata::described(metadata.content_language.as_ref())))
            .set_content_disposition(metadata.and_then(|metadata| sent_metadata::described(metadata.content_disposition.as_ref())))
            .set_cache_control(metadata.and_then(|metadata| sent_metadata::described(metadata.cache_control.as_ref())))
            .set_metadata(metadata.and_then(sent_metadata::user))
            .set_storage_class(copy.storage_class.as_deref().map(StorageClass::from))
            .set_if_match(if_match)
            .set_if_none_match(if_none_match)
            .customize()
            .interceptor(MendListing::default())
            .mutate_request(blank_key::restored(&copy.key))
            .config_override(patient())
            .send();
        let mut cause = None;
        let answer = async { sending.await.inspect_err(|error| cause = Some(copy_failure(error, &copy.source, copy.condition.as_ref()))) };
        let answer = self.within_server_side(call, answer).await;
        let output = answer.map_err(|error| of_copy(error, cause, &copy.source))?;
        let etag = output.copy_object_result().and_then(|result| result.e_tag());
        // A response that breaks off has no ETag either.
        etag.map(|etag| written(Some(etag), output.version_id())).ok_or_else(|| self.unreadable(call, "the response names no ETag"))
    }

    async fn delete_once(&self, delete: &DeleteRequest) -> Result<(), S3Error> {
        let call = CallInfo { operation: "DeleteObject", key: Some(&delete.key) };
        let sending = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(blank_key::accepted(&delete.key))
            .set_if_match(delete.if_match.as_ref().map(ETag::quoted))
            .customize()
            .interceptor(MendListing::default())
            .mutate_request(blank_key::restored(&delete.key))
            .send();
        match self.within_write(call, self.call_timeout, sending).await {
            // Some servers answer so if there is no object.
            Err(error) if error.kind == S3ErrorKind::NoSuchKey => Ok(()),
            ended => ended.map(drop),
        }
    }

    /// Awaits a call that writes, for at most `limit`.
    pub(super) async fn within_write<T, E>(
        &self,
        call: CallInfo<'_>,
        limit: Duration,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, S3Error>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let Ok(answer) = tokio::time::timeout(limit, answer).await else {
            let words = format!("no complete response within {} s", limit.as_secs_f32());
            return Err(self.error(call, S3ErrorKind::Timeout, &words).with_effect(EffectCertainty::Unknown));
        };
        answer.map_err(|error| self.failed_write(call, &error))
    }

    /// As [`Self::within_write`], for a call that makes the server move content.
    pub(super) async fn within_server_side<T, E>(
        &self,
        call: CallInfo<'_>,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, S3Error>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        self.within_write(call, self.call_timeout * SERVER_SIDE_FACTOR, answer).await
    }

    /// Awaits a call with a body, as long as the body proceeds.
    pub(super) async fn within_body<T, E>(
        &self,
        call: CallInfo<'_>,
        progress: &BodyProgress,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, S3Error>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let error = match progress.answer(self.silence, answer).await {
            Some(Ok(output)) => return Ok(output),
            Some(Err(error)) => self.failed_write(call, &error),
            None => {
                let words = format!("the server took no byte and sent no response for {} s", self.silence.as_secs_f32());
                self.error(call, S3ErrorKind::Timeout, &words).with_effect(EffectCertainty::Unknown)
            }
        };
        Err(match progress.failure() {
            Some(words) => self.error(call, S3ErrorKind::BodyFailed, &words),
            None if progress.is_sent() => error,
            None => error.with_effect(EffectCertainty::None),
        })
    }

    fn failed_write<E: ProvideErrorMetadata + Error + 'static>(&self, call: CallInfo<'_>, error: &SdkError<E, HttpResponse>) -> S3Error {
        let failure = transport::failure(error);
        let effect = failure.effect();
        let (kind, words) = failure.classify(call.operation, &self.region);
        self.error(call, kind, &words).with_effect(effect)
    }

    /// The error for a success that cannot be read.
    pub(super) fn unreadable(&self, call: CallInfo<'_>, words: &str) -> S3Error {
        self.error(call, S3ErrorKind::Other, &format!("the response cannot be read: {words}")).with_effect(EffectCertainty::Unknown)
    }

    /// The error for a streamed body that an attempt with other credentials would have to send once more.
    pub(super) fn body_is_gone(&self, call: CallInfo<'_>) -> S3Error {
        self.error(
            call,
            S3ErrorKind::Interrupted,
            "the server rejected the credentials; there are others now, and the body must be read again",
        )
    }
}

/// The SDK's settings for a call that takes as long as its content is large. Its read timeout begins with the request, and its protection
/// against stalled streams would end a copy: this module has its own limits.
pub(super) fn patient() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().disable_read_timeout().build();
    Config::builder().timeout_config(timeouts).stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// `If-Match` and `If-None-Match`.
pub(super) fn headers_of(condition: Option<&WriteCondition>) -> (Option<String>, Option<String>) {
    match condition {
        None => (None, None),
        Some(WriteCondition::IfMatch(etag)) => (Some(etag.quoted()), None),
        Some(WriteCondition::IfAbsent) => (None, Some("*".to_owned())),
    }
}

pub(super) fn written(etag: Option<&str>, version_id: Option<&str>) -> Written {
    Written { etag: etag.and_then(ETag::parse), version_id: version_id.filter(|id| *id != "null").map(str::to_owned) }
}

/// Whose condition a copy violated, or which object is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CopyCause {
    Source,
    Target,
}

/// The cause of a failed copy, if it is a 404 or a 412. S3 names the violated condition; for other servers the only condition is the one.
pub(super) fn copy_failure<E>(error: &SdkError<E, HttpResponse>, source: &CopySource, condition: Option<&WriteCondition>) -> CopyCause {
    let body = error.raw_response().and_then(|raw| raw.body().bytes()).map(String::from_utf8_lossy).unwrap_or_default();
    let named = body.split_once("<Condition>").map(|(_, rest)| rest.trim_start().to_ascii_lowercase());
    let missing = body.contains("<Code>NoSuchKey</Code>");
    let is_of_source = match named {
        Some(name) => name.starts_with("x-amz-copy-source"),
        None if missing => !matches!(condition, Some(WriteCondition::IfMatch(_))),
        None => condition.is_none() && source.if_match.is_some(),
    };
    if is_of_source { CopyCause::Source } else { CopyCause::Target }
}

/// The error of a copy with its cause.
pub(super) fn of_copy(mut error: S3Error, cause: Option<CopyCause>, source: &CopySource) -> S3Error {
    if cause == Some(CopyCause::Source) && matches!(error.kind, S3ErrorKind::ConditionFailed | S3ErrorKind::NoSuchKey) {
        error.kind = S3ErrorKind::PreconditionFailed;
        return error.with_expected(source.if_match.as_ref());
    }
    error
}
