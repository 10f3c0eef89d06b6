//! What a probe says about stores that support everything, refuse or ignore conditions, or do not copy; and what it leaves.

use super::s3::{key, over_http};
use mock_s3::{Fault, IgnoredHeader, Matcher, MockS3, NewObject, Options};
use s3_sync::record::ETag;
use s3_sync::s3::{
    Call, CopySource, Fault as MemoryFault, ListUploadsRequest, MemoryBucket, PROBE_PREFIX, S3ErrorKind, UploadParts as _, WriteSupport,
    probe_writes,
};
use std::sync::Arc;

const ALL: WriteSupport = WriteSupport {
    put_if_absent: true,
    put_if_match: true,
    delete_if_match: true,
    multipart: true,
    complete_conditions: true,
    copy: true,
    copy_conditions: true,
};
const NO_CONDITIONS: WriteSupport = WriteSupport {
    put_if_absent: false,
    put_if_match: false,
    delete_if_match: false,
    multipart: true,
    complete_conditions: false,
    copy: true,
    copy_conditions: false,
};

#[tokio::test]
async fn a_probe_says_what_a_store_supports_and_leaves_nothing() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    let s3 = server.server();
    let etag = s3.put("source", "a small/object+", "content", None);
    let sample = |etag: &str| CopySource { bucket: "source".to_owned(), key: key("a small/object+"), if_match: ETag::parse(etag) };
    s3.put("target", "b/kept", "content", None);
    let bucket = over_http(&server, "target").await;
    let refuses_conditions = || (Matcher::any().bucket("target").conditional(), Fault::error(501, "NotImplemented"));
    for (faults, expected) in [
        (vec![], ALL),
        (vec![refuses_conditions()], NO_CONDITIONS),
        (vec![(Matcher::any().conditional(), Fault::error(400, "InvalidArgument"))], NO_CONDITIONS),
        (vec![(Matcher::any().conditional(), Fault::Ignores(IgnoredHeader::WriteConditions))], NO_CONDITIONS),
        (
            vec![(Matcher::operation("DeleteObject").conditional(), Fault::Ignores(IgnoredHeader::WriteConditions))],
            WriteSupport { delete_if_match: false, ..ALL },
        ),
        (
            vec![(Matcher::operation("CopyObject").conditional(), Fault::Ignores(IgnoredHeader::WriteConditions))],
            WriteSupport { copy_conditions: false, ..ALL },
        ),
        (
            vec![(Matcher::operation("CompleteMultipartUpload"), Fault::Ignores(IgnoredHeader::WriteConditions))],
            WriteSupport { complete_conditions: false, ..ALL },
        ),
        (
            vec![(Matcher::operation("CreateMultipartUpload"), Fault::error(501, "NotImplemented"))],
            WriteSupport { multipart: false, complete_conditions: false, ..ALL },
        ),
        (vec![(Matcher::operation("CopyObject"), Fault::access_denied())], WriteSupport { copy: false, copy_conditions: false, ..ALL }),
        (vec![(Matcher::operation("CopyObject"), Fault::no_such_bucket())], WriteSupport { copy: false, copy_conditions: false, ..ALL }),
        (
            vec![(Matcher::operation("CopyObject"), Fault::Ignores(IgnoredHeader::CopySourceIfMatch))],
            WriteSupport { copy: false, copy_conditions: false, ..ALL },
        ),
    ] {
        let described = format!("{faults:?}");
        for (matcher, fault) in faults {
            s3.order(matcher, fault);
        }
        let support = probe_writes(&bucket, "b/", Some(&sample(&etag))).await.unwrap_or_else(|error| panic!("{described}: {error}"));
        assert_eq!(support, expected, "{described}");
        let keys: Vec<_> = s3.objects("target").into_iter().map(|object| object.key).collect();
        assert_eq!(keys, ["b/kept"], "{described}");
        let uploads = bucket.list_uploads(ListUploadsRequest { prefix: String::new(), from: None, max_uploads: 9 }).await;
        assert_eq!(uploads.expect("a page").uploads, [], "{described}");
        s3.clear_faults();
    }
    let without_copies = WriteSupport { copy: false, copy_conditions: false, ..ALL };
    assert_eq!(probe_writes(&bucket, "b/", None).await.expect("an answer"), without_copies);
    assert!(s3.requests().iter().all(|request| request.bucket.as_deref() == Some("target")), "the source is not written");
    server.stop().await;
}

#[tokio::test]
async fn a_failure_that_may_pass_says_nothing_and_leaves_nothing() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    let s3 = server.server();
    s3.create_bucket("target");
    let bucket = over_http(&server, "target").await;
    for (matcher, fault, expected) in [
        (Matcher::operation("PutObject").skip(1), Fault::internal_error(), S3ErrorKind::Server),
        (Matcher::operation("PutObject"), Fault::Reset, S3ErrorKind::Interrupted),
        (Matcher::operation("PutObject"), Fault::access_denied(), S3ErrorKind::AccessDenied),
        (Matcher::operation("DeleteObject").skip(1).times(1), Fault::access_denied(), S3ErrorKind::AccessDenied),
    ] {
        s3.order(matcher, fault.clone());
        let error = probe_writes(&bucket, "", None).await.expect_err("nothing is known");
        assert_eq!(error.kind, expected, "{fault:?}");
        s3.clear_faults();
        if expected != S3ErrorKind::AccessDenied {
            assert_eq!(s3.objects("target"), [], "{fault:?}");
        }
    }
    assert_eq!(s3.objects("target").len(), 1, "the last probe's object could not be deleted");
    server.stop().await;
}

#[tokio::test]
async fn what_earlier_probes_left_is_removed_and_that_of_a_running_one_is_not() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    let (s3, bucket) = (server.server(), over_http(&server, "target").await);
    let old = || NewObject::bytes("x").last_modified("2020-01-01T00:00:00Z".parse().expect("a time"));
    s3.put_object("target", &format!("b/{PROBE_PREFIX}old"), old());
    s3.put("target", &format!("b/{PROBE_PREFIX}running"), "x", None);
    s3.put_object("target", &format!("{PROBE_PREFIX}elsewhere"), old());
    probe_writes(&bucket, "b/", None).await.expect("an answer");
    let keys: Vec<_> = s3.objects("target").into_iter().map(|object| object.key).collect();
    assert_eq!(keys, [format!("{PROBE_PREFIX}elsewhere"), format!("b/{PROBE_PREFIX}running")]);
    server.stop().await;
}

#[tokio::test]
async fn a_bucket_in_memory_can_be_probed() {
    let (source, target) = (Arc::new(MemoryBucket::new("source")), MemoryBucket::new("target"));
    source.put(key("a"), "content");
    target.add_neighbour(&source);
    let sample = CopySource { bucket: "source".to_owned(), key: key("a"), if_match: ETag::parse("9a0364b9e99bb480dd25e1f0284c8555") };
    assert_eq!(probe_writes(&target, "", Some(&sample)).await.expect("an answer"), ALL);
    target.on_call(|call| match call {
        Call::Put { condition: Some(_), .. } => Some(MemoryFault::Error(S3ErrorKind::NotImplemented)),
        _ => Some(MemoryFault::ConditionIgnored),
    });
    assert_eq!(probe_writes(&target, "", Some(&sample)).await.expect("an answer"), NO_CONDITIONS);
    assert!(target.contents().is_empty());
}
