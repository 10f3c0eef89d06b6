//! S3, SNS, EventBridge and MinIO.

use super::super::{Scope, notification};
use super::{events, fixture, reasons, scope};
use crate::run::IgnoredEvents;
use serde_json::{Value, json};

#[test]
fn each_sender_is_understood() {
    for (name, expected) in [
        ("aws-put.json", &["create documents/red flower+x.txt @2026-05-04T10:00:00Z"][..]),
        ("aws-delete.json", &["delete documents/red flower+x.txt @2026-05-04T10:00:00Z"]),
        ("aws-delete-marker.json", &["delete documents/a.txt @2026-05-04T10:00:00Z"]),
        ("aws-lifecycle-expiration.json", &["delete logs/old.log @2026-05-04T10:00:00Z"]),
        ("aws-restore-completed.json", &["touch archive/2019.tar @2026-05-04T10:00:00Z"]),
        ("aws-acl-put.json", &["touch documents/a.txt @2026-05-04T10:00:00Z"]),
        ("aws-multipart-two-records.json", &["create big/part.bin @2026-05-04T10:00:00Z", "create big/copy.bin @2026-05-04T10:00:00Z"]),
        ("sns-wrapped.json", &["create a b/c.txt @2026-05-04T10:00:00Z"]),
        ("eventbridge-created.json", &["create a+b %2B literal.txt @2026-05-04T10:00:00Z"]),
        ("eventbridge-deleted.json", &["delete a+b %2B literal.txt @2026-05-04T10:01:00Z"]),
        ("minio-put.json", &["create docs/sp ace+x.txt @2026-05-04T10:00:00Z"]),
        ("minio-put-empty.json", &["create empty.txt @2026-05-04T10:00:00Z"]),
        ("minio-delete.json", &["delete docs/sp ace+x.txt @2026-05-04T10:00:00Z"]),
        ("minio-noop-delete.json", &["delete never-there.txt @2026-05-04T10:00:00Z"]),
    ] {
        let decoded = notification(fixture(name).as_bytes(), &scope());
        assert_eq!((events(&decoded).as_slice(), reasons(&decoded)), (expected.map_owned().as_slice(), vec![]), "{name}");
        assert_eq!(decoded.ignored, IgnoredEvents::default(), "{name}");
    }
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}
impl MapOwned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[test]
fn a_test_event_is_ignored_inside_sns_as_well() {
    let test = fixture("aws-test-event.json");
    let inside = json!({ "Type": "Notification", "Message": test }).to_string();
    for message in [test, inside] {
        let decoded = notification(message.as_bytes(), &scope());
        assert_eq!(decoded.ignored, IgnoredEvents { test_events: 1, ..IgnoredEvents::default() });
        assert!(decoded.events.is_empty() && decoded.undecodable.is_empty());
    }
}

/// A put of one key, changed by `change`.
fn put(change: impl FnOnce(&mut Value)) -> Value {
    let mut message: Value = serde_json::from_str(&fixture("aws-put.json")).expect("JSON");
    change(&mut message["Records"][0]);
    message
}

#[test]
fn a_single_record_is_a_message_too() {
    let message = put(|_| ())["Records"][0].to_string();
    let decoded = notification(message.as_bytes(), &scope());
    assert_eq!(events(&decoded), ["create documents/red flower+x.txt @2026-05-04T10:00:00Z"]);
}

#[test]
fn a_record_that_cannot_be_decoded_has_a_reason() {
    for (change, reason) in [
        (Box::new(|record: &mut Value| record["s3"]["bucket"]["name"] = json!("other")) as Box<dyn FnOnce(&mut Value)>, "foreign_bucket"),
        (Box::new(|record| record["eventVersion"] = json!("3.0")), "unknown_version"),
        (Box::new(|record| record["eventVersion"] = json!(3)), "unknown_version"),
        (Box::new(|record| record["eventVersion"] = json!("20.1")), "unknown_version"),
        (Box::new(|record| record["s3"]["object"]["key"] = json!("%FF")), "bad_key"),
        (Box::new(|record| record["s3"]["object"]["key"] = json!("")), "empty_path"),
        (Box::new(|record| record["s3"]["object"]["key"] = json!(7)), "unknown_shape"),
        (Box::new(|record| record["s3"] = json!(null)), "unknown_shape"),
        (Box::new(|record| record["eventName"] = json!(null)), "unknown_shape"),
        (Box::new(|record| *record = json!("text")), "unknown_shape"),
    ] {
        let mut message = put(change);
        let sound = put(|_| ())["Records"][0].clone();
        message["Records"].as_array_mut().expect("a list").push(sound);
        let decoded = notification(message.to_string().as_bytes(), &scope());
        assert_eq!(reasons(&decoded), [reason]);
        assert_eq!(decoded.undecodable[0].raw, message["Records"][0].to_string().into_bytes(), "the record alone");
        assert_eq!(decoded.events.len(), 1, "the one beside it is sound");
    }
}

#[test]
fn a_message_that_cannot_be_decoded_has_a_reason() {
    let many = json!({ "Records": vec![Value::Null; 1001] }).to_string();
    let sns = |inner: &str| json!({ "Type": "Notification", "Message": inner }).to_string();
    for (message, reason) in [
        (b"{".to_vec(), "bad_json"),
        (Vec::new(), "bad_json"),
        (b"{\"Records\":[]} trailing".to_vec(), "bad_json"),
        (b"\xff".to_vec(), "unknown_shape"),
        (b"{\"Records\":[]".to_vec(), "bad_json"),
        (b"{\"Records\":[] \"a\":1}".to_vec(), "bad_json"),
        (vec![b' '; 1024 * 1024 + 1], "too_large"),
        (many.into_bytes(), "too_many_records"),
        (b"[]".to_vec(), "unknown_shape"),
        (b"{}".to_vec(), "unknown_shape"),
        (b"{\"Records\":{}}".to_vec(), "unknown_shape"),
        (b"{\"Type\":\"Notification\"}".to_vec(), "unknown_shape"),
        (sns("no json").into_bytes(), "bad_json"),
        (sns(&sns("{\"Records\":[]}")).into_bytes(), "unknown_shape"),
        (b"{\"Type\":\"SubscriptionConfirmation\"}".to_vec(), "subscription_confirmation"),
    ] {
        let decoded = notification(&message, &scope());
        assert_eq!(reasons(&decoded), [reason], "{}", String::from_utf8_lossy(&message[..message.len().min(80)]));
        assert_eq!(decoded.undecodable[0].raw, message);
    }
    let most = json!({ "Records": vec![put(|_| ())["Records"][0].clone(); 1000] }).to_string();
    assert_eq!(notification(most.as_bytes(), &scope()).events.len(), 1000);
}

#[test]
fn ignored_records_are_counted() {
    let unknown = put(|record| record["eventName"] = json!("ReducedRedundancyLostObject"));
    let elsewhere = put(|_| ());
    let no_time = put(|record| record["eventTime"] = json!("yesterday"));
    let minor = put(|record| record["eventVersion"] = json!("2.9"));
    let key = notification(elsewhere.to_string().as_bytes(), &scope()).events.remove(0).path;
    let prefixed = Scope::new("customer-bucket", "photos/");
    for (message, scope, expected, events) in [
        (&unknown, scope(), IgnoredEvents { unknown_names: 1, ..IgnoredEvents::default() }, 0),
        (&elsewhere, prefixed, IgnoredEvents { outside_prefix: 1, outside_example: Some(key), ..IgnoredEvents::default() }, 0),
        (&no_time, scope(), IgnoredEvents { unreadable_times: 1, ..IgnoredEvents::default() }, 1),
        (&minor, scope(), IgnoredEvents::default(), 1),
        (&elsewhere, Scope::new("arn:aws:s3:eu-west-1:1:accesspoint/x", "documents/red f"), IgnoredEvents::default(), 1),
    ] {
        let decoded = notification(message.to_string().as_bytes(), &scope);
        assert_eq!((&decoded.ignored, decoded.events.len(), reasons(&decoded)), (&expected, events, vec![]), "{message}");
    }
}

/// E3, E4: some stores name a bucket in events without its tenant, and AWS names the bucket behind an alias.
#[test]
fn the_bucket_of_an_event_is_compared_without_its_tenant_and_not_at_all_behind_an_access_point() {
    for (configured, named, own) in [
        ("tenant:customer-bucket", "customer-bucket", true),
        ("tenant:customer-bucket", "tenant:customer-bucket", true),
        (":customer-bucket", "customer-bucket", true),
        ("tenant:customer-bucket", "other:customer-bucket", false),
        ("tenant:other", "customer-bucket", false),
        ("customer-bucket", "tenant:customer-bucket", false),
        ("my-ap-ab12cd34ef56gh78ij90kl12mn34op56usw2a-s3alias", "customer-bucket", true),
        ("my-outpost-ab12--op-s3", "customer-bucket", true),
        ("my-lambda-ab12--ol-s3", "customer-bucket", true),
        ("s3alias", "customer-bucket", false),
    ] {
        let message = put(|record| record["s3"]["bucket"]["name"] = json!(named));
        let decoded = notification(message.to_string().as_bytes(), &Scope::new(configured, ""));
        assert_eq!(decoded.events.len(), usize::from(own), "{configured}: {named}");
    }
}

#[test]
fn every_name_of_a_family_means_the_same() {
    for (name, expected) in [
        ("ObjectCreated:Post", Some("create")),
        ("s3:ObjectCreated:CompleteMultipartUpload", Some("create")),
        ("ObjectRemoved:DeleteAllVersions", Some("delete")),
        ("LifecycleExpiration:DeleteMarkerCreated", Some("delete")),
        ("ObjectLifecycle:Expiration:Current", Some("delete")),
        ("ObjectRestore:Post", Some("touch")),
        ("ObjectTagging:Delete", Some("touch")),
        ("s3:ObjectAccessed:Get", None),
        ("ObjectCreated", None),
        ("ObjectCreatedish:Put", None),
    ] {
        let message = put(|record| record["eventName"] = json!(name));
        let decoded = notification(message.to_string().as_bytes(), &scope());
        assert_eq!(decoded.events.first().map(|event| event.kind.as_str()), expected, "{name}");
        assert_eq!(decoded.ignored.unknown_names, u64::from(expected.is_none()), "{name}");
    }
    for (name, expected) in [("Object Tags Added", Some("touch")), ("Object Storage Class Changed", None)] {
        let mut message: Value = serde_json::from_str(&fixture("eventbridge-created.json")).expect("JSON");
        message["detail-type"] = json!(name);
        let decoded = notification(message.to_string().as_bytes(), &scope());
        assert_eq!(decoded.events.first().map(|event| event.kind.as_str()), expected, "{name}");
    }
}

#[test]
fn the_text_of_an_error_is_escaped_and_short() {
    let message = put(|record| record["s3"]["bucket"]["name"] = json!(format!("\u{1b}[2J{}", "x".repeat(1000))));
    let decoded = notification(message.to_string().as_bytes(), &scope());
    let text = decoded.undecodable[0].error.to_string();
    assert!(text.contains("\\u{1b}[2Jxxx") && text.len() < 300, "{text}");
}
