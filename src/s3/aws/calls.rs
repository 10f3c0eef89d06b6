//! The calls that read: one attempt each.

use super::head::RawHead;
use super::mend::{MendListing, Mended};
use super::whole::WholeListing;
use super::{AwsBucket, CallInfo, blank_key, body_of, list, transport};
use crate::record::{ETag, ObjectKey, PageCursor};
use crate::s3::{GetObject, GetRequest, ListPage, ListRequest, ObjectHead, S3Error, S3ErrorKind};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{ChecksumMode, EncodingType};
use futures::{StreamExt as _, stream};
use std::collections::BTreeMap;
use std::error::Error;

/// Concurrent lookups of sizes that a page does not state.
const LOOKUPS_AT_A_TIME: usize = 16;

/// How many elements of a listing were left out, by name.
type LeftOut = BTreeMap<&'static str, u64>;

impl AwsBucket {
    pub(super) async fn list_once(&self, request: &ListRequest) -> Result<ListPage, S3Error> {
        let (output, left_out) = self.list_output(request).await?;
        self.validated_page(request, output, left_out).await
    }

    /// The response with a page, and what was left out of it.
    pub(super) async fn list_output(&self, request: &ListRequest) -> Result<(ListObjectsV2Output, LeftOut), S3Error> {
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
        Ok((answer?, left_out))
    }

    /// The page of a response. Sizes that it does not state are looked up.
    pub(super) async fn validated_page(
        &self,
        request: &ListRequest,
        output: ListObjectsV2Output,
        left_out: LeftOut,
    ) -> Result<ListPage, S3Error> {
        let call = CallInfo { operation: "ListObjectsV2", key: None };
        let page = list::page(request, output).map_err(|fault| self.error(call, S3ErrorKind::Other, &fault.to_string()))?;
        let (mut page, without_size) = page;
        let keys = without_size.iter().map(|position| page.objects[*position].0.clone()).collect::<Vec<_>>();
        let heads = stream::iter(keys).map(|key| async move { self.head_object_once(&key).await }).buffered(LOOKUPS_AT_A_TIME);
        let heads = heads.collect::<Vec<_>>().await;
        // From the end, so that a removed object moves no position that is still to come.
        for (position, head) in without_size.into_iter().zip(heads).rev() {
            match head {
                Ok(head) => page.objects[position].1 = head.facts,
                // Deleted since it was listed. If its key may be another one, the page is not understood well enough to say so.
                Err(error) if error.kind == S3ErrorKind::NoSuchKey && page.written.is_none() => drop(page.objects.remove(position)),
                Err(error) => return Err(error),
            }
        }
        Ok(ListPage { left_out, ..page })
    }

    pub(super) async fn head_bucket_once(&self) -> Result<(), S3Error> {
        let call = CallInfo { operation: "HeadBucket", key: None };
        Box::pin(self.within_head(call, self.client.head_bucket().bucket(&self.bucket).send())).await.map(drop)
    }

    pub(super) async fn head_object_once(&self, key: &ObjectKey) -> Result<ObjectHead, S3Error> {
        let output = self.head_output(key).await?;
        let raw = RawHead::from(&output);
        match raw.credible_size() {
            Some(size) => Ok(raw.with_size(size)),
            None => self.head_by_get(key, &raw).await,
        }
    }

    /// The response to a HEAD.
    pub(super) async fn head_output(&self, key: &ObjectKey) -> Result<HeadObjectOutput, S3Error> {
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
        self.within_head(call, sending).await
    }

    pub(super) async fn get_once(&self, request: &GetRequest) -> Result<GetObject, S3Error> {
        let call = CallInfo { operation: "GetObject", key: Some(&request.key) };
        let output = self.get_output(request).await?;
        let raw = RawHead::from(&output);
        let head = if request.range.is_some() {
            raw.validated_of_part(output.content_range()).map_err(|words| self.error(call, S3ErrorKind::Other, words))?
        } else {
            self.head_of_whole(request, &raw).await?
        };
        // Some servers ignore `If-Match`, so compare the ETags here.
        if let (Some(wanted), Some(found)) = (&request.if_match, &head.facts.etag)
            && wanted != found
        {
            let words = format!("requested ETag {wanted}, received {found}");
            return Err(self.error(call, S3ErrorKind::PreconditionFailed, &words));
        }
        Ok(GetObject { head, body: body_of(output, request.key.clone()) })
    }

    /// The response to a GET.
    pub(super) async fn get_output(&self, request: &GetRequest) -> Result<GetObjectOutput, S3Error> {
        let call = CallInfo { operation: "GetObject", key: Some(&request.key) };
        // `.checksum_mode(Enabled)` would make the SDK hash the body, too. The header alone only requests the checksums.
        self.client
            .get_object()
            .bucket(&self.bucket)
            .key(blank_key::accepted(&request.key))
            .set_if_match(request.if_match.as_ref().map(ETag::quoted))
            .set_range(request.range.as_ref().map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1))))
            .customize()
            .mutate_request(blank_key::restored(&request.key))
            .mutate_request(|http| {
                http.headers_mut().insert("x-amz-checksum-mode", "ENABLED");
            })
            .send()
            .await
            .map_err(|error| self.failed(call, &error).with_expected(request.if_match.as_ref()))
    }

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

    /// Awaits a HEAD, for at most `call_timeout`. A listing is asked for a reason that the response cannot have.
    async fn within_head<T, E>(
        &self,
        call: CallInfo<'_>,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, S3Error>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let mut lacks_its_reason = false;
        let answer = async { answer.await.inspect_err(|error| lacks_its_reason = transport::lacks_its_reason(error)) };
        match self.within(call, answer).await {
            Err(error) if lacks_its_reason => Err(Box::pin(self.with_reason(call, error)).await),
            ended => ended,
        }
    }

    /// The error of a HEAD, as a listing explains it: the only reason that concerns both are the credentials.
    async fn with_reason(&self, call: CallInfo<'_>, error: S3Error) -> S3Error {
        let prefix = call.key.map(|key| key.as_str().to_owned()).unwrap_or_default();
        let listing = self.list_once(&ListRequest { prefix, from: PageCursor::Start, max_keys: 1 }).await;
        match listing {
            Err(reason) if reason.kind == S3ErrorKind::BadCredentials => {
                self.error(call, reason.kind, &format!("{}; a listing says why: {}", error.message, reason.message))
            }
            _ => error,
        }
    }
}
