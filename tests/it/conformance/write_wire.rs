//! The AWS bucket's writes when the connection or the server fails: the kind of each failure, and whether the effect may have happened.

use super::canned::{Answer, Canned};
use super::s3::{key, options_of, over_http};
use super::s3_wire::options;
use super::uploads::part;
use super::write::{content, copy, put, streamed};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use mock_s3::{AccessKey, Fault, IgnoredHeader, Matcher, MockS3, Options};
use s3_sync::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind};
use s3_sync::record::ETag;
use s3_sync::s3::{
    AwsBucket, AwsOptions, CompleteRequest, CopyRequest, CopySource, CreateUploadRequest, DeleteRequest, ObjectMetadata, OpenUpload,
    PutRequest, S3Error, S3ErrorKind, SentBody, StoredPart, UploadParts as _, WriteCondition, WriteObjects as _, Written,
};
use s3_sync::sdk::{AccessKeys, CredentialSource, ReadKeys};
use std::sync::Arc;
use std::time::Duration;

const NONE: EffectCertainty = EffectCertainty::None;
const UNKNOWN: EffectCertainty = EffectCertainty::Unknown;

fn failed<T>(outcome: Result<T, S3Error>) -> (S3ErrorKind, EffectCertainty) {
    let error = outcome.map(drop).expect_err("it fails");
    (error.kind, error.effect)
}

#[tokio::test]
async fn a_failed_put_says_whether_it_may_have_stored_the_object() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    server.server().create_bucket("the-bucket");
    let bucket = over_http(&server, "the-bucket").await;
    for (fault, expected, stored) in [
        (Fault::Reset, (S3ErrorKind::Interrupted, UNKNOWN), true),
        (Fault::internal_error(), (S3ErrorKind::Server, UNKNOWN), false),
        (Fault::slow_down(None), (S3ErrorKind::Throttled { after: None }, UNKNOWN), false),
        (Fault::access_denied(), (S3ErrorKind::AccessDenied, NONE), false),
        (Fault::error(409, "ConditionalRequestConflict"), (S3ErrorKind::WriteConflict, NONE), false),
        (Fault::error(501, "NotImplemented"), (S3ErrorKind::NotImplemented, NONE), false),
        (Fault::BucketGone, (S3ErrorKind::NoSuchBucket, NONE), false),
    ] {
        server.server().create_bucket("the-bucket");
        server.server().remove("the-bucket", "k");
        server.server().order(Matcher::operation("PutObject").times(1), fault.clone());
        let body = SentBody::Stream { body: streamed("12345", None), length: 5 };
        assert_eq!(failed(bucket.put_object(PutRequest { body, ..put("k", "") }).await), expected, "{fault:?}");
        assert_eq!(server.server().body("the-bucket", "k").is_some(), stored, "{fault:?}");
    }
    server.stop().await;
    assert_eq!(failed(bucket.put_object(put("k", "x")).await), (S3ErrorKind::Unreachable, NONE));
}

#[tokio::test]
async fn a_store_without_conditions_refuses_or_ignores_them() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    server.server().put("the-bucket", "k", "old", None);
    let bucket = over_http(&server, "the-bucket").await;
    let conditional = || PutRequest { condition: Some(WriteCondition::IfAbsent), ..put("k", "new") };
    let refused = server.server().order(Matcher::any().conditional(), Fault::error(501, "NotImplemented"));
    assert_eq!(failed(bucket.put_object(conditional()).await), (S3ErrorKind::NotImplemented, NONE));
    bucket.put_object(put("k", "plain")).await.expect("without a condition it is stored");
    refused.withdraw();
    server.server().order(Matcher::operation("PutObject").times(1), Fault::Ignores(IgnoredHeader::WriteConditions));
    bucket.put_object(conditional()).await.expect("the condition is ignored");
    server.server().order(Matcher::operation("CopyObject"), Fault::access_denied());
    let error = bucket.copy_object(copy("the-bucket", "k", "to")).await.expect_err("there is no right to copy");
    assert_eq!((error.kind.clone(), error.effect), (S3ErrorKind::AccessDenied, NONE));
    assert!(error.to_string().contains("s3:GetObject on the source"), "{error}");
    server.stop().await;
}

/// The server takes nothing more and answers nothing; or it has taken everything and does not answer.
#[tokio::test]
async fn a_server_that_is_silent_is_given_up_and_one_that_lacks_bytes_has_stored_nothing() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    server.server().order(Matcher::any(), Fault::Hang);
    let silence = Duration::from_millis(50);
    let impatient = AwsOptions { read_timeout: silence, ..options_of(&server, "the-bucket") };
    let impatient = AwsBucket::connect(impatient).await.expect("keys");
    assert_eq!(failed(impatient.put_object(put("k", "x")).await), (S3ErrorKind::Timeout, UNKNOWN));
    // More than the sockets hold.
    let (chunk, count) = (Bytes::from(vec![0; 1 << 20]), 64);
    let body = stream::iter(vec![chunk; count]).map(Ok::<_, EndpointError>).boxed();
    let body = SentBody::Stream { body, length: (count as u64) << 20 };
    assert_eq!(failed(impatient.put_object(PutRequest { body, ..put("k", "") }).await), (S3ErrorKind::Timeout, NONE));
    assert_eq!(failed(impatient.delete_object(DeleteRequest { key: key("k"), if_match: None }).await), (S3ErrorKind::Timeout, UNKNOWN));
}

/// A server may judge a request by its headers, and answer before it has read the body.
#[tokio::test]
async fn an_early_refusal_is_understood_and_nothing_was_stored() {
    let body = "<Error><Code>PreconditionFailed</Code><Message>words</Message></Error>";
    let server = Canned::start(Answer::whole(412, &[], body)).await;
    let bucket = AwsBucket::connect(options(&server.endpoint)).await.expect("keys");
    let chunks = stream::iter(vec![Bytes::from(vec![0; 1 << 20]); 64]).map(Ok::<_, EndpointError>).boxed();
    let body = SentBody::Stream { body: chunks, length: 64 << 20 };
    let request = PutRequest { body, condition: Some(WriteCondition::IfAbsent), ..put("k", "") };
    assert_eq!(failed(bucket.put_object(request).await), (S3ErrorKind::ConditionFailed, NONE));
}

/// A successful status does not mean that a copy or a completion succeeded.
#[tokio::test]
async fn a_success_without_a_result_is_an_unknown_effect() {
    let xml = |code: &str| format!("<?xml version=\"1.0\"?>\n\n<Error><Code>{code}</Code><Message>words</Message></Error>");
    let completed = "<CompleteMultipartUploadResult><ETag>\"e-1\"</ETag></CompleteMultipartUploadResult>";
    let copied = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";
    for (body, expected) in [
        (xml("InternalError"), Err((S3ErrorKind::Server, UNKNOWN))),
        (xml("SlowDown"), Err((S3ErrorKind::Throttled { after: None }, UNKNOWN))),
        (String::new(), Err((S3ErrorKind::Other, UNKNOWN))),
        ("<html>".to_owned(), Err((S3ErrorKind::Other, UNKNOWN))),
        (completed.to_owned(), Ok("e-1")),
        (copied.to_owned(), Ok("e")),
    ] {
        let server = Canned::start(Answer::whole(200, &["x-amz-version-id: v1"], &body)).await;
        let bucket = AwsBucket::connect(options(&server.endpoint)).await.expect("keys");
        let upload = OpenUpload { key: key("k"), id: "u".to_owned() };
        let parts = vec![StoredPart { number: 1, etag: ETag::parse("p").expect("a tag"), size: 1 }];
        let written = |etag: &str| Written { etag: ETag::parse(etag), version_id: Some("v1".to_owned()) };
        let answers = [
            (bucket.complete_upload(CompleteRequest { upload, parts, condition: None }).await, completed),
            (bucket.copy_object(copy("b", "from", "k")).await, copied),
        ];
        for (answer, document) in answers {
            match expected.clone() {
                Ok(etag) if document == body => assert_eq!(answer.expect("a result"), written(etag), "{body}"),
                Ok(_) => assert_eq!(failed(answer), (S3ErrorKind::Other, UNKNOWN), "{body}"),
                Err(expected) => assert_eq!(failed(answer), expected, "{body}"),
            }
        }
    }
}

/// S3 names the violated condition; other servers do not.
#[tokio::test]
async fn a_refused_copy_says_whether_its_source_or_its_target_is_another_object() {
    let xml = |code: &str, rest: &str| format!("<Error><Code>{code}</Code><Message>words</Message>{rest}</Error>");
    let refused = |condition: &str| Answer::whole(412, &[], &xml("PreconditionFailed", condition));
    let (etag, absent) = (ETag::parse("e"), Some(WriteCondition::IfAbsent));
    let if_match = etag.clone().map(WriteCondition::IfMatch);
    for (answer, of_source, condition, expected) in [
        (refused("<Condition>x-amz-copy-source-If-Match</Condition>"), etag.clone(), absent.clone(), S3ErrorKind::PreconditionFailed),
        (refused("<Condition>If-None-Match</Condition>"), etag.clone(), absent.clone(), S3ErrorKind::ConditionFailed),
        (refused(""), etag.clone(), None, S3ErrorKind::PreconditionFailed),
        (refused(""), None, absent.clone(), S3ErrorKind::ConditionFailed),
        (refused(""), etag.clone(), absent.clone(), S3ErrorKind::ConditionFailed),
        (Answer::whole(404, &[], &xml("NoSuchKey", "")), None, absent, S3ErrorKind::PreconditionFailed),
        (Answer::whole(404, &[], &xml("NoSuchKey", "")), etag, if_match, S3ErrorKind::NoSuchKey),
    ] {
        let server = Canned::start(answer).await;
        let bucket = AwsBucket::connect(options(&server.endpoint)).await.expect("keys");
        let source = CopySource { bucket: "b".to_owned(), key: key("from"), if_match: of_source };
        let answer = bucket.copy_object(CopyRequest { source, condition, ..copy("b", "from", "k") }).await;
        assert_eq!(failed(answer), (expected, NONE), "{:?}", server.requests());
    }
}

#[tokio::test]
async fn a_put_announces_its_length_and_sends_its_metadata_as_headers() {
    let server = Canned::start(Answer::whole(200, &["ETag: \"e\"", "x-amz-version-id: null"], "")).await;
    let bucket = AwsBucket::connect(options(&server.endpoint)).await.expect("keys");
    let metadata = ObjectMetadata {
        content_disposition: Some("attachment; filename=\u{fc}.txt".to_owned()),
        user: [("a".to_owned(), "\u{fc}".to_owned())].into(),
        ..ObjectMetadata::of_type("text/x")
    };
    let body = SentBody::Stream { body: streamed("0123456789", None), length: 10 };
    let condition = Some(WriteCondition::IfAbsent);
    let request = PutRequest { body, metadata, condition, storage_class: Some("GLACIER_IR".to_owned()), ..put("a/../+b ", "") };
    assert_eq!(bucket.put_object(request).await.expect("stored"), Written { etag: ETag::parse("e"), version_id: None });
    let sent = server.requests().remove(0);
    assert!(sent.starts_with("PUT /the-bucket/a/../%2Bb%20?x-id=PutObject HTTP/1.1\r\n"), "{sent}");
    let lower = sent.to_ascii_lowercase();
    for header in [
        "content-length: 10",
        "content-type: text/x",
        "if-none-match: *",
        "x-amz-storage-class: glacier_ir",
        "x-amz-meta-a: =?utf-8?b?w7w=?=",
        "x-amz-content-sha256: unsigned-payload",
    ] {
        assert!(lower.contains(&format!("\r\n{header}\r\n")), "{header} is not in {sent}");
    }
    for header in ["content-disposition", "transfer-encoding", "x-amz-checksum", "aws-chunked", "x-amz-trailer"] {
        assert!(!lower.contains(header), "{header} is in {sent}");
    }
}

#[tokio::test]
async fn a_part_whose_response_is_lost_is_sent_again_and_replaced() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    server.server().create_bucket("the-bucket");
    let bucket = over_http(&server, "the-bucket").await;
    let create = CreateUploadRequest { key: key("k"), metadata: ObjectMetadata::default(), storage_class: None };
    let upload = bucket.create_upload(create).await.expect("begun");
    server.server().order(Matcher::operation("UploadPart").times(1), Fault::Reset);
    assert_eq!(failed(bucket.upload_part(part(&upload, 1, vec![1; 3])).await), (S3ErrorKind::Interrupted, UNKNOWN));
    let etag = bucket.upload_part(part(&upload, 1, vec![1; 3])).await.expect("uploaded");
    let complete = CompleteRequest { upload, parts: vec![StoredPart { number: 1, etag, size: 3 }], condition: None };
    server.server().order(Matcher::operation("CompleteMultipartUpload").times(1), Fault::Reset);
    assert_eq!(failed(bucket.complete_upload(complete.clone()).await), (S3ErrorKind::Interrupted, UNKNOWN));
    assert_eq!(failed(bucket.complete_upload(complete).await), (S3ErrorKind::NoSuchUpload, UNKNOWN));
    assert_eq!(content(&bucket, "k").await.expect("it was completed"), vec![1; 3]);
    server.stop().await;
}

/// A rejected request had no effect. Its body was read: bytes in memory are sent again at once, a stream by the caller.
#[tokio::test]
async fn with_new_credentials_bytes_are_sent_again_and_a_stream_is_read_again() {
    for streams in [false, true] {
        let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
        server.server().create_bucket("the-bucket");
        let keys = AccessKeys::new(Options::default().access_key, Options::default().secret_key);
        let again = ReadKeys(Arc::new(|| Ok(AccessKeys::new("new-key", "new-secret"))));
        let credentials = CredentialSource::Files { keys, again };
        let bucket = AwsBucket::connect(AwsOptions { credentials, ..options_of(&server, "the-bucket") }).await.expect("keys");
        server.server().replace_key(AccessKey::new("new-key", "new-secret"), 403, "InvalidAccessKeyId");
        let body = || {
            if streams { SentBody::Stream { body: streamed("12345", None), length: 5 } } else { SentBody::Bytes("12345".into()) }
        };
        let first = bucket.put_object(PutRequest { body: body(), ..put("k", "") }).await;
        if streams {
            assert_eq!(failed(first), (S3ErrorKind::Interrupted, NONE));
            bucket.put_object(PutRequest { body: body(), ..put("k", "") }).await.expect("stored");
        } else {
            first.expect("stored");
        }
        assert_eq!((content(&bucket, "k").await.expect("an object"), server.server().rejected_requests()), ("12345".into(), 1));
        server.stop().await;
    }
}

/// The sink decides by the kind of the endpoint's error.
#[test]
fn a_violated_condition_and_a_failed_body_are_kinds_of_the_endpoint() {
    for (kind, expected) in [
        (S3ErrorKind::ConditionFailed, EndpointErrorKind::Taken),
        (S3ErrorKind::PreconditionFailed, EndpointErrorKind::Replaced),
        (S3ErrorKind::NoSuchKey, EndpointErrorKind::NotFound),
        (S3ErrorKind::BodyFailed, EndpointErrorKind::BodyFailed),
        (S3ErrorKind::WriteConflict, EndpointErrorKind::Other),
    ] {
        let error = EndpointError::from(S3Error::new("PutObject", "k", kind, "words").with_effect(UNKNOWN));
        assert_eq!((error.kind, error.effect), (expected, UNKNOWN));
    }
}
