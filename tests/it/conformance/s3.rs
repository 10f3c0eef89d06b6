//! What every bucket must do, whoever implements it.

use futures::TryStreamExt;
use s3_sync::record::{ETag, ObjectKey};
use s3_sync::s3::{ChecksumAlgorithm, GetRequest, ListRequest, MemoryBucket, MemoryObject, ReadBucket, S3Error, S3ErrorKind};
use s3_sync::transfer::{Verification, verified};
use std::collections::BTreeMap;

/// The objects that a bucket is filled with before it is tried: each body is its key, the last one's is empty.
fn seeds() -> BTreeMap<ObjectKey, Vec<u8>> {
    let hostile: Vec<String> = serde_json::from_str(include_str!("../../fixtures/hostile-keys.json")).expect("the fixture is JSON");
    let mut seeds: BTreeMap<_, _> = hostile.into_iter().map(|raw| (key(&raw), raw.into_bytes())).collect();
    for raw in ["p", "p/", "p/\u{ffff}", "p/\u{10000}", "p/a", "p/a+b c%20d", "p0"] {
        seeds.insert(key(raw), raw.as_bytes().to_vec());
    }
    seeds.insert(key("zz/empty"), Vec::new());
    seeds
}

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

fn kind<T>(outcome: Result<T, S3Error>) -> Option<S3ErrorKind> {
    outcome.err().map(|error| error.kind)
}

async fn pages(bucket: &impl ReadBucket, prefix: &str, max_keys: u16) -> Vec<Vec<ObjectKey>> {
    let mut pages: Vec<Vec<ObjectKey>> = Vec::new();
    loop {
        let start_after = pages.last().and_then(|page| page.last().cloned());
        let page = bucket.list_page(ListRequest { prefix: prefix.to_owned(), start_after, max_keys }).await.expect("a page");
        pages.push(page.objects.into_iter().map(|(key, _)| key).collect());
        if !page.more {
            return pages;
        }
    }
}

async fn a_listing_shows_every_key_once_in_byte_order_whatever_the_page(bucket: &impl ReadBucket) {
    let expected: Vec<_> = seeds().into_keys().collect();
    for max_keys in [1, 7, 1000] {
        let pages = pages(bucket, "", max_keys).await;
        assert!(pages.iter().all(|page| page.len() <= usize::from(max_keys) && !page.is_empty()), "pages of {max_keys}");
        assert_eq!(pages.concat(), expected, "pages of {max_keys}");
    }
    let exact = u16::try_from(expected.len()).expect("few");
    assert_eq!(pages(bucket, "", exact).await.len(), 1, "nothing follows a last page that is full");
}

async fn a_prefix_is_bytes_and_start_after_need_not_exist(bucket: &impl ReadBucket) {
    let under = |prefix: &str| seeds().into_keys().filter(|key| key.as_str().starts_with(prefix)).collect::<Vec<_>>();
    for prefix in ["p", "p/", "p/a+b c", "..", "%", "a//", "x\n", "no such"] {
        assert_eq!(pages(bucket, prefix, 2).await.concat(), under(prefix), "{prefix:?}");
    }
    for (after, first) in [("p/a+", Some("p/a+b c%20d")), ("p/\u{ffff}", Some("p/\u{10000}")), ("a", Some("p/")), ("q", None)] {
        let request = ListRequest { prefix: "p/".to_owned(), start_after: Some(key(after)), max_keys: 1 };
        let page = bucket.list_page(request).await.expect("a page");
        assert_eq!(page.objects.first().map(|(key, _)| key.as_str()), first, "after {after:?}");
    }
}

async fn what_a_listing_a_head_and_a_get_tell_is_the_same(bucket: &impl ReadBucket) {
    let page = bucket.list_page(ListRequest { prefix: String::new(), start_after: None, max_keys: 1000 }).await.expect("a page");
    for (key, listed) in page.objects {
        let expected = &seeds()[&key];
        let head = bucket.head_object(&key).await.expect("a head");
        let got = bucket.get_object(GetRequest { key: key.clone(), if_match: listed.etag.clone() }).await.expect("an object");
        assert_eq!(got.head, head, "{key}");
        assert_eq!(listed.fingerprint(), head.facts.fingerprint(), "{key}");
        assert!(head.facts.etag.is_some() && head.facts.last_modified.is_some() && listed.last_modified.is_some(), "{key}");
        let (body, verdict) = verified(got.body, &key, head.facts.size, head.checksum);
        let body: Vec<_> = body.try_collect().await.expect("a right body");
        assert_eq!(&body.concat(), expected, "{key}");
        assert!(matches!(verdict.get(), Some(Ok(Verification::Verified(_)))), "{key}: {verdict:?}");
    }
}

async fn what_is_not_there_is_told_apart(bucket: &impl ReadBucket, missing: &impl ReadBucket) {
    let get = |raw: &str, etag: Option<&str>| GetRequest { key: key(raw), if_match: etag.and_then(ETag::parse) };
    let list = ListRequest { prefix: String::new(), start_after: None, max_keys: 10 };

    assert_eq!(kind(bucket.head_bucket().await), None);
    assert_eq!(kind(bucket.head_object(&key("nowhere")).await), Some(S3ErrorKind::NoSuchKey));
    assert_eq!(kind(bucket.get_object(get("nowhere", None)).await), Some(S3ErrorKind::NoSuchKey));
    assert_eq!(kind(bucket.get_object(get("p/a", Some("another"))).await), Some(S3ErrorKind::PreconditionFailed));

    assert_eq!(kind(missing.head_bucket().await), Some(S3ErrorKind::NoSuchBucket));
    assert_eq!(kind(missing.list_page(list).await), Some(S3ErrorKind::NoSuchBucket));
    assert_eq!(kind(missing.get_object(get("p/a", None)).await), Some(S3ErrorKind::NoSuchBucket));
    // A HEAD cannot say which of the two is missing: why a 404 is no evidence without `head_bucket`.
    assert_eq!(kind(missing.head_object(&key("p/a")).await), Some(S3ErrorKind::NoSuchKey));
}

async fn conforms(bucket: &impl ReadBucket, missing: &impl ReadBucket) {
    a_listing_shows_every_key_once_in_byte_order_whatever_the_page(bucket).await;
    a_prefix_is_bytes_and_start_after_need_not_exist(bucket).await;
    what_a_listing_a_head_and_a_get_tell_is_the_same(bucket).await;
    what_is_not_there_is_told_apart(bucket, missing).await;
}

#[tokio::test]
async fn a_bucket_in_memory_conforms() {
    let bucket = MemoryBucket::new("b").with_chunk_bytes(5);
    seeds().into_iter().for_each(|(key, body)| bucket.put(key, body));
    let missing = MemoryBucket::new("missing");
    missing.vanish();
    conforms(&bucket, &missing).await;
}

#[tokio::test]
async fn a_checksum_of_the_object_s_own_is_used_in_memory_too() {
    let bucket = MemoryBucket::new("b");
    let crc = s3_sync::s3::Checksum::of(ChecksumAlgorithm::Crc64Nvme, b"x");
    bucket.put(key("a"), MemoryObject::new("x").etag("e-2").checksum(Some(crc.clone())));
    assert_eq!(s3_sync::s3::ReadObjects::head_object(&bucket, &key("a")).await.expect("a head").checksum, Some(crc));
}
