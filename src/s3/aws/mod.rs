//! A bucket through the AWS SDK: six calls, one attempt each. Every response is validated before it is used. `retry.rs` retries, and
//! `transfer/` verifies bodies.

mod blank_key;
mod connect;
mod failure;
mod head;
mod headers;
mod length;
mod list;
mod mend;
mod transport;
mod whole;
mod write;

pub use connect::AwsOptions;

use super::{GetObject, GetRequest, ListObjects, ListPage, ListRequest, ObjectHead, ReadObjects, S3ByteStream, S3Error, S3ErrorKind};
use crate::record::{Escaped, ObjectKey, PageCursor};
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, EncodingType};
use futures::{StreamExt, stream};
use head::RawHead;
use mend::{MendListing, Mended};
use std::error::Error;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use whole::WholeListing;

/// A bucket at AWS or at any S3-compatible server.
///
/// A call without a body has one time limit. A GET has one until its headers arrive, and another one for pauses within its body.
#[derive(Clone, Debug)]
pub struct AwsBucket {
    client: Client,
    bucket: String,
    region: String,
    call_timeout: Duration,
}

/// The operation and the subject of a call, for its errors.
#[derive(Clone, Copy)]
struct CallInfo<'a> {
    operation: &'static str,
    key: Option<&'a ObjectKey>,
}

impl AwsBucket {
    /// Creates a client and makes no call to the server. Without keys it queries the AWS credential chain once, so that missing credentials
    /// are reported here.
    pub async fn connect(options: AwsOptions) -> Result<Self, S3Error> {
        let client = connect::client(&options).await?;
        Ok(Self { client, bucket: options.bucket, region: options.region, call_timeout: options.call_timeout })
    }

    /// Awaits a call without a body, for at most `call_timeout`.
    async fn within<T, E>(
        &self,
        call: CallInfo<'_>,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, S3Error>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match tokio::time::timeout(self.call_timeout, answer).await {
            Ok(answer) => answer.map_err(|error| self.failed(call, &error)),
            Err(_) => {
                Err(self.error(call, S3ErrorKind::Timeout, &format!("no complete response within {} s", self.call_timeout.as_secs_f32())))
            }
        }
    }

    fn failed<E: ProvideErrorMetadata + Error + 'static>(&self, call: CallInfo<'_>, error: &SdkError<E, HttpResponse>) -> S3Error {
        let (kind, words) = transport::failure(error).classify(call.operation, &self.region);
        self.error(call, kind, &words)
    }

    fn error(&self, call: CallInfo<'_>, kind: S3ErrorKind, words: &str) -> S3Error {
        match call.key {
            Some(key) => S3Error::new(call.operation, key, kind, words),
            None => S3Error::new(call.operation, Escaped(&self.bucket), kind, words),
        }
    }
}

#[async_trait]
impl ListObjects for AwsBucket {
    async fn list_page(&self, request: ListRequest) -> Result<ListPage, S3Error> {
        let call = CallInfo { operation: "ListObjectsV2", key: None };
        let (start_after, token) = match &request.from {
            PageCursor::Start => (None, None),
            PageCursor::After(key) => (Some(key.as_str().to_owned()), None),
            PageCursor::Token(token) => (None, Some(token.clone())),
        };
        let mend = MendListing::default();
        let sending = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .encoding_type(EncodingType::Url)
            .max_keys(i32::from(request.max_keys))
            .set_prefix((!request.prefix.is_empty()).then(|| request.prefix.clone()))
            .set_start_after(start_after)
            .set_continuation_token(token)
            .customize()
            .interceptor(mend.clone())
            .interceptor(WholeListing)
            .send();
        let answer = self.within(call, sending).await;
        let Mended { left_out, refused } = mend.into_findings();
        if let Some(refused) = refused {
            // It names the element, other than the parser.
            return Err(self.error(call, S3ErrorKind::Other, &format!("the listing cannot be used: {refused}")));
        }
        let page = list::page(&request, answer?).map_err(|fault| self.error(call, S3ErrorKind::Other, &fault.to_string()))?;
        Ok(ListPage { left_out, ..page })
    }
}

#[async_trait]
impl ReadObjects for AwsBucket {
    async fn head_bucket(&self) -> Result<(), S3Error> {
        let call = CallInfo { operation: "HeadBucket", key: None };
        self.within(call, self.client.head_bucket().bucket(&self.bucket).send()).await.map(drop)
    }

    async fn head_object(&self, key: &ObjectKey) -> Result<ObjectHead, S3Error> {
        let call = CallInfo { operation: "HeadObject", key: Some(key) };
        let sending = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(blank_key::accepted(key))
            .checksum_mode(ChecksumMode::Enabled)
            .customize()
            .mutate_request(blank_key::restored(key))
            .send();
        let output = self.within(call, sending).await?;
        let raw = RawHead::from(&output);
        match raw.credible_size() {
            Some(size) => Ok(raw.with_size(size)),
            None => self.head_by_get(key, &raw).await,
        }
    }

    async fn get_object(&self, request: GetRequest) -> Result<GetObject, S3Error> {
        let call = CallInfo { operation: "GetObject", key: Some(&request.key) };
        // `.checksum_mode(Enabled)` would make the SDK hash the body, too. The header alone only requests the checksums.
        let output = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(blank_key::accepted(&request.key))
            .set_if_match(request.if_match.as_ref().map(crate::record::ETag::quoted))
            .set_range(request.range.as_ref().map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1))))
            .customize()
            .mutate_request(blank_key::restored(&request.key))
            .mutate_request(|http| {
                http.headers_mut().insert("x-amz-checksum-mode", "ENABLED");
            })
            .send()
            .await
            .map_err(|error| self.failed(call, &error).with_expected(request.if_match.as_ref()))?;
        let raw = RawHead::from(&output);
        let head = if request.range.is_some() {
            raw.validated_of_part(output.content_range()).map_err(|words| self.error(call, S3ErrorKind::Other, words))?
        } else {
            self.head_of_whole(&request, &raw).await?
        };
        // Some servers ignore `If-Match`, so compare the ETags here.
        if let (Some(wanted), Some(found)) = (&request.if_match, &head.facts.etag)
            && wanted != found
        {
            let words = format!("requested ETag {wanted}, received {found}");
            return Err(self.error(call, S3ErrorKind::PreconditionFailed, &words));
        }
        Ok(GetObject { head, body: body_of(output, request.key) })
    }
}

impl AwsBucket {
    /// The head of a GET without a range. A chunked response states no length: then the size is the one that the caller knows for
    /// this ETag, or comes from another request.
    async fn head_of_whole(&self, request: &GetRequest, raw: &RawHead<'_>) -> Result<ObjectHead, S3Error> {
        if let Ok(head) = raw.validated() {
            return Ok(head);
        }
        let etag = raw.parsed_etag();
        if let Some(size) = request.size.filter(|_| etag.is_some() && etag == request.if_match) {
            return Ok(raw.with_size(size));
        }
        let found = self.head_by_get(&request.key, raw).await?;
        if found.facts.etag != etag {
            let call = CallInfo { operation: "GetObject", key: Some(&request.key) };
            return Err(self.error(call, S3ErrorKind::PreconditionFailed, "the object was replaced between two requests"));
        }
        Ok(raw.with_size(found.facts.size))
    }
}

/// The body, in chunks as received.
fn body_of(output: GetObjectOutput, key: ObjectKey) -> S3ByteStream {
    let mut open = Some(output.body);
    stream::poll_fn(move |context| {
        let Some(body) = open.as_mut() else { return Poll::Ready(None) };
        let Some(item) = std::task::ready!(Pin::new(body).poll_next(context)) else {
            open = None;
            return Poll::Ready(None);
        };
        Poll::Ready(Some(item.map_err(|error| {
            open = None;
            let (kind, words) = transport::broken_body(&error).classify("GetObject", "");
            S3Error::new("GetObject", &key, kind, &words)
        })))
    })
    .boxed()
}
