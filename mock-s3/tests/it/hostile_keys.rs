//! Keys that must never become a path: each is stored, listed, read and deleted as it is.

use crate::harness::{BUCKET, Harness};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::EncodingType;
use std::collections::BTreeSet;

/// Why a key of the list cannot be sent; `None` = it can. Characters that a URL cannot hold are percent-encoded, even NUL.
fn reason_not_to_travel(key: &str) -> Option<&'static str> {
    match key {
        " " => Some("the SDK takes a key of nothing but white space for a missing one, and sends no request"),
        long if long.len() > 1024 => Some("S3 allows 1,024 bytes"),
        _ => None,
    }
}

fn hostile_keys() -> BTreeSet<String> {
    let keys: BTreeSet<String> = serde_json::from_str(include_str!("../fixtures/hostile-keys.json")).expect("a list of strings");
    assert!(keys.len() > 80, "only {} keys", keys.len());
    keys
}

#[tokio::test]
async fn every_key_is_stored_listed_and_read_unchanged() {
    let harness = Harness::start().await;
    let (stay, keys): (BTreeSet<_>, BTreeSet<_>) = hostile_keys().into_iter().partition(|key| reason_not_to_travel(key).is_some());
    assert_eq!(stay.len(), 2, "{stay:?}");
    let put = |key: &str| harness.client.put_object().bucket(BUCKET).key(key).body(ByteStream::from(key.as_bytes().to_vec())).send();
    for key in &stay {
        put(key).await.expect_err("refused, by the SDK or the server");
    }
    for key in &keys {
        put(key).await.unwrap_or_else(|error| panic!("{key:?}: {error:?}"));
    }
    let stored: BTreeSet<String> = harness.server().objects(BUCKET).into_iter().map(|object| object.key).collect();
    assert_eq!(stored, keys, "what is stored is exactly what was sent");

    for key in &keys {
        assert_eq!(harness.get(key).await.expect("served"), key.as_bytes(), "{key:?}");
        let list = harness.client.list_objects_v2().bucket(BUCKET).prefix(key).encoding_type(EncodingType::Url);
        let page = list.send().await.expect("a page that can be read");
        assert_eq!(page.contents()[0].size(), i64::try_from(key.len()).ok(), "{key:?} is the first with itself as prefix");
        harness.client.delete_object().bucket(BUCKET).key(key).send().await.expect("deleted");
    }
    assert_eq!(harness.server().objects(BUCKET), []);
}

/// The SDK can neither write nor read this key, but a listing contains it, so a client must expect it.
#[tokio::test]
async fn a_key_of_white_space_is_listed() {
    let harness = Harness::start().await;
    harness.server().put(BUCKET, " ", "x", None);
    let page = harness.client.list_objects_v2().bucket(BUCKET).encoding_type(EncodingType::Url).send().await.expect("a page");
    assert_eq!(page.contents()[0].key(), Some("+"));
    harness.get(" ").await.expect_err("the SDK sends no request");
    assert_eq!(harness.server().counters().requests, 1);
}

#[tokio::test]
async fn a_key_of_1024_bytes_is_stored_and_a_longer_one_is_refused() {
    let harness = Harness::start().await;
    let longest = "ü".repeat(512);
    let put = |key: String| harness.client.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"x")).send();
    put(longest.clone()).await.expect("stored");
    assert_eq!(harness.get(&longest).await.expect("served"), b"x");
    crate::harness::assert_fails(put(longest + "x").await, 400, "KeyTooLongError");
}
