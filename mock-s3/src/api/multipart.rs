//! Multipart uploads: the parts become an object when the upload is completed.

use super::conditions::ReadCondition;
use super::write::{attributes, content_headers, copied, receive};
use super::{Answer, refuse};
use crate::checksum::{Checksum, ChecksumAlgorithm, Claims, Digests, composite};
use crate::content::Content;
use crate::mock::Shared;
use crate::object::{StoredObject, hex};
use crate::store::{Part, Upload, WriteCondition};
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart,
    CopyPartResult, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag, ListPartsInput, ListPartsOutput, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Smallest size of every part but the last.
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

/// Most parts in a page.
const MAX_PARTS: i32 = 1000;

static NEXT_UPLOAD: AtomicU64 = AtomicU64::new(1);

pub(super) fn create(shared: &Shared, request: S3Request<CreateMultipartUploadInput>) -> Answer<CreateMultipartUploadOutput> {
    let S3Request { input, headers, .. } = request;
    refuse(input.sse_customer_key.is_some(), "SSE-C")?;
    let id = format!("upload-{:06}", NEXT_UPLOAD.fetch_add(1, Ordering::Relaxed));
    let mut attributes = attributes(input.content_type, input.metadata, input.storage_class);
    attributes.headers = content_headers(&headers);
    let upload = Upload { key: input.key.clone(), attributes, parts: BTreeMap::new(), initiated: Timestamp::now() };
    shared.store.write_bucket(&input.bucket, |bucket| {
        bucket.uploads.insert(id.clone(), upload);
        Ok(())
    })?;
    let output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        ..CreateMultipartUploadOutput::default()
    };
    Ok(S3Response::new(output))
}

pub(super) async fn upload_part(shared: &Shared, mut request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
    let input = &mut request.input;
    check_number(input.part_number)?;
    shared.store.write_bucket(&input.bucket, |bucket| bucket.upload(&input.upload_id, &input.key).map(|_| ()))?;
    let claims = Claims::new(&request.headers, request.trailing_headers.take());
    let (body, digests) = receive(shared, input.body.take(), &claims).await?;
    let etag = hex(&digests.md5);
    let output = UploadPartOutput { e_tag: Some(ETag::Strong(etag.clone())), ..UploadPartOutput::default() };
    shared.store.write_bucket(&input.bucket, |bucket| {
        bucket.upload(&input.upload_id, &input.key)?.parts.insert(input.part_number, Part { body, digests, etag });
        Ok(())
    })?;
    Ok(S3Response::new(output))
}

fn check_number(number: i32) -> S3Result<()> {
    if (1..=10_000).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"))
}

pub(super) fn copy_part(shared: &Shared, input: &UploadPartCopyInput) -> Answer<UploadPartCopyOutput> {
    check_number(input.part_number)?;
    let condition = ReadCondition {
        matches: input.copy_source_if_match.as_ref(),
        unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
        none_matches: input.copy_source_if_none_match.as_ref(),
        modified_since: input.copy_source_if_modified_since.as_ref(),
    };
    let (_, source) = copied(shared, &input.copy_source, &condition)?;
    let size = source.content.size();
    let range = input.copy_source_range.as_ref().map_or(Some(0..size), |range| byte_range(range));
    let range = range.filter(|range| range.end <= size).ok_or_else(|| s3_error!(InvalidRange, "The range is not within the source"))?;
    let mut body = BytesMut::new();
    source.content.chunks(range).for_each(|chunk| body.extend_from_slice(&chunk));
    let body = body.freeze();
    let digests = Digests::of(std::iter::once(body.clone()), shared.options.checksum);
    let etag = hex(&digests.md5);
    let result = CopyPartResult { e_tag: Some(ETag::Strong(etag.clone())), ..CopyPartResult::default() };
    shared.store.write_bucket(&input.bucket, |bucket| {
        bucket.upload(&input.upload_id, &input.key)?.parts.insert(input.part_number, Part { body, digests, etag });
        Ok(())
    })?;
    Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() }))
}

/// `bytes=first-last`
fn byte_range(range: &str) -> Option<Range<u64>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let range = first.parse().ok()?..last.parse::<u64>().ok()? + 1;
    (!range.is_empty()).then_some(range)
}

pub(super) fn list_parts(shared: &Shared, input: ListPartsInput) -> Answer<ListPartsOutput> {
    let after = input.part_number_marker.unwrap_or_default().max(0);
    let limit = usize::try_from(input.max_parts.unwrap_or(MAX_PARTS).min(MAX_PARTS)).unwrap_or_default();
    let part = |(number, part): (&i32, &Part)| s3s::dto::Part {
        part_number: Some(*number),
        size: i64::try_from(part.body.len()).ok(),
        e_tag: Some(ETag::Strong(part.etag.clone())),
        ..s3s::dto::Part::default()
    };
    let (parts, more) = shared.store.write_bucket(&input.bucket, |bucket| {
        let mut following = bucket.upload(&input.upload_id, &input.key)?.parts.range(after + 1..);
        Ok((following.by_ref().take(limit).map(part).collect::<Vec<_>>(), following.next().is_some()))
    })?;
    let next = parts.last().and_then(|last| last.part_number).filter(|_| more);
    let output = ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(more),
        next_part_number_marker: next,
        parts: Some(parts),
        ..ListPartsOutput::default()
    };
    Ok(S3Response::new(output))
}

pub(super) fn complete(shared: &Shared, input: CompleteMultipartUploadInput) -> Answer<CompleteMultipartUploadOutput> {
    let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    let (parts, attributes) = shared.store.write_bucket(&input.bucket, |bucket| {
        let upload = bucket.upload(&input.upload_id, &input.key)?;
        Ok((select(&upload.parts, &named)?, upload.attributes.clone()))
    })?;
    let body = joined(&parts);
    let checksum = shared.options.checksum.map(|algorithm| checksum(algorithm, &parts, &body));
    let object = StoredObject::new(Content::Held(body), attributes, etag(&parts), checksum);
    let checksum = object.checksum.as_ref().map(Checksum::to_dto).unwrap_or_default();
    let e_tag = Some(super::etag(&object));
    let condition = WriteCondition { if_match: input.if_match, if_none_match: input.if_none_match };
    shared.store.write_bucket(&input.bucket, |bucket| {
        bucket.insert(&input.key, object, &condition)?;
        bucket.uploads.remove(&input.upload_id);
        Ok(())
    })?;
    Ok(S3Response::new(CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag,
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        checksum_type: checksum.checksum_type,
        ..CompleteMultipartUploadOutput::default()
    }))
}

/// The parts that the client names, in ascending order, each as it was uploaded.
fn select(uploaded: &BTreeMap<i32, Part>, named: &[CompletedPart]) -> S3Result<Vec<Part>> {
    if named.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    if !named.is_sorted_by(|a, b| a.part_number < b.part_number) {
        return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
    }
    let find = |named: &CompletedPart| {
        let part = named.part_number.and_then(|number| uploaded.get(&number));
        part.filter(|part| named.e_tag.as_ref().is_some_and(|etag| etag.value() == part.etag)).cloned()
    };
    let parts: Option<Vec<Part>> = named.iter().map(find).collect();
    let parts = parts.ok_or_else(|| s3_error!(InvalidPart, "One or more of the specified parts could not be found."))?;
    let all_but_last = &parts[..parts.len() - 1];
    if all_but_last.iter().any(|part| part.body.len() < MIN_PART_BYTES) {
        return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
    }
    Ok(parts)
}

fn joined(parts: &[Part]) -> Bytes {
    let mut body = BytesMut::with_capacity(parts.iter().map(|part| part.body.len()).sum());
    for part in parts {
        body.extend_from_slice(&part.body);
    }
    body.freeze()
}

/// The MD5 of the parts' MD5s, and their number.
fn etag(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part.digests.md5);
    }
    format!("{}-{}", hex(&md5.finalize()), parts.len())
}

fn checksum(algorithm: ChecksumAlgorithm, parts: &[Part], body: &Bytes) -> Checksum {
    if algorithm == ChecksumAlgorithm::Crc64Nvme {
        let digests = Digests::of(std::iter::once(body), Some(algorithm));
        return digests.checksum(algorithm).expect("invariant: it was requested");
    }
    let sums: Vec<&[u8]> = parts.iter().filter_map(|part| part.digests.sum(algorithm)).collect();
    composite(algorithm, sums.into_iter())
}

pub(super) fn abort(shared: &Shared, input: &AbortMultipartUploadInput) -> Answer<AbortMultipartUploadOutput> {
    shared.store.write_bucket(&input.bucket, |bucket| {
        bucket.upload(&input.upload_id, &input.key)?;
        bucket.uploads.remove(&input.upload_id);
        Ok(())
    })?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}
