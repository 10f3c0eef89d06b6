//! What every implementation of a bucket that can be written must do.

use super::s3::{Seeds, key, kind, over_http, seeds};
use super::uploads::{self, part};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use mock_s3::{MockS3, Options};
use s3_sync::endpoint::{ByteStream, ContentFault, EffectCertainty, EndpointError, EndpointId};
use s3_sync::record::{Checksum, ChecksumAlgorithm, ETag};
use s3_sync::s3::{
    CompleteRequest, CopiedMetadata, CopyRequest, CopySource, CreateUploadRequest, DeleteRequest, GetRequest, ListUploadsRequest,
    MemoryBucket, ObjectMetadata, PutRequest, ReadBucket, S3Error, S3ErrorKind, SentBody, StoredPart, WriteBucket, WriteCondition,
};

/// A bucket that can be read and written.
pub(crate) trait Bucket: ReadBucket + WriteBucket {}
impl<T: ReadBucket + WriteBucket> Bucket for T {}

/// What a server lacks.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Lacks {
    /// It does not compare the checksum of a request.
    pub(crate) checksum: bool,
    /// Its list of parts cannot be read.
    pub(crate) part_list: bool,
    /// It fails at calls for uploads that ended.
    pub(crate) ended_uploads: bool,
    /// It ignores the condition of a copy on its source.
    pub(crate) copy_source_condition: bool,
    /// It ignores the condition of a copy on its target.
    pub(crate) copy_target_condition: bool,
}

pub(super) fn put(raw: &str, body: impl Into<Bytes>) -> PutRequest {
    PutRequest {
        key: key(raw),
        body: SentBody::Bytes(body.into()),
        metadata: ObjectMetadata::default(),
        storage_class: None,
        condition: None,
        checksum: None,
    }
}

pub(super) fn copy(bucket: &str, from: &str, to: &str) -> CopyRequest {
    CopyRequest {
        source: CopySource { bucket: bucket.to_owned(), key: key(from), if_match: None },
        key: key(to),
        metadata: CopiedMetadata::OfSource,
        storage_class: None,
        condition: None,
    }
}

/// A stream in pieces, and the error that ends it.
pub(super) fn streamed(text: &'static str, failure: Option<EndpointError>) -> ByteStream {
    let chunks = text.as_bytes().chunks(4).map(|chunk| Ok(Bytes::from_static(chunk)));
    stream::iter(chunks.chain(failure.map(Err)).collect::<Vec<_>>()).boxed()
}

pub(super) fn failure_of_the_source() -> EndpointError {
    EndpointError::of_content(&EndpointId::new("s3:source"), &key("k"), ContentFault::Corrupt, "its bytes are wrong")
}

pub(crate) async fn content(bucket: &impl ReadBucket, raw: &str) -> Result<Bytes, S3Error> {
    let got = bucket.get_object(GetRequest { key: key(raw), if_match: None, size: None, range: None }).await?;
    Ok(got.body.try_collect::<Vec<_>>().await?.concat().into())
}

pub(super) async fn etag(bucket: &impl ReadBucket, raw: &str) -> ETag {
    bucket.head_object(&key(raw)).await.expect("a head").facts.etag.expect("an ETag")
}

pub(super) fn all_metadata() -> ObjectMetadata {
    ObjectMetadata {
        content_type: Some("text/plain".to_owned()),
        content_encoding: Some("gzip".to_owned()),
        content_language: Some("de".to_owned()),
        content_disposition: Some("attachment; filename=\"a.txt\"".to_owned()),
        cache_control: Some("max-age=60".to_owned()),
        user: [("plain".to_owned(), "a b".to_owned()), ("author".to_owned(), "Jörg".to_owned())].into(),
    }
}

/// A value that is not ASCII comes back as it is, or encoded.
pub(super) fn assert_same(found: &ObjectMetadata, sent: &ObjectMetadata, what: &str) {
    let mut found = found.clone();
    if let Some(author) = found.user.get_mut("author").filter(|author| *author == "=?UTF-8?B?SsO2cmc=?=") {
        "Jörg".clone_into(author);
    }
    assert_eq!(&found, sent, "{what}");
}

async fn metadata_travel_with_the_content(bucket: &impl Bucket, name: &str) {
    let body = SentBody::Stream { body: streamed("the content", None), length: 11 };
    let checksum = Some(Checksum::of(ChecksumAlgorithm::Md5, b"the content"));
    let request = PutRequest { body, metadata: all_metadata(), storage_class: Some("STANDARD_IA".to_owned()), checksum, ..put("m/a", "") };
    let written = bucket.put_object(request).await.expect("stored");
    let head = bucket.head_object(&key("m/a")).await.expect("a head");
    assert_same(&head.metadata, &all_metadata(), "put");
    assert_eq!((head.facts.size, &head.facts.etag), (11, &written.etag));
    assert_eq!(head.facts.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(content(bucket, "m/a").await.expect("an object"), "the content");

    let replaced = ObjectMetadata { user: [("new".to_owned(), "1".to_owned())].into(), ..ObjectMetadata::of_type("text/x") };
    for (to, metadata, expected) in [
        ("m/same", CopiedMetadata::OfSource, all_metadata()),
        ("m/other", CopiedMetadata::Replaced(replaced.clone()), replaced.clone()),
        // Some stores keep the content and replace only the metadata if source and target are one.
        ("m/a", CopiedMetadata::Replaced(replaced.clone()), replaced),
    ] {
        let written = bucket.copy_object(CopyRequest { metadata, ..copy(name, "m/a", to) }).await.expect("copied");
        let head = bucket.head_object(&key(to)).await.expect("a head");
        assert_same(&head.metadata, &expected, to);
        assert_eq!(head.facts.etag, written.etag, "{to}");
        assert_eq!(content(bucket, to).await.expect("an object"), "the content", "{to}");
    }
}

async fn a_condition_keeps_an_object_from_being_overwritten(bucket: &impl Bucket) {
    let with = |body: &str, condition| PutRequest { condition: Some(condition), ..put("c/a", body.to_owned()) };
    let refused = |outcome: Result<_, S3Error>, kinds: &[S3ErrorKind]| {
        let error = outcome.map(|_: s3_sync::s3::Written| ()).expect_err("the condition does not hold");
        assert!(kinds.contains(&error.kind) && error.effect == EffectCertainty::None, "{error:?}");
    };
    let wrong = || WriteCondition::IfMatch(ETag::parse("00000000000000000000000000000000").expect("a tag"));
    refused(bucket.put_object(with("0", wrong())).await, &[S3ErrorKind::NoSuchKey, S3ErrorKind::ConditionFailed]);
    bucket.put_object(with("1", WriteCondition::IfAbsent)).await.expect("there was no object");
    refused(bucket.put_object(with("2", WriteCondition::IfAbsent)).await, &[S3ErrorKind::ConditionFailed]);
    refused(bucket.put_object(with("3", wrong())).await, &[S3ErrorKind::ConditionFailed]);
    assert_eq!(content(bucket, "c/a").await.expect("an object"), "1");
    let first = etag(bucket, "c/a").await;
    let written = bucket.put_object(with("4", WriteCondition::IfMatch(first))).await.expect("it is the object");
    assert_eq!(written.etag, Some(etag(bucket, "c/a").await));
    assert_eq!(content(bucket, "c/a").await.expect("an object"), "4");
}

async fn a_copy_has_conditions_on_its_source_and_on_its_target(bucket: &impl Bucket, name: &str, lacks: Lacks) {
    bucket.put_object(put("y/from", "content")).await.expect("stored");
    let wrong = ETag::parse("00000000000000000000000000000000");
    let source = |raw: &str, if_match: Option<ETag>| CopySource { bucket: name.to_owned(), key: key(raw), if_match };
    let replaced = (!lacks.copy_source_condition).then(|| source("y/from", wrong.clone()));
    for source in replaced.into_iter().chain([source("y/missing", None)]) {
        let error = bucket.copy_object(CopyRequest { source, ..copy(name, "y/from", "y/to") }).await.expect_err("another source");
        assert_eq!((error.kind, error.effect), (S3ErrorKind::PreconditionFailed, EffectCertainty::None));
    }
    assert_eq!(kind(bucket.head_object(&key("y/to")).await), Some(S3ErrorKind::NoSuchKey));
    let right = source("y/from", Some(etag(bucket, "y/from").await));
    bucket.copy_object(CopyRequest { source: right, ..copy(name, "y/from", "y/to") }).await.expect("copied");
    if !lacks.copy_target_condition {
        let wrong = WriteCondition::IfMatch(wrong.expect("a tag"));
        for condition in [WriteCondition::IfAbsent, wrong] {
            let request = CopyRequest { condition: Some(condition), ..copy(name, "y/from", "y/to") };
            assert_eq!(kind(bucket.copy_object(request).await), Some(S3ErrorKind::ConditionFailed));
        }
        let condition = Some(WriteCondition::IfMatch(etag(bucket, "y/to").await));
        bucket.copy_object(CopyRequest { condition, ..copy(name, "y/from", "y/to") }).await.expect("copied");
    }
}

async fn a_body_that_fails_stores_nothing(bucket: &impl Bucket, lacks: Lacks) {
    bucket.put_object(put("b/a", "before")).await.expect("stored");
    for (text, failure, length) in
        [("0123456789", Some(failure_of_the_source()), 20), ("0123456789", None, 11), ("0123456789", None, 9), ("", None, 1)]
    {
        let body = SentBody::Stream { body: streamed(text, failure), length };
        let error = bucket.put_object(PutRequest { body, ..put("b/a", "") }).await.expect_err("the body fails");
        assert_eq!((error.kind.clone(), error.effect), (S3ErrorKind::BodyFailed, EffectCertainty::None), "{error}");
    }
    if !lacks.checksum {
        let checksum = Some(Checksum::of(ChecksumAlgorithm::Md5, b"other bytes"));
        let error = bucket.put_object(PutRequest { checksum, ..put("b/a", "these bytes") }).await.expect_err("other bytes");
        assert_eq!((error.kind, error.effect), (S3ErrorKind::ChecksumMismatch, EffectCertainty::None));
    }
    assert_eq!(content(bucket, "b/a").await.expect("an object"), "before");
    bucket
        .put_object(PutRequest { body: SentBody::Stream { body: streamed("", None), length: 0 }, ..put("b/a", "") })
        .await
        .expect("empty");
    assert_eq!(content(bucket, "b/a").await.expect("an object"), "");
}

async fn a_delete_succeeds_without_an_object_and_keeps_another_one(bucket: &impl Bucket) {
    let delete = |if_match| DeleteRequest { key: key("d/a"), if_match };
    bucket.delete_object(delete(None)).await.expect("there is none");
    bucket.put_object(put("d/a", "x")).await.expect("stored");
    let right = Some(etag(bucket, "d/a").await);
    let refused = bucket.delete_object(delete(ETag::parse("00000000000000000000000000000000"))).await;
    assert_eq!(kind(refused), Some(S3ErrorKind::ConditionFailed));
    bucket.delete_object(delete(right.clone())).await.expect("it is the object");
    bucket.delete_object(delete(right)).await.expect("it is deleted already");
    assert_eq!(kind(bucket.head_object(&key("d/a")).await), Some(S3ErrorKind::NoSuchKey));
}

/// Each key is a target of a put, a source and a target of a copy, a key of an upload, and is deleted.
async fn every_key_can_be_written(bucket: &impl Bucket, name: &str, seeds: &Seeds) {
    for (key, body) in seeds {
        bucket.put_object(PutRequest { key: key.clone(), ..put("x", body.clone()) }).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(content(bucket, key.as_str()).await.expect("an object"), body, "{key}");
        let source = CopySource { bucket: name.to_owned(), key: key.clone(), if_match: None };
        bucket.copy_object(CopyRequest { source, ..copy(name, "x", "h/copy") }).await.unwrap_or_else(|error| panic!("from {key}: {error}"));
        assert_eq!(content(bucket, "h/copy").await.expect("an object"), body, "from {key}");
        bucket.delete_object(DeleteRequest { key: key.clone(), if_match: None }).await.expect("deleted");
        assert_eq!(kind(bucket.head_object(key).await), Some(S3ErrorKind::NoSuchKey), "{key}");
        bucket.copy_object(CopyRequest { key: key.clone(), ..copy(name, "h/copy", "x") }).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(content(bucket, key.as_str()).await.expect("an object"), body, "to {key}");

        let create = CreateUploadRequest { key: key.clone(), metadata: ObjectMetadata::default(), storage_class: None };
        let upload = bucket.create_upload(create).await.unwrap_or_else(|error| panic!("{error}"));
        let listed = bucket.list_uploads(ListUploadsRequest { prefix: key.as_str().to_owned(), from: None, max_uploads: 10 }).await;
        let listed: Vec<_> = listed.expect("a page").uploads.into_iter().map(|listed| listed.upload).collect();
        assert_eq!(listed, std::slice::from_ref(&upload), "{key}");
        let part = bucket.upload_part(part(&upload, 1, b"in parts".to_vec())).await.expect("uploaded");
        let parts = vec![StoredPart { number: 1, etag: part, size: 8 }];
        bucket.complete_upload(CompleteRequest { upload, parts, condition: None }).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(content(bucket, key.as_str()).await.expect("an object"), "in parts", "{key}");
        bucket.delete_object(DeleteRequest { key: key.clone(), if_match: None }).await.expect("deleted");
    }
    bucket.delete_object(DeleteRequest { key: key("h/copy"), if_match: None }).await.expect("deleted");
}

async fn a_missing_bucket_is_an_error_of_its_own(missing: &impl Bucket) {
    assert_eq!(kind(missing.put_object(put("a", "x")).await), Some(S3ErrorKind::NoSuchBucket));
    let create = CreateUploadRequest { key: key("a"), metadata: ObjectMetadata::default(), storage_class: None };
    assert_eq!(kind(missing.create_upload(create).await), Some(S3ErrorKind::NoSuchBucket));
    assert_eq!(kind(missing.delete_object(DeleteRequest { key: key("a"), if_match: None }).await), Some(S3ErrorKind::NoSuchBucket));
}

/// An empty bucket of this name, and a missing one at the same server. The bucket accepts these keys.
pub(crate) async fn can_be_written(bucket: &impl Bucket, name: &str, missing: &impl Bucket, seeds: &Seeds, lacks: Lacks) {
    metadata_travel_with_the_content(bucket, name).await;
    a_condition_keeps_an_object_from_being_overwritten(bucket).await;
    a_copy_has_conditions_on_its_source_and_on_its_target(bucket, name, lacks).await;
    a_body_that_fails_stores_nothing(bucket, lacks).await;
    a_delete_succeeds_without_an_object_and_keeps_another_one(bucket).await;
    uploads::parts_become_an_object_only_by_completion(bucket, name, lacks).await;
    uploads::an_upload_that_ended_is_unknown(bucket, lacks).await;
    every_key_can_be_written(bucket, name, seeds).await;
    a_missing_bucket_is_an_error_of_its_own(missing).await;
}

#[tokio::test]
async fn a_bucket_in_memory_can_be_written() {
    let missing = MemoryBucket::new("missing");
    missing.vanish();
    can_be_written(&MemoryBucket::new("b"), "b", &missing, &seeds(), Lacks::default()).await;
}

#[tokio::test]
async fn a_bucket_over_http_can_be_written() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    server.server().create_bucket("the-bucket");
    let (bucket, missing) = (over_http(&server, "the-bucket").await, over_http(&server, "missing-bucket").await);
    can_be_written(&bucket, "the-bucket", &missing, &seeds(), Lacks::default()).await;
    server.stop().await;
}
