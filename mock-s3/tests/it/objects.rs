//! Objects: write, read, copy, delete, and the preconditions of each.

use crate::harness::{BUCKET, Failure, Harness, assert_fails};
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{Delete, MetadataDirective, ObjectIdentifier, StorageClass};
use mock_s3::NewObject;

/// `printf hello | md5sum`
const HELLO_MD5: &str = "5d41402abc4b2a76b9719d911017c592";

#[tokio::test]
async fn a_get_returns_what_a_put_stored() {
    let harness = Harness::start().await;
    let put = harness.client.put_object().bucket(BUCKET).key("a.txt").body(ByteStream::from_static(b"hello"));
    let put = put.content_type("text/plain").metadata("colour", "grün").storage_class(StorageClass::StandardIa);
    let put = put.send().await.expect("stored");
    assert_eq!(put.e_tag(), Some(format!("\"{HELLO_MD5}\"").as_str()));

    let head = harness.client.head_object().bucket(BUCKET).key("a.txt").send().await.expect("there");
    assert_eq!(head.e_tag(), put.e_tag());
    assert_eq!(head.content_length(), Some(5));
    assert_eq!(head.content_type(), Some("text/plain"));
    assert_eq!(
        head.metadata().and_then(|metadata| metadata.get("colour")).map(String::as_str),
        Some("=?UTF-8?B?Z3LDvG4=?="),
        "as S3: RFC 2047"
    );
    assert_eq!(head.storage_class(), Some(&StorageClass::StandardIa));
    assert_eq!(head.checksum_crc64_nvme(), None, "not requested");

    let got = harness.client.get_object().bucket(BUCKET).key("a.txt").send().await.expect("there");
    assert_eq!(got.e_tag(), put.e_tag());
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(got.last_modified(), head.last_modified());
    assert_eq!(got.body.collect().await.expect("a body").to_vec(), b"hello");

    let facts = &harness.server().objects(BUCKET)[0];
    assert_eq!((facts.key.as_str(), facts.size, facts.etag.as_str()), ("a.txt", 5, HELLO_MD5));
    assert_eq!(harness.server().body(BUCKET, "a.txt").as_deref(), Some(b"hello".as_slice()));
}

#[tokio::test]
async fn an_empty_object_and_the_defaults() {
    let harness = Harness::start().await;
    let modified = "2024-02-29T12:34:56.789Z".parse().expect("a timestamp");
    harness.server().put_object(BUCKET, "empty", NewObject::bytes("").last_modified(modified));
    let got = harness.client.get_object().bucket(BUCKET).key("empty").send().await.expect("there");
    assert_eq!((got.content_length(), got.content_type(), got.storage_class()), (Some(0), Some("binary/octet-stream"), None));
    let whole_seconds = DateTime::from_str("2024-02-29T12:34:56Z", DateTimeFormat::DateTime).expect("a time");
    assert_eq!(got.last_modified(), Some(&whole_seconds));
    assert_eq!(got.e_tag(), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
    assert!(got.body.collect().await.expect("a body").to_vec().is_empty());
}

#[tokio::test]
async fn conditions_of_a_read() {
    let harness = Harness::start().await;
    let modified: jiff::Timestamp = "2024-02-29T12:00:00Z".parse().expect("a timestamp");
    harness.server().put_object(BUCKET, "a", NewObject::bytes("hello").last_modified(modified));
    let get = || harness.client.get_object().bucket(BUCKET).key("a");
    let (hello, other) = (format!("\"{HELLO_MD5}\""), "\"00000000000000000000000000000000\"");
    let at = |seconds: i64| DateTime::from_secs(modified.as_second() + seconds);

    get().if_match(&hello).send().await.expect("it is that one");
    get().if_match("*").send().await.expect("there is one");
    get().if_none_match(other).send().await.expect("it is not that one");
    get().if_unmodified_since(at(0)).send().await.expect("not modified since");
    get().if_modified_since(at(-1)).send().await.expect("modified since");
    assert_fails(get().if_match(other).send().await, 412, "PreconditionFailed");
    assert_fails(get().if_unmodified_since(at(-1)).send().await, 412, "PreconditionFailed");
    for unchanged in [get().if_none_match(&hello).send().await, get().if_modified_since(at(0)).send().await] {
        assert_eq!(Failure::of(&unchanged.expect_err("not modified")).status, 304);
    }
    let head = harness.client.head_object().bucket(BUCKET).key("a").if_match(other).send().await;
    assert_eq!(Failure::of(&head.expect_err("another one")).status, 412);
    assert_fails(harness.client.get_object().bucket(BUCKET).key("b").if_match(&hello).send().await, 404, "NoSuchKey");
    // The connection is still usable after every refusal.
    assert_eq!(harness.get("a").await.expect("served"), b"hello");
    assert_eq!(harness.server().counters().connections, 1);
}

#[tokio::test]
async fn conditions_of_a_write() {
    let harness = Harness::start().await;
    let put = |body: &'static [u8]| harness.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(body));
    assert_fails(put(b"x").if_match("\"00\"").send().await, 404, "NoSuchKey");
    put(b"hello").if_none_match("*").send().await.expect("there was none");
    assert_fails(put(b"x").if_none_match("*").send().await, 412, "PreconditionFailed");
    assert_fails(put(b"x").if_match("\"00\"").send().await, 412, "PreconditionFailed");
    assert_eq!(harness.get("a").await.expect("served"), b"hello");
    put(b"y").if_match(HELLO_MD5).send().await.expect("it is that one");
    assert_eq!(harness.get("a").await.expect("served"), b"y");
}

#[tokio::test]
async fn ranges() {
    let harness = Harness::start().await;
    harness.server().put(BUCKET, "a", "0123456789", None);
    for (range, body, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=0-99", "0123456789", "bytes 0-9/10"),
    ] {
        let got = harness.client.get_object().bucket(BUCKET).key("a").range(range).send().await.expect("a part");
        assert_eq!(got.content_range(), Some(content_range));
        assert_eq!(got.body.collect().await.expect("a body").to_vec(), body.as_bytes(), "{range}");
    }
    let beyond = harness.client.get_object().bucket(BUCKET).key("a").range("bytes=10-").send().await;
    assert_fails(beyond, 416, "InvalidRange");
}

#[tokio::test]
async fn a_large_generated_object_has_the_bytes_of_its_seed() {
    let harness = Harness::start().await;
    let size = 16 * 1024 * 1024 + 17;
    let etag = harness.server().put_generated(BUCKET, "large", size, 42);
    let got = harness.client.get_object().bucket(BUCKET).key("large").send().await.expect("there");
    assert_eq!(got.content_length(), i64::try_from(size).ok());
    assert_eq!(got.e_tag(), Some(format!("\"{etag}\"").as_str()));
    let (mut body, mut expected, mut received) = (got.body, mock_s3::generated(size, 42).flatten(), 0);
    // The SDK verifies the CRC-64/NVME during this read.
    while let Some(chunk) = body.try_next().await.expect("the body is right") {
        assert!(chunk.iter().copied().eq(expected.by_ref().take(chunk.len())), "at {received}");
        received += chunk.len() as u64;
    }
    assert_eq!(received, size);

    let part = harness.client.get_object().bucket(BUCKET).key("large").range("bytes=16777210-").send().await.expect("a part");
    let part = part.body.collect().await.expect("a body").to_vec();
    assert!(part.into_iter().eq(mock_s3::generated(size, 42).flatten().skip(16_777_210)));
}

#[tokio::test]
async fn copies() {
    let harness = Harness::start().await;
    let source = NewObject::bytes("hello").content_type("text/plain").metadata("a", "1");
    harness.server().put_object(BUCKET, "a b+c", source);
    let copy = |to: &str| harness.client.copy_object().bucket(BUCKET).key(to).copy_source(format!("{BUCKET}/a%20b%2Bc"));
    let copied = copy("copy").send().await.expect("copied");
    assert_eq!(copied.copy_object_result().and_then(|result| result.e_tag()), Some(format!("\"{HELLO_MD5}\"").as_str()));
    copy("changed").metadata_directive(MetadataDirective::Replace).content_type("x/y").send().await.expect("copied");
    let objects = harness.server().objects(BUCKET);
    let output: Vec<_> = objects.iter().map(|object| (object.key.as_str(), object.content_type.as_str(), object.metadata.len())).collect();
    assert_eq!(output, [("a b+c", "text/plain", 1), ("changed", "x/y", 0), ("copy", "text/plain", 1)]);
    assert_eq!(harness.get("copy").await.expect("served"), b"hello");

    assert_fails(copy("a b+c").send().await, 400, "InvalidRequest");
    assert_fails(copy("x").copy_source_if_match("\"00\"").send().await, 412, "PreconditionFailed");
    assert_fails(copy("x").copy_source_if_none_match(HELLO_MD5).send().await, 412, "PreconditionFailed");
    let missing = harness.client.copy_object().bucket(BUCKET).key("x").copy_source(format!("{BUCKET}/missing"));
    assert_fails(missing.send().await, 404, "NoSuchKey");
}

#[tokio::test]
async fn deletes() {
    let harness = Harness::start().await;
    for key in ["a", "b", "c", "d"] {
        harness.server().put(BUCKET, key, key, None);
    }
    harness.client.delete_object().bucket(BUCKET).key("a").send().await.expect("deleted");
    harness.client.delete_object().bucket(BUCKET).key("a").send().await.expect("what is not there is deleted, too");
    assert_fails(harness.client.delete_object().bucket(BUCKET).key("b").if_match("\"00\"").send().await, 412, "PreconditionFailed");

    let identifiers = ["b", "missing", "d"].map(|key| ObjectIdentifier::builder().key(key).build().expect("a key"));
    let many = Delete::builder().set_objects(Some(identifiers.into())).build().expect("a list");
    let deleted = harness.client.delete_objects().bucket(BUCKET).delete(many).send().await.expect("deleted");
    assert_eq!(deleted.deleted().iter().filter_map(|object| object.key()).collect::<Vec<_>>(), ["b", "missing", "d"]);
    assert_eq!(deleted.errors(), []);
    assert_eq!(harness.server().objects(BUCKET).len(), 1);
    assert!(harness.get("d").await.expect_err("gone").is(404, "NoSuchKey"));
    let head = harness.client.head_object().bucket(BUCKET).key("d").send().await;
    assert_eq!(Failure::of(&head.expect_err("gone")).status, 404);
}

#[tokio::test]
async fn missing_objects_are_refused() {
    let harness = Harness::start().await;
    harness.server().put(BUCKET, "a", "x", None);
    let get = || harness.client.get_object().bucket(BUCKET).key("a");
    assert_fails(get().version_id("1").send().await, 501, "NotImplemented");
    assert_fails(get().part_number(1).send().await, 501, "NotImplemented");
    assert_fails(harness.client.get_object_tagging().bucket(BUCKET).key("a").send().await, 501, "NotImplemented");
}

#[tokio::test]
async fn the_log_shows_the_requests_and_can_be_off() {
    let harness = Harness::start().await;
    let etag = harness.server().put(BUCKET, "a", "0123", None);
    harness.client.get_object().bucket(BUCKET).key("a").if_match(&etag).range("bytes=1-2").send().await.expect("served");
    harness.client.list_objects_v2().bucket(BUCKET).start_after("a b").send().await.expect("a page");
    let requests = harness.server().requests();
    let [get, list] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((get.operation.as_str(), get.bucket.as_deref(), get.key.as_deref()), ("GetObject", Some(BUCKET), Some("a")));
    assert_eq!((get.if_match.as_deref(), get.range.as_deref()), (Some(etag.as_str()), Some("bytes=1-2")));
    assert_eq!((list.operation.as_str(), list.key.as_deref()), ("ListObjectsV2", None));
    assert!(list.query.contains("start-after=a%20b"), "{}", list.query);

    let silent = Harness::with(mock_s3::Options { keep_log: false, ..mock_s3::Options::default() }).await;
    silent.server().put(BUCKET, "a", "x", None);
    silent.get("a").await.expect("served");
    assert_eq!(silent.server().requests(), []);
    assert_eq!(silent.server().counters().operations.get("GetObject"), Some(&1));
}
