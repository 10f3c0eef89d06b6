//! `PutObject`, `CopyObject` and the deletes.

use super::conditions::ReadCondition;
use super::{Answer, etag, invalid_state, refuse, timestamp};
use crate::checksum::{Claims, Digester, Digests};
use crate::content::Content;
use crate::mock::Shared;
use crate::object::{Attributes, ContentHeaders, NewObject, StoredObject, hex};
use crate::store::{WriteCondition, holds, no_such_bucket, precondition_failed};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use hyper::HeaderMap;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
    DeleteObjectsOutput, DeletedObject, ETagCondition, Metadata, MetadataDirective, PutObjectInput, PutObjectOutput, StorageClass,
    StreamingBlob,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;

pub(super) async fn put(shared: &Shared, mut request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
    let input = &mut request.input;
    refuse(input.sse_customer_key.is_some(), "SSE-C")?;
    refuse(input.write_offset_bytes.is_some(), "appending")?;
    shared.store.read_bucket(&input.bucket, |_| Ok(()))?;
    let claims = Claims::new(&request.headers, request.trailing_headers.take());
    let (body, digests) = receive(shared, input.body.take(), &claims).await?;
    let mut attributes = attributes(input.content_type.take(), input.metadata.take(), input.storage_class.take());
    attributes.headers = content_headers(&request.headers);
    let checksum = shared.options.checksum.and_then(|algorithm| digests.checksum(algorithm));
    let object = StoredObject::new(Content::Held(body), attributes, hex(&digests.md5), checksum);
    let output = PutObjectOutput { e_tag: Some(etag(&object)), ..PutObjectOutput::default() };
    let headers = checksum_headers(&object);
    let condition = WriteCondition { if_match: input.if_match.take(), if_none_match: input.if_none_match.take() };
    shared.store.write_bucket(&input.bucket, |bucket| bucket.insert(&input.key, object, &condition))?;
    Ok(S3Response::with_headers(output, headers))
}

pub(super) fn attributes(content_type: Option<String>, metadata: Option<Metadata>, storage_class: Option<StorageClass>) -> Attributes {
    let mut attributes = Attributes { content_type, ..Attributes::default() };
    attributes.metadata = metadata.unwrap_or_default().into_iter().collect();
    if let Some(storage_class) = storage_class {
        attributes.storage_class = storage_class.as_str().into();
    }
    attributes
}

/// The headers that describe the content.
pub(super) fn content_headers(headers: &HeaderMap) -> ContentHeaders {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    ContentHeaders {
        encoding: value("content-encoding"),
        language: value("content-language"),
        disposition: value("content-disposition"),
        cache_control: value("cache-control"),
    }
}

/// A whole body, hashed while it is received and checked against its client's checksums.
pub(super) async fn receive(shared: &Shared, body: Option<StreamingBlob>, claims: &Claims<'_>) -> S3Result<(Bytes, Digests)> {
    let mut digester = Digester::new(shared.options.checksum.into_iter().chain(claims.algorithms()));
    let mut bytes = BytesMut::new();
    if let Some(mut body) = body {
        while let Some(chunk) = body.try_next().await.map_err(|error| s3_error!(IncompleteBody, "the body ended early: {}", error))? {
            digester.update(&chunk);
            bytes.extend_from_slice(&chunk);
        }
    }
    let digests = digester.finish();
    claims.check(&digests)?;
    Ok((bytes.freeze(), digests))
}

fn checksum_headers(object: &StoredObject) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(checksum) = &object.checksum {
        checksum.write_headers(&mut headers);
    }
    headers
}

pub(super) fn copy(shared: &Shared, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
    let S3Request { input, headers, .. } = request;
    let condition = ReadCondition {
        matches: input.copy_source_if_match.as_ref(),
        unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
        none_matches: input.copy_source_if_none_match.as_ref(),
        modified_since: input.copy_source_if_modified_since.as_ref(),
    };
    let (named, source) = copied(shared, &input.copy_source, &condition)?;
    let replaces = input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    if !replaces && input.storage_class.is_none() && *input.bucket == *named.0 && *input.key == *named.1 {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing it."
        ));
    }
    let mut new = source.attributes();
    if replaces {
        new = attributes(input.content_type, input.metadata, None);
        new.headers = content_headers(&headers);
    }
    new.storage_class = input.storage_class.map_or_else(|| StorageClass::STANDARD.to_owned(), |class| class.as_str().to_owned());
    // The copy always has one part: its ETag and checksum are recomputed.
    let object = StoredObject::hashed(NewObject { content: source.content.clone(), attributes: new, etag: None }, shared.options.checksum);
    let result = copy_result(&object);
    shared.store.write_bucket(&input.bucket, |bucket| bucket.insert(&input.key, object, &target_condition(&headers)))?;
    Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() }))
}

/// The readable object that a copy names, with its bucket and key.
pub(super) fn copied<'a>(
    shared: &Shared,
    source: &'a CopySource,
    condition: &ReadCondition<'_>,
) -> S3Result<((&'a str, &'a str), Arc<StoredObject>)> {
    let CopySource::Bucket { bucket, key, version_id: None } = source else {
        return Err(s3_error!(NotImplemented, "only a key in a bucket can be copied"));
    };
    let object = shared.store.object(bucket, key)?;
    // A copy has no 304: every failed condition is a 412.
    condition.check(&object).map_err(|_| precondition_failed())?;
    if object.is_readable() { Ok(((bucket, key), object)) } else { Err(invalid_state()) }
}

/// The condition of a copy on its target, which `s3s` does not read.
fn target_condition(headers: &HeaderMap) -> WriteCondition {
    let value = |name: &str| headers.get(name).and_then(|value| ETagCondition::parse_http_header(value.as_bytes()).ok());
    WriteCondition { if_match: value("if-match"), if_none_match: value("if-none-match") }
}

fn copy_result(object: &StoredObject) -> CopyObjectResult {
    let checksum = object.checksum.as_ref().map(crate::checksum::Checksum::to_dto).unwrap_or_default();
    CopyObjectResult {
        e_tag: Some(etag(object)),
        last_modified: Some(timestamp(object.last_modified)),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        checksum_type: checksum.checksum_type,
    }
}

pub(super) fn delete(shared: &Shared, input: &DeleteObjectInput) -> Answer<DeleteObjectOutput> {
    refuse(input.version_id.is_some(), "versionId")?;
    refuse(input.if_match_size.is_some() || input.if_match_last_modified_time.is_some(), "a condition on size or time")?;
    shared.store.write_bucket(&input.bucket, |bucket| {
        if let (Some(condition), Some(object)) = (&input.if_match, bucket.objects.get(&input.key))
            && !holds(condition, object)
        {
            return Err(precondition_failed());
        }
        bucket.objects.remove(&input.key);
        Ok(())
    })?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}

/// Deleting a missing object succeeds, as in S3.
pub(super) fn delete_many(shared: &Shared, input: DeleteObjectsInput) -> Answer<DeleteObjectsOutput> {
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > 1000 {
        return Err(s3_error!(MalformedXML, "The XML you provided was not well-formed or did not validate against our published schema"));
    }
    refuse(objects.iter().any(|object| object.version_id.is_some() || object.e_tag.is_some()), "a version or a condition per key")?;
    shared.store.write(|buckets| {
        let bucket = buckets.get_mut(&input.bucket).ok_or_else(no_such_bucket)?;
        for object in &objects {
            bucket.objects.remove(&object.key);
        }
        let deleted = |object: s3s::dto::ObjectIdentifier| DeletedObject { key: Some(object.key), ..DeletedObject::default() };
        let deleted = (!input.delete.quiet.unwrap_or(false)).then(|| objects.into_iter().map(deleted).collect());
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..DeleteObjectsOutput::default() }))
    })
}
