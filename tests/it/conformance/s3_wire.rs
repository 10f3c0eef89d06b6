//! The AWS bucket against responses that no S3 server sends on demand: their interpretation, and the requests.

use super::canned::{Answer, Canned, Then};
use super::s3::of_endpoint;
use futures::TryStreamExt;
use s3_sync::endpoint::{EndpointErrorKind, EndpointId};
use s3_sync::record::{ETag, ObjectKey, PageCursor};
use s3_sync::s3::{AwsBucket, AwsOptions, GetRequest, ListObjects, ListPage, ListRequest, ReadObjects, S3Error, S3ErrorKind};
use s3_sync::sdk::AccessKeys;
use s3_sync::transfer::verified;
use std::time::Duration;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub(super) fn options(endpoint: &str) -> AwsOptions {
    AwsOptions {
        endpoint: Some(endpoint.parse().expect("an address")),
        credentials: AccessKeys::new("AKIDEXAMPLE", SECRET).into(),
        ..AwsOptions::for_bucket("the-bucket")
    }
}

pub(super) async fn bucket(endpoint: &str) -> AwsBucket {
    AwsBucket::connect(options(endpoint)).await.expect("keys are given")
}

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

fn all() -> ListRequest {
    ListRequest { prefix: String::new(), from: PageCursor::Start, max_keys: 1000 }
}

#[derive(Clone, Copy, Debug)]
enum Call {
    List,
    HeadBucket,
    Head,
    Get,
}

async fn call(bucket: &AwsBucket, call: Call) -> Result<(), S3Error> {
    match call {
        Call::List => bucket.list_page(all()).await.map(drop),
        Call::HeadBucket => bucket.head_bucket().await,
        Call::Head => bucket.head_object(&key("k")).await.map(drop),
        Call::Get => bucket.get_object(GetRequest { key: key("k"), if_match: None, size: None, range: None }).await.map(drop),
    }
}

/// The body of a GET, or the error of the call or of the body.
async fn read(bucket: &AwsBucket) -> Result<Vec<u8>, S3Error> {
    let got = bucket.get_object(GetRequest { key: key("k"), if_match: None, size: None, range: None }).await?;
    Ok(got.body.try_collect::<Vec<_>>().await?.concat())
}

fn xml(code: &str, rest: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>words</Message>{rest}</Error>")
}

#[tokio::test]
async fn a_response_that_is_no_success_is_an_error_with_its_kind_and_message() {
    let region = xml("AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>");
    let throttled = S3ErrorKind::Throttled { after: Some(Duration::from_secs(7)) };
    for (asked, answer, kind, words) in [
        (Call::Get, Answer::whole(404, &[], &xml("NoSuchKey", "")), S3ErrorKind::NoSuchKey, "GetObject k: NoSuchKey: words (HTTP 404)"),
        (Call::Get, Answer::whole(404, &[], &xml("NoSuchBucket", "")), S3ErrorKind::NoSuchBucket, "NoSuchBucket: words"),
        (
            Call::List,
            Answer::whole(404, &[], &xml("NoSuchBucket", "")),
            S3ErrorKind::NoSuchBucket,
            "ListObjectsV2 the-bucket: NoSuchBucket",
        ),
        (Call::Head, Answer::head(404, &[]), S3ErrorKind::NoSuchKey, "HeadObject k: HTTP 404"),
        (Call::HeadBucket, Answer::head(404, &[]), S3ErrorKind::NoSuchBucket, "HeadBucket the-bucket: HTTP 404"),
        (Call::Head, Answer::head(412, &[]), S3ErrorKind::PreconditionFailed, "HTTP 412"),
        (Call::HeadBucket, Answer::head(301, &["x-amz-bucket-region: eu-west-3"]), S3ErrorKind::Other, "is in region eu-west-3"),
        (Call::List, Answer::whole(400, &[], &region), S3ErrorKind::Other, "is in region eu-central-1, not in us-east-1"),
        (
            Call::List,
            Answer::whole(403, &[], &xml("SignatureDoesNotMatch", "<SignatureProvided>0a1b</SignatureProvided>")),
            S3ErrorKind::BadCredentials,
            "SignatureDoesNotMatch",
        ),
        (Call::Get, Answer::whole(403, &[], &xml("InvalidObjectState", "")), S3ErrorKind::Archived, "InvalidObjectState"),
        (Call::Get, Answer::whole(503, &["Retry-After: 7"], &xml("SlowDown", "")), throttled, "SlowDown"),
        (Call::Get, Answer::whole(502, &[], "<html>bad gateway</html>"), S3ErrorKind::Server, "HTTP 502"),
        (Call::List, Answer::whole(500, &[], "no XML"), S3ErrorKind::Server, "HTTP 500"),
        (Call::List, Answer::whole(404, &[], "<html>not found</html>"), S3ErrorKind::NoSuchBucket, "HTTP 404"),
        (Call::Get, Answer::whole(400, &[], &xml("Odd\u{202e}", "")), S3ErrorKind::Other, "Odd\\u{202e}"),
    ] {
        let server = Canned::start(answer).await;
        let error = call(&bucket(&server.endpoint).await, asked).await.expect_err("it is no success");
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.to_string().contains("0a1b"), "{error}");
        assert_eq!(server.requests().len(), 1, "one call is one attempt: {error}");
    }
}

/// E6: the response to a HEAD has no body, so expired credentials appeared as a missing right.
#[tokio::test]
async fn a_listing_says_why_a_head_is_refused() {
    let empty = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    for (asked, status, listing, kind, words) in [
        (Call::Head, 403, Answer::whole(200, &[], empty), S3ErrorKind::AccessDenied, "needs s3:GetObject"),
        (Call::Head, 403, Answer::whole(403, &[], &xml("AccessDenied", "")), S3ErrorKind::AccessDenied, "needs s3:GetObject"),
        (Call::Head, 400, Answer::whole(400, &[], &xml("ExpiredToken", "")), S3ErrorKind::BadCredentials, "HeadObject k: HTTP 400"),
        (Call::HeadBucket, 400, Answer::whole(400, &[], &xml("ExpiredToken", "")), S3ErrorKind::BadCredentials, "says why: ExpiredToken"),
        (Call::HeadBucket, 403, Answer::whole(500, &[], ""), S3ErrorKind::AccessDenied, "needs s3:ListBucket"),
    ] {
        let server = Canned::start_by_method(Answer::head(status, &[]), listing).await;
        let error = call(&bucket(&server.endpoint).await, asked).await.expect_err("it is no success");
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        let requests = server.requests();
        assert!(requests.len() == 2 && requests[1].contains("max-keys=1"), "{requests:?}");
    }
}

async fn page_of(body: &str) -> Result<ListPage, S3Error> {
    let server = Canned::start(Answer::whole(200, &[], body)).await;
    bucket(&server.endpoint).await.list_page(all()).await
}

#[tokio::test]
async fn a_success_that_is_no_whole_listing_is_an_error() {
    let listing = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>\
                   <Contents><Key>a%2Bb</Key><Size>1</Size></Contents><Contents><Key>c+d</Key><Size>1</Size></Contents></ListBucketResult>";
    let page = page_of(listing).await.expect("a whole listing");
    assert_eq!(page.objects.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a+b", "c d"]);

    // A complete HTTP response with a truncated document: wherever it is cut, nothing of it is used.
    for cut in 0..listing.len() {
        let error = page_of(&listing[..cut]).await.expect_err("a part of a listing");
        assert!(error.kind == S3ErrorKind::Interrupted || cut <= "<ListBucketResult>".len(), "{cut}: {error}");
    }
    for (body, kind) in [
        ("<html><body>It works!</body></html>", S3ErrorKind::Other),
        ("<ListBucketResult></ListBucketResult>", S3ErrorKind::Other),
        (&xml("InternalError", ""), S3ErrorKind::Server),
        (&xml("SlowDown", ""), S3ErrorKind::Throttled { after: None }),
    ] {
        let error = page_of(body).await.expect_err("no listing");
        assert_eq!(error.kind, kind, "{error}");
    }
}

#[tokio::test]
async fn without_a_response_the_error_says_how_the_call_failed() {
    let rude = Canned::start_rude().await;
    let no_tls = rude.endpoint.replace("http:", "https:");
    for endpoint in ["http://127.0.0.1:1", &no_tls] {
        for asked in [Call::List, Call::Get] {
            let error = call(&bucket(endpoint).await, asked).await.expect_err("no server listens");
            assert_eq!(error.kind, S3ErrorKind::Unreachable, "{endpoint}: {error}");
        }
    }

    let closes = Canned::start(Answer::none(Then::Close)).await;
    for asked in [Call::List, Call::HeadBucket, Call::Head, Call::Get] {
        let error = call(&bucket(&closes.endpoint).await, asked).await.expect_err("it hangs up");
        assert_eq!(error.kind, S3ErrorKind::Interrupted, "{error}");
    }

    let hangs = Canned::start(Answer::none(Then::Hang)).await;
    for (read_timeout, call_timeout, asked) in [(50, 60_000, Call::Get), (50, 60_000, Call::List), (60_000, 50, Call::Head)] {
        let (read_timeout, call_timeout) = (Duration::from_millis(read_timeout), Duration::from_millis(call_timeout));
        let impatient = AwsBucket::connect(AwsOptions { read_timeout, call_timeout, ..options(&hangs.endpoint) }).await.expect("keys");
        let error = call(&impatient, asked).await.expect_err("no answer comes");
        assert_eq!(error.kind, S3ErrorKind::Timeout, "{error}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_or_stands_still_ends_in_an_error() {
    let cut = Canned::start(Answer::cut(10, "01234", Then::Close)).await;
    let error = read(&bucket(&cut.endpoint).await).await.expect_err("five bytes are missing");
    assert_eq!(error.kind, S3ErrorKind::Interrupted, "{error}");
    assert!(error.to_string().starts_with("GetObject k: "), "{error}");
    let error = bucket(&cut.endpoint).await.list_page(all()).await.expect_err("five bytes are missing");
    assert_eq!(error.kind, S3ErrorKind::Interrupted, "{error}");

    let stalled = Canned::start(Answer::cut(10, "01234", Then::Hang)).await;
    let impatient =
        AwsOptions { stall_timeout: Duration::from_millis(50), call_timeout: Duration::from_millis(50), ..options(&stalled.endpoint) };
    let impatient = AwsBucket::connect(impatient).await.expect("keys");
    let error = read(&impatient).await.expect_err("five bytes never come");
    assert_eq!(error.kind, S3ErrorKind::Timeout, "{error}");
    let error = impatient.list_page(all()).await.expect_err("five bytes never come");
    assert_eq!(error.kind, S3ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn a_get_asks_for_checksums_and_leaves_the_verification_to_us() {
    // The CRC32 of `123456789`.
    let headers = ["ETag: \"e\"", "x-amz-checksum-crc32: y/Q5Jg==", "x-amz-checksum-type: FULL_OBJECT", "Content-Type: text/x"];
    let server = Canned::start(Answer::whole(200, &headers, "123456780")).await;
    let bucket = bucket(&server.endpoint).await;
    let request = GetRequest { key: key("../a//b/./+ %2e"), if_match: ETag::parse("e"), size: None, range: None };
    let got = bucket.get_object(request.clone()).await.expect("an answer");
    assert_eq!(got.head.metadata.content_type.as_deref(), Some("text/x"));
    let (body, _) = verified(of_endpoint(got.body), (&EndpointId::new("s3"), &request.key), got.head.facts.size, got.head.checksum);
    let error = body.try_collect::<Vec<_>>().await.expect_err("one byte is wrong");
    assert_eq!(error.kind, EndpointErrorKind::Corrupt, "the SDK would have broken the body off: {error}");

    let sent = &server.requests()[0];
    assert!(sent.starts_with("GET /the-bucket/../a//b/./%2B%20%252e?x-id=GetObject HTTP/1.1\r\n"), "{sent}");
    let lower = sent.to_ascii_lowercase();
    assert!(lower.contains("\r\nx-amz-checksum-mode: enabled\r\n") && lower.contains("\r\nif-match: \"e\"\r\n"), "{sent}");
    assert!(lower.contains(";x-amz-checksum-mode;"), "the header is signed: {sent}");
}

/// O2: a length that the caller knows is checked as strictly as one in the response.
#[tokio::test]
async fn a_body_in_chunks_has_the_known_length_or_fails() {
    for (body, expected) in [
        ("123456789", None),
        ("12345678", Some(EndpointErrorKind::Other)),
        ("1234567890", Some(EndpointErrorKind::Corrupt)),
        ("123456780", Some(EndpointErrorKind::Corrupt)),
    ] {
        let server = Canned::start(Answer::chunked(&["ETag: \"25f9e794323b453885f5181f1b624d0b\""], body)).await;
        let request = GetRequest { key: key("k"), if_match: ETag::parse("25f9e794323b453885f5181f1b624d0b"), size: Some(9), range: None };
        let got = bucket(&server.endpoint).await.get_object(request.clone()).await.expect("an answer");
        let (body, _) = verified(of_endpoint(got.body), (&EndpointId::new("s3"), &request.key), got.head.facts.size, got.head.checksum);
        let read = body.try_collect::<Vec<_>>().await;
        assert_eq!(read.as_ref().err().map(|error| error.kind), expected, "{read:?}");
        assert_eq!(server.requests().len(), 1, "the length is not asked for again");
    }
}

/// O1: a server that ignores the range, or states the size in no response.
#[tokio::test]
async fn the_size_of_an_object_is_stated_or_counted_and_verified_or_refused() {
    const MD5: &str = "ETag: \"25f9e794323b453885f5181f1b624d0b\"";
    for (answer, expected) in [
        (Answer::chunked(&[MD5], "123456789"), Ok(9)),
        (Answer::chunked(&[MD5], "12345678"), Err(S3ErrorKind::ChecksumMismatch)),
        (Answer::chunked(&["ETag: \"e\""], "123456789"), Err(S3ErrorKind::Other)),
        (Answer::chunked(&["ETag: \"e\"", "Content-Range: bytes 0-0/7"], "1"), Ok(7)),
        (Answer::chunked(&["ETag: \"e\"", "Content-Range: bytes 0-0/*"], "1"), Err(S3ErrorKind::Other)),
    ] {
        let server = Canned::start_by_method(Answer::chunked(&["ETag: \"e\""], "").without_body(), answer).await;
        let head = bucket(&server.endpoint).await.head_object(&key("k")).await;
        assert_eq!(head.map(|head| head.facts.size).map_err(|error| error.kind), expected);
    }
}

#[tokio::test]
async fn an_object_with_another_etag_than_requested_is_refused() {
    let server = Canned::start(Answer::whole(200, &["ETag: \"new\""], "x")).await;
    let request = GetRequest { key: key("k"), if_match: ETag::parse("old"), size: None, range: None };
    let error = bucket(&server.endpoint).await.get_object(request).await.map(drop).expect_err("it was replaced");
    assert_eq!(error.kind, S3ErrorKind::PreconditionFailed, "{error}");
}

#[tokio::test]
async fn a_page_is_asked_for_by_the_last_key_and_never_by_a_token() {
    let server = Canned::start(Answer::whole(200, &[], "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")).await;
    let request = ListRequest { prefix: "a b/".to_owned(), from: PageCursor::After(key("a b/+\u{0}é")), max_keys: 20 };
    bucket(&server.endpoint).await.list_page(request).await.expect("an empty page");
    let sent = server.requests().remove(0);
    for part in ["GET /the-bucket/?", "encoding-type=url", "max-keys=20", "prefix=a%20b%2F", "start-after=a%20b%2F%2B%00%C3%A9"] {
        assert!(sent.contains(part), "{part} is not in {sent}");
    }
}

#[tokio::test]
async fn no_secret_is_shown() {
    assert!(!format!("{:?}", options("http://127.0.0.1:1")).contains(SECRET));
    let bucket = bucket("http://127.0.0.1:1/").await;
    assert!(!format!("{bucket:?}").contains(SECRET));
}
