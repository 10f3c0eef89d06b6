//! Uploads in parts, at a bucket in memory: memory, resumption, failures, copies.

mod memory;

use super::*;
use crate::endpoint::{ContentFault, EffectCertainty, EndpointErrorKind, EndpointId};
use crate::record::{Checksum, ChecksumAlgorithm, ObjectKey};
use crate::retry::RetryPolicy;
use crate::s3::{Call, Fault, ListUploadsRequest, MemoryBucket, MemoryObject, ObjectMetadata, PartRequest};
use crate::transfer::verified;
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, stream};
use std::sync::{Mutex, PoisonError};

/// The length of the parts.
const PART: u64 = 10;
/// The length of the object: nine parts and a shorter one.
const SIZE: u64 = 95;

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("invariant: not empty")
}

fn content() -> Bytes {
    (0..SIZE).map(|index| b'a' + u8::try_from(index % 23).expect("invariant: small")).collect::<Vec<_>>().into()
}

fn limits() -> MultipartLimits {
    let retry = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    MultipartLimits { part_bytes: PART, copy_part_bytes: PART, parts_in_flight: 3, retry, ..MultipartLimits::default() }
}

fn object() -> LargeObject {
    let metadata = ObjectMetadata::of_type("text/plain");
    let create = CreateUploadRequest { key: key("k"), metadata, storage_class: Some("STANDARD_IA".to_owned()) };
    LargeObject { create, size: SIZE, content: ETag::parse("e").expect("invariant: a tag"), condition: None }
}

/// A body in chunks that do not fit into parts.
fn body(content: &Bytes) -> ByteStream {
    let chunks: Vec<_> = content.chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks).boxed()
}

fn bucket() -> Arc<MemoryBucket> {
    Arc::new(MemoryBucket::new("target").with_min_part_bytes(PART))
}

fn uploads_of(bucket: &Arc<MemoryBucket>) -> Arc<dyn UploadParts> {
    Arc::clone(bucket) as Arc<dyn UploadParts>
}

/// Begins an upload; returns it with its checkpoint.
async fn begun(bucket: &Arc<dyn UploadParts>, limits: MultipartLimits) -> (MultipartUpload, String) {
    let stored = Mutex::new(String::new());
    let store = |text: String| {
        *stored.lock().unwrap_or_else(PoisonError::into_inner) = text;
        async { Ok(()) }.boxed()
    };
    let upload = MultipartUpload::begin(bucket, (object(), PART), limits, &store).await.expect("begun");
    (upload, stored.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn fail_part(bucket: &MemoryBucket, wanted: u16, kind: S3ErrorKind) {
    bucket.on_call(move |call| match call {
        Call::UploadPart { number, .. } if *number == wanted => Some(Fault::Error(kind.clone())),
        Call::CopyPart(request) if request.number == wanted => Some(Fault::Error(kind.clone())),
        _ => None,
    });
}

async fn open_uploads(bucket: &Arc<MemoryBucket>) -> usize {
    bucket.list_uploads(ListUploadsRequest { prefix: String::new(), from: None, max_uploads: 9 }).await.expect("a page").uploads.len()
}

#[tokio::test]
async fn a_body_arrives_whole_from_memory_and_as_a_stream() {
    for memory_bytes in [1 << 20, PART, PART - 1] {
        let bucket = bucket();
        let (upload, checkpoint) = begun(&uploads_of(&bucket), MultipartLimits { memory_bytes, ..limits() }).await;
        assert_eq!(checkpoint, r#"{"upload":"upload-0001","part_bytes":10,"content":"e"}"#);
        assert_eq!(bucket.calls().parts, 0, "the checkpoint comes first");
        // It runs in a task, as an executor runs it.
        let written = tokio::spawn(upload.send(body(&content()))).await.expect("no panic").expect("completed");
        assert!(written.etag.is_some_and(|etag| etag.as_str().ends_with("-10")));
        assert_eq!(bucket.contents()["k"], content());
        assert_eq!((bucket.calls().parts, bucket.calls().aborted_uploads, open_uploads(&bucket).await), (10, 0, 0));
    }
}

#[tokio::test]
async fn without_a_checkpoint_no_part_is_sent() {
    let bucket = bucket();
    let failed = || EndpointError::of_content(&EndpointId::new("s3"), &key("k"), ContentFault::Interrupted, "the disk is full");
    let store = |_| async { Err(failed()) }.boxed();
    let error = MultipartUpload::begin(&uploads_of(&bucket), (object(), PART), limits(), &store).await.err().expect("it fails");
    assert!(error.message.contains("disk is full"), "{error}");
    assert_eq!((bucket.calls().parts, open_uploads(&bucket).await), (0, 0));
}

#[tokio::test]
async fn a_resumed_upload_sends_only_what_is_missing_or_different() {
    for memory_bytes in [PART, PART - 1] {
        let limits = MultipartLimits { memory_bytes, ..limits() };
        let bucket = bucket();
        let (upload, checkpoint) = begun(&uploads_of(&bucket), limits).await;
        fail_part(&bucket, 5, S3ErrorKind::Unreachable);
        let error = upload.send(body(&content())).await.expect_err("part 5 fails");
        assert_eq!((&*error.reason, error.effect), ("s3_unreachable", EffectCertainty::None));
        assert_eq!((open_uploads(&bucket).await, bucket.contents().len()), (1, 0));

        bucket.on_call(|_| None);
        let before = bucket.calls().parts;
        let resumed = MultipartUpload::resume(&uploads_of(&bucket), object(), limits, &checkpoint).await.expect("listed");
        resumed.expect("it is there").send(body(&content())).await.expect("completed");
        assert_eq!(bucket.contents()["k"], content());
        assert_eq!(bucket.calls().parts - before, 6, "the first four parts are not sent again");
    }
}

#[tokio::test]
async fn a_part_with_other_bytes_is_sent_again_or_ends_a_streamed_upload() {
    for (memory_bytes, resent) in [(PART, true), (PART - 1, false)] {
        let limits = MultipartLimits { memory_bytes, ..limits() };
        let bucket = bucket();
        let (_, checkpoint) = begun(&uploads_of(&bucket), limits).await;
        let upload = OpenUpload { key: key("k"), id: "upload-0001".to_owned() };
        let body_of_part = crate::s3::SentBody::Bytes("other bytes"[..10].to_owned().into());
        bucket.upload_part(PartRequest { upload, number: 2, body: body_of_part }).await.expect("uploaded");
        let resumed = MultipartUpload::resume(&uploads_of(&bucket), object(), limits, &checkpoint).await.expect("listed");
        let sent = resumed.expect("it is there").send(body(&content())).await;
        if resent {
            sent.expect("completed");
            assert_eq!(bucket.contents()["k"], content());
        } else {
            let error = sent.expect_err("its bytes are gone");
            assert_eq!(error.disposition, Disposition::Retry { after: None });
            assert_eq!((open_uploads(&bucket).await, bucket.contents().len()), (0, 0));
        }
    }
}

#[tokio::test]
async fn an_upload_that_cannot_be_continued_is_given_up() {
    let list_parts = |fault: S3ErrorKind| move |call: &Call<'_>| matches!(call, Call::ListParts(_)).then(|| Fault::Error(fault.clone()));
    let bucket = bucket();
    let (upload, checkpoint) = begun(&uploads_of(&bucket), limits()).await;
    // A transient failure says nothing about the upload.
    bucket.on_call(list_parts(S3ErrorKind::Server));
    assert!(MultipartUpload::resume(&uploads_of(&bucket), object(), limits(), &checkpoint).await.is_err());
    assert_eq!(open_uploads(&bucket).await, 1);
    bucket.on_call(list_parts(S3ErrorKind::AccessDenied));
    assert!(MultipartUpload::resume(&uploads_of(&bucket), object(), limits(), &checkpoint).await.expect("an answer").is_none());
    assert_eq!(open_uploads(&bucket).await, 0);
    bucket.on_call(|_| None);
    for checkpoint in [&*checkpoint, "", "{}", "no JSON"] {
        assert!(MultipartUpload::resume(&uploads_of(&bucket), object(), limits(), checkpoint).await.expect("an answer").is_none());
    }
    drop(upload);
    let (_, checkpoint) = begun(&uploads_of(&bucket), limits()).await;
    let other = LargeObject { content: ETag::parse("other").expect("a tag"), ..object() };
    assert!(MultipartUpload::resume(&uploads_of(&bucket), other, limits(), &checkpoint).await.expect("an answer").is_none());
    assert_eq!(open_uploads(&bucket).await, 0, "the source has other content now");
}

/// The object is completed only if its content is right.
#[tokio::test]
async fn a_body_that_fails_completes_nothing_and_wrong_content_ends_the_upload() {
    let source = EndpointId::new("s3:source");
    let failed = |fault| stream::iter([Err(EndpointError::of_content(&source, &key("k"), fault, "words"))]);
    let checked = |size, algorithm_of: &Bytes| {
        let checksum = Some(Checksum::of(ChecksumAlgorithm::Md5, algorithm_of));
        verified(body(&content()), (&source, &key("k")), size, checksum).0
    };
    let shortened = content().slice(..94);
    for memory_bytes in [PART, PART - 1] {
        for (body, upload_stays) in [
            (checked(SIZE, &shortened), false),
            (body(&shortened).chain(failed(ContentFault::Corrupt)).boxed(), false),
            (body(&shortened).chain(failed(ContentFault::Replaced)).boxed(), false),
            (body(&shortened).chain(failed(ContentFault::Interrupted)).boxed(), true),
            (body(&shortened), true),
            (body(&content()).chain(body(&shortened)).boxed(), true),
        ] {
            let bucket = bucket();
            let (upload, _) = begun(&uploads_of(&bucket), MultipartLimits { memory_bytes, ..limits() }).await;
            let error = upload.send(body).await.expect_err("the body fails");
            assert_eq!((error.kind, error.effect), (EndpointErrorKind::BodyFailed, EffectCertainty::None), "{error}");
            assert_eq!((bucket.calls().completed_uploads, bucket.contents().len()), (0, 0), "{error}");
            assert_eq!(open_uploads(&bucket).await == 1, upload_stays, "{error}");
        }
        let bucket = bucket();
        let (upload, _) = begun(&uploads_of(&bucket), MultipartLimits { memory_bytes, ..limits() }).await;
        upload.send(checked(SIZE, &content())).await.expect("the content is right");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_is_tried_again_without_reading_the_body_again() {
    let bucket = bucket();
    let retry = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
    let (upload, _) = begun(&uploads_of(&bucket), MultipartLimits { retry, ..limits() }).await;
    let mut failures = 2;
    bucket.on_call(move |call| {
        let fails = matches!(call, Call::UploadPart { number: 4, .. }) && failures > 0;
        failures -= i32::from(fails);
        fails.then_some(Fault::ResponseLost(S3ErrorKind::Interrupted))
    });
    upload.send(body(&content())).await.expect("completed");
    assert_eq!((&bucket.contents()["k"], bucket.calls().parts), (&content(), 12));
}

/// The response to a completion is lost: nothing says whether it happened, and a resumed upload is not there.
#[tokio::test(start_paused = true)]
async fn a_completion_with_a_lost_response_has_an_unknown_effect() {
    for attempts in [1, 3] {
        let bucket = bucket();
        let retry = RetryPolicy { attempts, ..RetryPolicy::default() };
        let (upload, checkpoint) = begun(&uploads_of(&bucket), MultipartLimits { retry, ..limits() }).await;
        bucket.on_call(|call| matches!(call, Call::CompleteUpload(_)).then_some(Fault::ResponseLost(S3ErrorKind::Timeout)));
        let error = upload.send(body(&content())).await.expect_err("the response is lost");
        assert!(error.effect == EffectCertainty::Unknown && !error.is_refusal(), "{error:?}");
        assert_eq!((&bucket.contents()["k"], bucket.calls().aborted_uploads), (&content(), 0));
        let resumed = MultipartUpload::resume(&uploads_of(&bucket), object(), limits(), &checkpoint).await;
        assert!(resumed.expect("an answer").is_none(), "the caller inspects the key");
    }
}

#[tokio::test]
async fn a_refused_completion_ends_the_upload() {
    for (kind, aborts) in [
        (S3ErrorKind::ConditionFailed, true),
        (S3ErrorKind::NotImplemented, true),
        (S3ErrorKind::WriteConflict, true),
        (S3ErrorKind::BadCredentials, false),
        (S3ErrorKind::Server, false),
    ] {
        let bucket = bucket();
        let (upload, _) = begun(&uploads_of(&bucket), limits()).await;
        let fault = kind.clone();
        bucket.on_call(move |call| matches!(call, Call::CompleteUpload(_)).then(|| Fault::Error(fault.clone())));
        upload.send(body(&content())).await.expect_err("refused");
        assert_eq!(open_uploads(&bucket).await == 0, aborts, "{kind:?}");
    }
    let bucket = bucket();
    bucket.put(key("k"), "foreign");
    let object = LargeObject { condition: Some(WriteCondition::IfAbsent), ..object() };
    let upload = MultipartUpload::begin(&uploads_of(&bucket), (object, PART), limits(), &|_| async { Ok(()) }.boxed()).await;
    let error = upload.expect("begun").send(body(&content())).await.expect_err("there is another object");
    assert_eq!((error.kind, error.is_refusal()), (EndpointErrorKind::Taken, true));
    assert_eq!((&bucket.contents()["k"][..], open_uploads(&bucket).await), (&b"foreign"[..], 0));
}

#[tokio::test]
async fn a_server_copies_in_parts_only_the_expected_content() {
    let (source, bucket) = (Arc::new(MemoryBucket::new("source")), bucket());
    source.put(key("from"), MemoryObject::new(content()));
    bucket.add_neighbour(&source);
    let etag = Checksum::of(ChecksumAlgorithm::Md5, &content()).to_string();
    let from = CopySource { bucket: "source".to_owned(), key: key("from"), if_match: ETag::parse(etag.trim_start_matches("MD5 ")) };

    let (upload, checkpoint) = begun(&uploads_of(&bucket), limits()).await;
    fail_part(&bucket, 5, S3ErrorKind::Throttled { after: None });
    let error = upload.copy(&from).await.expect_err("part 5 fails");
    assert_eq!(error.effect, EffectCertainty::None, "there is no object yet");
    bucket.on_call(|_| None);
    let (before, listed) = (bucket.calls().copied_parts, open_uploads(&bucket).await);
    assert_eq!(listed, 1);
    let resumed = MultipartUpload::resume(&uploads_of(&bucket), object(), limits(), &checkpoint).await.expect("listed");
    tokio::spawn(async move { resumed.expect("it is there").copy(&from).await }).await.expect("no panic").expect("copied");
    assert_eq!(bucket.contents()["k"], content());
    assert!(bucket.calls().copied_parts - before < 10, "parts that the server has are not copied again");

    let (upload, _) = begun(&uploads_of(&bucket), limits()).await;
    let from = CopySource { bucket: "source".to_owned(), key: key("from"), if_match: ETag::parse("another") };
    let error = upload.copy(&from).await.expect_err("the source was replaced");
    assert_eq!((error.kind, open_uploads(&bucket).await), (EndpointErrorKind::Replaced, 0));
}
