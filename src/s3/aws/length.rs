//! The size of an object whose HEAD or GET states no credible length.

use super::head::RawHead;
use super::{AwsBucket, CallInfo, blank_key, body_of};
use crate::record::{Hasher, ObjectKey};
use crate::s3::{GetRequest, ObjectHead, S3Error, S3ErrorKind};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use futures::StreamExt as _;

/// The status of a GET whose range begins after the object's end. With the range of the first byte, the object is empty.
const RANGE_NOT_SATISFIABLE: u16 = 416;

impl AwsBucket {
    /// The head of an object from a GET of its first byte, whose Content-Range states the size of the whole object. `head` is the
    /// response without a size.
    ///
    /// If the server ignores the range, its Content-Length is the size. Without one, the body is counted, and its checksum must
    /// match.
    pub(super) async fn head_by_get(&self, key: &ObjectKey, head: &RawHead<'_>) -> Result<ObjectHead, S3Error> {
        let call = CallInfo { operation: "GetObject", key: Some(key) };
        let failed = |words: &str| self.error(call, S3ErrorKind::Other, words);
        let Some(output) = self.first_byte(call, key).await? else { return Ok(head.with_size(0)) };
        let raw = RawHead::from(&output);
        let found = if output.content_range().is_some_and(|range| range.ends_with("/*")) {
            // The server does not know the whole length either.
            let output = self.get_output(&GetRequest { key: key.clone(), if_match: None, size: None, range: None }).await?;
            let unsized_head = RawHead::from(&output).with_size(0);
            self.with_counted_body(key, unsized_head, output).await?
        } else if output.content_range().is_some() {
            raw.validated_of_part(output.content_range()).map_err(failed)?
        } else if let Some(size) = raw.credible_size().filter(|size| *size > 1) {
            raw.with_size(size)
        } else {
            // A length of one byte may be the size of the object or of the range.
            let unsized_head = raw.with_size(0);
            self.with_counted_body(key, unsized_head, output).await?
        };
        // A response with a range has no checksum of the whole object.
        let checksum = head.with_size(found.facts.size).checksum.filter(|_| head.parsed_etag() == found.facts.etag);
        Ok(ObjectHead { checksum: found.checksum.clone().or(checksum), ..found })
    }

    /// A GET of the first byte; `None` = the object is empty.
    async fn first_byte(&self, call: CallInfo<'_>, key: &ObjectKey) -> Result<Option<GetObjectOutput>, S3Error> {
        let request = self.client.get_object().bucket(&self.bucket).key(blank_key::accepted(key)).range("bytes=0-0");
        let sending = request.customize().mutate_request(blank_key::restored(key)).send();
        let answer = async {
            match sending.await {
                Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == RANGE_NOT_SATISFIABLE) => Ok(None),
                answer => answer.map(Some),
            }
        };
        self.within(call, answer).await
    }

    /// Counts the body. Its checksum must match: otherwise a truncated body would pass as the object.
    async fn with_counted_body(&self, key: &ObjectKey, mut head: ObjectHead, output: GetObjectOutput) -> Result<ObjectHead, S3Error> {
        let failed = |kind, words: &str| self.error(CallInfo { operation: "GetObject", key: Some(key) }, kind, words);
        let Some(expected) = head.checksum.clone() else {
            let words = "no response states the object's length, and no checksum vouches for its body";
            return Err(failed(S3ErrorKind::Other, words));
        };
        let mut hasher = Hasher::new(expected.algorithm);
        let mut body = body_of(output, key.clone());
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            hasher.update(&chunk);
            head.facts.size += chunk.len() as u64;
        }
        let computed = hasher.finish();
        if computed != expected {
            let words = format!("the body's checksum is {computed}, its headers announced {expected}");
            return Err(failed(S3ErrorKind::ChecksumMismatch, &words));
        }
        Ok(head)
    }
}
