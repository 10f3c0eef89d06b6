//! `GetObject` and `HeadObject`.

use super::conditions::ReadCondition;
use super::{Answer, etag, invalid_state, length, refuse, timestamp};
use crate::mock::Shared;
use crate::object::StoredObject;
use hyper::HeaderMap;
use s3s::S3Response;
use s3s::dto::{ChecksumMode, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Metadata, StorageClass, StreamingBlob};

pub(super) fn get(shared: &Shared, input: &GetObjectInput) -> Answer<GetObjectOutput> {
    refuse(input.part_number.is_some(), "partNumber")?;
    refuse(input.version_id.is_some(), "versionId")?;
    refuse(input.sse_customer_key.is_some(), "SSE-C")?;
    let object = shared.store.object(&input.bucket, &input.key)?;
    let condition = ReadCondition {
        matches: input.if_match.as_ref(),
        unmodified_since: input.if_unmodified_since.as_ref(),
        none_matches: input.if_none_match.as_ref(),
        modified_since: input.if_modified_since.as_ref(),
    };
    condition.check(&object)?;
    if !object.is_readable() {
        return Err(invalid_state());
    }

    let size = object.content.size();
    let part = input.range.as_ref().map(|range| range.check(size)).transpose()?;
    let range = part.clone().unwrap_or(0..size);
    let output = GetObjectOutput {
        content_length: Some(length(range.end - range.start)),
        content_range: part.as_ref().map(|part| format!("bytes {}-{}/{size}", part.start, part.end - 1)),
        body: Some(StreamingBlob::new(object.content.chunks(range))),
        accept_ranges: Some("bytes".into()),
        content_type: Some(object.content_type.clone()),
        content_encoding: object.headers.encoding.clone(),
        content_language: object.headers.language.clone(),
        content_disposition: object.headers.disposition.clone(),
        cache_control: object.headers.cache_control.clone(),
        e_tag: Some(etag(&object)),
        last_modified: Some(timestamp(object.last_modified)),
        metadata: metadata(&object),
        storage_class: storage_class(&object),
        restore: object.restore.map(crate::Restore::header),
        ..GetObjectOutput::default()
    };
    // The checksum covers the whole object: S3 sends none with a range of it.
    let mode = input.checksum_mode.as_ref().filter(|_| part.is_none());
    Ok(S3Response::with_headers(output, checksum_headers(mode, &object)))
}

pub(super) fn head(shared: &Shared, input: &HeadObjectInput) -> Answer<HeadObjectOutput> {
    refuse(input.part_number.is_some(), "partNumber")?;
    refuse(input.version_id.is_some(), "versionId")?;
    refuse(input.sse_customer_key.is_some(), "SSE-C")?;
    refuse(input.range.is_some(), "the range of a HEAD")?;
    let object = shared.store.object(&input.bucket, &input.key)?;
    let condition = ReadCondition {
        matches: input.if_match.as_ref(),
        unmodified_since: input.if_unmodified_since.as_ref(),
        none_matches: input.if_none_match.as_ref(),
        modified_since: input.if_modified_since.as_ref(),
    };
    condition.check(&object)?;
    let output = HeadObjectOutput {
        content_length: Some(length(object.content.size())),
        accept_ranges: Some("bytes".into()),
        content_type: Some(object.content_type.clone()),
        content_encoding: object.headers.encoding.clone(),
        content_language: object.headers.language.clone(),
        content_disposition: object.headers.disposition.clone(),
        cache_control: object.headers.cache_control.clone(),
        e_tag: Some(etag(&object)),
        last_modified: Some(timestamp(object.last_modified)),
        metadata: metadata(&object),
        storage_class: storage_class(&object),
        restore: object.restore.map(crate::Restore::header),
        ..HeadObjectOutput::default()
    };
    Ok(S3Response::with_headers(output, checksum_headers(input.checksum_mode.as_ref(), &object)))
}

fn metadata(object: &StoredObject) -> Option<Metadata> {
    (!object.metadata.is_empty()).then(|| object.metadata.clone().into_iter().collect())
}

/// S3 does not name the standard class in headers.
fn storage_class(object: &StoredObject) -> Option<StorageClass> {
    (object.storage_class != StorageClass::STANDARD).then(|| StorageClass::from(object.storage_class.clone()))
}

fn checksum_headers(mode: Option<&ChecksumMode>, object: &StoredObject) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let (Some(ChecksumMode::ENABLED), Some(checksum)) = (mode.map(ChecksumMode::as_str), &object.checksum) {
        checksum.write_headers(&mut headers);
    }
    headers
}
