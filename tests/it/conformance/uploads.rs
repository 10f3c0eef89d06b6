//! What every implementation of a bucket must do with uploads in parts.

use super::s3::{key, kind};
use super::write::{Bucket, Lacks, all_metadata, assert_same, content, etag, failure_of_the_source, put, streamed};
use s3_sync::endpoint::EffectCertainty;
use s3_sync::record::{Checksum, ChecksumAlgorithm, ETag};
use s3_sync::s3::{
    CompleteRequest, CopyPartRequest, CopySource, CreateUploadRequest, ListPartsRequest, ListUploadsRequest, ObjectMetadata, OpenUpload,
    PartRequest, S3ErrorKind, SentBody, StoredPart, WriteBucket, WriteCondition,
};

/// The least length of a part that is not the last one.
const PART_BYTES: usize = 5 << 20;

pub(super) fn part(upload: &OpenUpload, number: u16, body: Vec<u8>) -> PartRequest {
    PartRequest { upload: upload.clone(), number, body: SentBody::Bytes(body.into()) }
}

async fn parts(bucket: &impl WriteBucket, upload: &OpenUpload, max_parts: u16) -> Vec<StoredPart> {
    let (mut parts, mut after) = (Vec::new(), 0);
    loop {
        let page = bucket.list_parts(ListPartsRequest { upload: upload.clone(), after, max_parts }).await.expect("a page");
        assert!(page.parts.len() <= usize::from(max_parts));
        parts.extend(page.parts);
        match page.next {
            Some(next) => after = next,
            None => return parts,
        }
    }
}

pub(super) async fn parts_become_an_object_only_by_completion(bucket: &impl Bucket, name: &str, lacks: Lacks) {
    let source = vec![b'c'; PART_BYTES + 3];
    bucket.put_object(put("u/source", source.clone())).await.expect("stored");
    let create = CreateUploadRequest { key: key("u/a"), metadata: all_metadata(), storage_class: Some("STANDARD_IA".to_owned()) };
    let upload = bucket.create_upload(create).await.expect("begun");
    let first = bucket.upload_part(part(&upload, 1, vec![b'1'; PART_BYTES])).await.expect("uploaded");
    let replaced = bucket.upload_part(part(&upload, 1, vec![b'a'; PART_BYTES])).await.expect("replaced");
    assert_ne!(replaced, first);
    let if_match = Some(etag(bucket, "u/source").await);
    let source = CopySource { bucket: name.to_owned(), key: key("u/source"), if_match };
    let copied = CopyPartRequest { upload: upload.clone(), number: 2, source, range: 3..PART_BYTES as u64 + 3 };
    let second = bucket.copy_part(copied.clone()).await.expect("copied");
    if !lacks.copy_source_condition {
        let source = CopySource { if_match: ETag::parse("00000000000000000000000000000000"), ..copied.source.clone() };
        assert_eq!(kind(bucket.copy_part(CopyPartRequest { source, ..copied }).await), Some(S3ErrorKind::PreconditionFailed));
    }
    let body = SentBody::Stream { body: streamed("the end", None), length: 7 };
    let third = bucket.upload_part(PartRequest { upload: upload.clone(), number: 3, body }).await.expect("uploaded");
    let body = SentBody::Stream { body: streamed("the end", Some(failure_of_the_source())), length: 9 };
    let failed = bucket.upload_part(PartRequest { upload: upload.clone(), number: 4, body }).await;
    assert_eq!(kind(failed), Some(S3ErrorKind::BodyFailed));

    let stored = |number, etag, size| StoredPart { number, etag, size: size as u64 };
    let stored = vec![stored(1, replaced, PART_BYTES), stored(2, second, PART_BYTES), stored(3, third, 7)];
    if !lacks.part_list {
        for max_parts in [1, 2, 3, 1000] {
            assert_eq!(parts(bucket, &upload, max_parts).await, stored, "pages of {max_parts}");
        }
    }
    assert_eq!(stored[0].etag.as_str(), Checksum::of(ChecksumAlgorithm::Md5, &vec![b'a'; PART_BYTES]).to_string().replace("MD5 ", ""));
    assert_eq!(kind(bucket.head_object(&key("u/a")).await), Some(S3ErrorKind::NoSuchKey));

    let complete = |condition| CompleteRequest { upload: upload.clone(), parts: stored.clone(), condition };
    bucket.put_object(put("u/a", "foreign")).await.expect("stored");
    let refused = bucket.complete_upload(complete(Some(WriteCondition::IfAbsent))).await;
    assert_eq!(kind(refused), Some(S3ErrorKind::ConditionFailed));
    assert_eq!(content(bucket, "u/a").await.expect("an object"), "foreign");
    let written = bucket.complete_upload(complete(None)).await.expect("completed");
    let head = bucket.head_object(&key("u/a")).await.expect("a head");
    assert_eq!((head.facts.etag, head.facts.size), (written.etag, 2 * PART_BYTES as u64 + 7));
    assert_same(&head.metadata, &all_metadata(), "multipart");
    let expected = [&vec![b'a'; PART_BYTES][..], &vec![b'c'; PART_BYTES], b"the end"].concat();
    assert!(content(bucket, "u/a").await.expect("an object") == expected);
}

pub(super) async fn an_upload_that_ended_is_unknown(bucket: &impl Bucket, lacks: Lacks) {
    let create = |raw: &str| CreateUploadRequest { key: key(raw), metadata: ObjectMetadata::default(), storage_class: None };
    let mut uploads = Vec::new();
    for raw in ["v/a", "v/a", "v/b"] {
        uploads.push(bucket.create_upload(create(raw)).await.expect("begun"));
    }
    let (mut listed, mut from) = (Vec::new(), None);
    loop {
        let page = bucket.list_uploads(ListUploadsRequest { prefix: "v/".to_owned(), from, max_uploads: 1 }).await.expect("a page");
        listed.extend(page.uploads.into_iter().map(|listed| listed.upload));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    listed.sort();
    uploads.sort();
    assert_eq!(listed, uploads);
    for upload in &uploads {
        bucket.abort_upload(upload).await.expect("aborted");
        if lacks.ended_uploads {
            continue;
        }
        let missing = Some(S3ErrorKind::NoSuchUpload);
        assert_eq!(kind(bucket.upload_part(part(upload, 1, vec![0])).await), missing);
        let listed = bucket.list_parts(ListPartsRequest { upload: upload.clone(), after: 0, max_parts: 10 }).await;
        assert_eq!(kind(listed), missing);
        let parts = vec![StoredPart { number: 1, etag: ETag::parse("00").expect("a tag"), size: 1 }];
        let error = bucket.complete_upload(CompleteRequest { upload: upload.clone(), parts, condition: None }).await.expect_err("it ended");
        assert_eq!((Some(error.kind), error.effect), (missing, EffectCertainty::Unknown), "an earlier call may have completed it");
    }
    let page = bucket.list_uploads(ListUploadsRequest { prefix: "v/".to_owned(), from: None, max_uploads: 1 }).await.expect("a page");
    assert_eq!((page.uploads, page.next), (Vec::new(), None));
}
