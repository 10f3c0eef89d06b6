//! Archived objects: what their class forbids, and what a restore allows.

use crate::harness::{BUCKET, Harness, assert_fails};
use aws_sdk_s3::types::{ObjectStorageClass, StorageClass};
use mock_s3::{NewObject, Restore};

#[tokio::test]
async fn an_archived_object_is_read_only_once_it_is_restored() {
    let harness = Harness::start().await;
    for class in ["GLACIER", "DEEP_ARCHIVE"] {
        harness.server().put_object(BUCKET, "a", NewObject::bytes("cold").storage_class(class));
        assert!(harness.get("a").await.expect_err("archived").is(403, "InvalidObjectState"));
        let copy = harness.client.copy_object().bucket(BUCKET).key("b").copy_source(format!("{BUCKET}/a"));
        assert_fails(copy.send().await, 403, "InvalidObjectState");
        let head = || harness.client.head_object().bucket(BUCKET).key("a").send();
        let output = head().await.expect("its headers are there");
        assert_eq!((output.storage_class().map(StorageClass::as_str), output.restore()), (Some(class), None));

        assert!(harness.server().set_restore(BUCKET, "a", Some(Restore::Ongoing)));
        assert_eq!(head().await.expect("headers").restore(), Some(r#"ongoing-request="true""#));
        assert!(harness.get("a").await.expect_err("not yet").is(403, "InvalidObjectState"));

        let expiry = "2030-01-02T00:00:00Z".parse().expect("a timestamp");
        assert!(harness.server().set_restore(BUCKET, "a", Some(Restore::Until(expiry))));
        let restored = r#"ongoing-request="false", expiry-date="Wed, 02 Jan 2030 00:00:00 GMT""#;
        assert_eq!(head().await.expect("headers").restore(), Some(restored));
        let got = harness.client.get_object().bucket(BUCKET).key("a").send().await.expect("restored");
        assert_eq!(got.restore(), Some(restored));
        assert_eq!(got.body.collect().await.expect("a body").to_vec(), b"cold");
    }
    assert!(!harness.server().set_restore(BUCKET, "missing", None));
}

#[tokio::test]
async fn instant_retrieval_needs_no_restore() {
    let harness = Harness::start().await;
    harness.server().put_object(BUCKET, "a", NewObject::bytes("cool").storage_class("GLACIER_IR"));
    assert_eq!(harness.get("a").await.expect("served"), b"cool");
    let listed = harness.client.list_objects_v2().bucket(BUCKET).send().await.expect("a page");
    assert_eq!(listed.contents()[0].storage_class(), Some(&ObjectStorageClass::GlacierIr));
}
