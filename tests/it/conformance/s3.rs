//! What every implementation of a bucket must do.

use futures::{StreamExt as _, TryStreamExt as _};
use mock_s3::{Fault, Matcher, MockS3, NewObject, Options, Running};
use s3_sync::endpoint::{ByteStream, EndpointError, EndpointId};
use s3_sync::record::{ETag, ObjectKey, PageCursor};
use s3_sync::retry::Disposition;
use s3_sync::s3::{
    AwsBucket, AwsOptions, Checksum, ChecksumAlgorithm, GetRequest, ListRequest, MemoryBucket, MemoryObject, ReadBucket, ReadObjects,
    S3Error, S3ErrorKind,
};
use s3_sync::sdk::AccessKeys;
use s3_sync::transfer::{Verification, verified};
use std::collections::BTreeMap;

/// The maximum length of a key in S3.
const KEY_BYTES_MAX: usize = 1024;

/// Bodies by key.
pub(crate) type Seeds = BTreeMap<ObjectKey, Vec<u8>>;

/// The objects of a bucket under test. Each body is the object's key; the last one is empty.
pub(crate) fn seeds() -> Seeds {
    let hostile: Vec<String> = serde_json::from_str(include_str!("../../fixtures/hostile-keys.json")).expect("the fixture is JSON");
    let mut seeds: BTreeMap<_, _> =
        hostile.into_iter().filter(|raw| raw.len() <= KEY_BYTES_MAX).map(|raw| (key(&raw), raw.into_bytes())).collect();
    for raw in ["p", "p/", "p/\u{fffd}", "p/\u{ffff}", "p/\u{10000}", "p/a", "p/a+b c%20d", "p0"] {
        seeds.insert(key(raw), raw.as_bytes().to_vec());
    }
    seeds.insert(key("zz/empty"), Vec::new());
    seeds
}

pub(super) fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

pub(super) fn kind<T>(outcome: Result<T, S3Error>) -> Option<S3ErrorKind> {
    outcome.err().map(|error| error.kind)
}

async fn pages(bucket: &impl ReadBucket, prefix: &str, max_keys: u16) -> Vec<Vec<ObjectKey>> {
    let (mut pages, mut from) = (Vec::new(), PageCursor::Start);
    loop {
        let page = bucket.list_page(ListRequest { prefix: prefix.to_owned(), from, max_keys }).await.expect("a page");
        pages.push(page.objects.into_iter().map(|(key, _)| key).collect());
        match page.next {
            Some(next) => from = next,
            None => return pages,
        }
    }
}

async fn a_listing_shows_every_key_once_in_byte_order_whatever_the_page(bucket: &impl ReadBucket, seeds: &Seeds) {
    let expected: Vec<_> = seeds.keys().cloned().collect();
    for max_keys in [1, 7, 1000] {
        let pages = pages(bucket, "", max_keys).await;
        assert!(pages.iter().all(|page| page.len() <= usize::from(max_keys) && !page.is_empty()), "pages of {max_keys}");
        assert_eq!(pages.concat(), expected, "pages of {max_keys}");
    }
    let exact = u16::try_from(expected.len()).expect("few");
    assert_eq!(pages(bucket, "", exact).await.len(), 1, "nothing follows a last page that is full");
}

async fn a_prefix_is_bytes_and_start_after_need_not_exist(bucket: &impl ReadBucket, seeds: &Seeds) {
    let under = |prefix: &str| seeds.keys().filter(|key| key.as_str().starts_with(prefix)).cloned().collect::<Vec<_>>();
    for prefix in ["p", "p/", "p/a+b c", "..", "%", "a//", "x\n", "no such"] {
        assert_eq!(pages(bucket, prefix, 2).await.concat(), under(prefix), "{prefix:?}");
    }
    // U+FFFD is before U+10000 in byte order, and after it in the order of UTF-16.
    for after in ["p/a+", "p/\u{fffd}", "a", "q"] {
        let request = ListRequest { prefix: "p/".to_owned(), from: PageCursor::After(key(after)), max_keys: 1 };
        let page = bucket.list_page(request).await.expect("a page");
        let shown: Vec<_> = page.objects.into_iter().map(|(key, _)| key).collect();
        let next = under("p/").into_iter().find(|seed| *seed > key(after));
        assert_eq!(shown, next.into_iter().collect::<Vec<_>>(), "after {after:?}");
    }
}

async fn a_listing_a_head_and_a_get_agree(bucket: &impl ReadBucket, seeds: &Seeds) {
    let page = bucket.list_page(ListRequest { prefix: String::new(), from: PageCursor::Start, max_keys: 1000 }).await.expect("a page");
    for (key, listed) in page.objects {
        let expected = &seeds[&key];
        let head = bucket.head_object(&key).await.expect("a head");
        let got = bucket
            .get_object(GetRequest { key: key.clone(), if_match: listed.etag.clone(), size: None, range: None })
            .await
            .expect("an object");
        assert_eq!(got.head, head, "{key}");
        assert_eq!(listed.fingerprint(), head.facts.fingerprint(), "{key}");
        assert!(head.facts.etag.is_some() && head.facts.last_modified.is_some() && listed.last_modified.is_some(), "{key}");
        let (body, verdict) = verified(of_endpoint(got.body), (&EndpointId::new("s3"), &key), head.facts.size, head.checksum);
        let body: Vec<_> = body.try_collect().await.expect("a right body");
        assert_eq!(&body.concat(), expected, "{key}");
        assert!(matches!(verdict.get(), Some(Ok(Verification::Verified(_)))), "{key}: {verdict:?}");
    }
}

async fn a_missing_key_and_a_missing_bucket_are_different_errors(bucket: &impl ReadBucket, missing: &impl ReadBucket) {
    let get = |raw: &str, etag: Option<&str>| GetRequest { key: key(raw), if_match: etag.and_then(ETag::parse), size: None, range: None };
    let list = ListRequest { prefix: String::new(), from: PageCursor::Start, max_keys: 10 };

    assert_eq!(kind(bucket.head_bucket().await), None);
    assert_eq!(kind(bucket.head_object(&key("nowhere")).await), Some(S3ErrorKind::NoSuchKey));
    assert_eq!(kind(bucket.get_object(get("nowhere", None)).await), Some(S3ErrorKind::NoSuchKey));
    assert_eq!(kind(bucket.get_object(get("p/a", Some("another"))).await), Some(S3ErrorKind::PreconditionFailed));

    assert_eq!(kind(missing.head_bucket().await), Some(S3ErrorKind::NoSuchBucket));
    assert_eq!(kind(missing.list_page(list).await), Some(S3ErrorKind::NoSuchBucket));
    assert_eq!(kind(missing.get_object(get("p/a", None)).await), Some(S3ErrorKind::NoSuchBucket));
    // A HEAD cannot say whether the bucket or the key is missing: its 404 is no evidence without `head_bucket`.
    assert_eq!(kind(missing.head_object(&key("p/a")).await), Some(S3ErrorKind::NoSuchKey));
}

/// A bucket with the seeds, and a missing bucket at the same server.
pub(crate) async fn conforms(bucket: &impl ReadBucket, missing: &impl ReadBucket, seeds: &Seeds) {
    a_listing_shows_every_key_once_in_byte_order_whatever_the_page(bucket, seeds).await;
    a_prefix_is_bytes_and_start_after_need_not_exist(bucket, seeds).await;
    a_listing_a_head_and_a_get_agree(bucket, seeds).await;
    a_missing_key_and_a_missing_bucket_are_different_errors(bucket, missing).await;
}

#[tokio::test]
async fn a_bucket_in_memory_conforms() {
    let bucket = MemoryBucket::new("b").with_chunk_bytes(5);
    for (key, body) in seeds() {
        bucket.put(key, body);
    }
    let missing = MemoryBucket::new("missing");
    missing.vanish();
    conforms(&bucket, &missing, &seeds()).await;
}

#[tokio::test]
async fn a_checksum_of_the_object_s_own_is_used_in_memory_too() {
    let bucket = MemoryBucket::new("b");
    let crc = Checksum::of(ChecksumAlgorithm::Crc64Nvme, b"x");
    bucket.put(key("a"), MemoryObject::new("x").etag("e-2").checksum(Some(crc.clone())));
    assert_eq!(bucket.head_object(&key("a")).await.expect("a head").checksum, Some(crc));
}

pub(super) fn options_of(server: &Running, name: &str) -> AwsOptions {
    AwsOptions {
        endpoint: Some(server.endpoint().parse().expect("an address")),
        credentials: AccessKeys::new(Options::default().access_key, Options::default().secret_key).into(),
        ..AwsOptions::for_bucket(name)
    }
}

pub(super) async fn over_http(server: &Running, name: &str) -> AwsBucket {
    AwsBucket::connect(options_of(server, name)).await.expect("keys are given")
}

#[tokio::test]
async fn a_bucket_over_http_conforms_with_every_checksum() {
    use mock_s3::ChecksumAlgorithm::{Crc32c, Crc64Nvme};
    for checksum in [None, Some(Crc64Nvme), Some(Crc32c)] {
        let server = MockS3::new(Options { checksum, ..Options::default() }).start("127.0.0.1:0").await.expect("a free port");
        for (key, body) in seeds() {
            server.server().put("the-bucket", key.as_str(), body, None);
        }
        conforms(&over_http(&server, "the-bucket").await, &over_http(&server, "missing-bucket").await, &seeds()).await;
        server.stop().await;
    }
}

/// Converts an S3 body for the transfer.
pub(super) fn of_endpoint(body: s3_sync::s3::S3ByteStream) -> ByteStream {
    body.map_err(EndpointError::from).boxed()
}

/// The reason and the disposition of a failure of this kind.
fn failed(kind: S3ErrorKind) -> (String, Disposition) {
    described(&S3Error::new("GetObject", "k", kind, "").into())
}

fn described(error: &EndpointError) -> (String, Disposition) {
    (error.reason.to_string(), error.disposition)
}

/// The result of one GET: the body, or the error of the call or of the body.
async fn read(bucket: &impl ReadBucket, if_match: Option<ETag>) -> Result<Vec<u8>, (String, Disposition)> {
    let reading = async {
        let got = bucket.get_object(GetRequest { key: key("k"), if_match, size: None, range: None }).await?;
        let size = got.head.facts.size;
        let (body, _) = verified(of_endpoint(got.body), (&EndpointId::new("s3"), &key("k")), size, got.head.checksum);
        Ok(body.try_collect::<Vec<_>>().await?.concat())
    };
    reading.await.map_err(|error: EndpointError| described(&error))
}

#[tokio::test]
async fn every_fault_of_the_wire_ends_in_an_error_and_never_in_a_wrong_body() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    let bucket = over_http(&server, "the-bucket").await;
    for (fault, expected) in [
        (Fault::Reset, S3ErrorKind::Interrupted),
        (Fault::ResetAfter(100_000), S3ErrorKind::Interrupted),
        (Fault::CloseAfter(0), S3ErrorKind::Interrupted),
        (Fault::CloseAfter(299_999), S3ErrorKind::Interrupted),
        (Fault::Shorten(299_999), S3ErrorKind::ChecksumMismatch),
        (Fault::WrongByte(299_999), S3ErrorKind::ChecksumMismatch),
        (Fault::Replace(NewObject::bytes("new")), S3ErrorKind::PreconditionFailed),
        (Fault::Remove, S3ErrorKind::NoSuchKey),
        (Fault::BucketGone, S3ErrorKind::NoSuchBucket),
        (Fault::internal_error(), S3ErrorKind::Server),
        (Fault::access_denied(), S3ErrorKind::AccessDenied),
        (
            Fault::slow_down(Some(std::time::Duration::from_secs(3))),
            S3ErrorKind::Throttled { after: Some(std::time::Duration::from_secs(3)) },
        ),
    ] {
        let body = vec![7; 300_000];
        let etag = ETag::parse(&server.server().put("the-bucket", "k", body.clone(), None));
        assert!(read(&bucket, etag.clone()).await == Ok(body), "before {fault:?}");
        server.server().order(Matcher::operation("GetObject").times(1), fault.clone());
        assert_eq!(read(&bucket, etag).await, Err(failed(expected)), "{fault:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn wrong_keys_are_reported_as_such() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    server.server().create_bucket("the-bucket");
    for (access, secret) in [("unknown", "mock-secret-key"), ("mock-access-key", "wrong")] {
        let options = AwsOptions {
            endpoint: Some(server.endpoint().parse().expect("an address")),
            credentials: AccessKeys::new(access, secret).into(),
            ..AwsOptions::for_bucket("the-bucket")
        };
        let bucket = AwsBucket::connect(options).await.expect("keys are given");
        assert_eq!(read(&bucket, None).await, Err(failed(S3ErrorKind::BadCredentials)), "{access}");
    }
    server.stop().await;
}
