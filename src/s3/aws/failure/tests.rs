//! The table of error responses and their kinds.

use super::*;

fn kind(operation: &str, answer: ErrorResponse<'_>) -> S3ErrorKind {
    answer.kind(operation, "us-east-1", Timestamp::UNIX_EPOCH)
}

fn coded(status: u16, code: &'static str) -> ErrorResponse<'static> {
    ErrorResponse { status, code: Some(code), ..ErrorResponse::default() }
}

fn bare(status: u16) -> ErrorResponse<'static> {
    ErrorResponse { status, ..ErrorResponse::default() }
}

#[test]
fn a_code_counts_before_the_status() {
    let throttled = S3ErrorKind::Throttled { after: None };
    for (status, code, expected) in [
        (404, "NoSuchKey", S3ErrorKind::NoSuchKey),
        (404, "NoSuchVersion", S3ErrorKind::NoSuchKey),
        (404, "NoSuchBucket", S3ErrorKind::NoSuchBucket),
        (400, "InvalidBucketName", S3ErrorKind::NoSuchBucket),
        (404, "NoSuchUpload", S3ErrorKind::NoSuchUpload),
        (403, "AccessDenied", S3ErrorKind::AccessDenied),
        (403, "AllAccessDisabled", S3ErrorKind::AccessDenied),
        (403, "InvalidAccessKeyId", S3ErrorKind::BadCredentials),
        (403, "SignatureDoesNotMatch", S3ErrorKind::BadCredentials),
        (403, "RequestTimeTooSkewed", S3ErrorKind::BadCredentials),
        (400, "ExpiredToken", S3ErrorKind::BadCredentials),
        (400, "InvalidToken", S3ErrorKind::BadCredentials),
        (400, "AuthorizationHeaderMalformed", S3ErrorKind::BadCredentials),
        (301, "PermanentRedirect", S3ErrorKind::Other),
        (403, "InvalidObjectState", S3ErrorKind::Archived),
        (403, "SecondLevelDomainForbidden", S3ErrorKind::WrongAddressing),
        (403, "PathStyleDomainForbidden", S3ErrorKind::WrongAddressing),
        (403, "InvalidPathAccess", S3ErrorKind::WrongAddressing),
        (400, "VirtualHostDomainRequired", S3ErrorKind::WrongAddressing),
        (412, "PreconditionFailed", S3ErrorKind::PreconditionFailed),
        (503, "SlowDown", throttled.clone()),
        (503, "ServiceUnavailable", throttled.clone()),
        (503, "SomethingNew", throttled),
        (400, "RequestTimeout", S3ErrorKind::Timeout),
        (500, "InternalError", S3ErrorKind::Server),
        (200, "InternalError", S3ErrorKind::Server),
        (501, "NotImplemented", S3ErrorKind::Server),
        (400, "KMS.DisabledException", S3ErrorKind::Other),
    ] {
        for operation in ["GetObject", "ListObjectsV2"] {
            assert_eq!(kind(operation, coded(status, code)), expected, "{operation} {status} {code}");
        }
    }
}

#[test]
fn a_write_has_kinds_of_its_own() {
    for (answer, expected) in [
        (coded(412, "PreconditionFailed"), S3ErrorKind::ConditionFailed),
        (bare(412), S3ErrorKind::ConditionFailed),
        (coded(409, "ConditionalRequestConflict"), S3ErrorKind::WriteConflict),
        (coded(501, "NotImplemented"), S3ErrorKind::NotImplemented),
        (coded(400, "NotImplemented"), S3ErrorKind::NotImplemented),
        (bare(501), S3ErrorKind::NotImplemented),
        (coded(404, "NoSuchUpload"), S3ErrorKind::NoSuchUpload),
        (coded(400, "BadDigest"), S3ErrorKind::ChecksumMismatch),
        (coded(400, "IncompleteBody"), S3ErrorKind::Interrupted),
        (coded(200, "InternalError"), S3ErrorKind::Server),
    ] {
        for operation in ["PutObject", "CompleteMultipartUpload"] {
            assert_eq!(kind(operation, answer), expected, "{operation} {answer:?}");
        }
    }
    // A bare 404 may come from a server that is no S3: it does not confirm a delete.
    assert_eq!(kind("DeleteObject", bare(404)), S3ErrorKind::NoSuchBucket);
    let denied = coded(403, "AccessDenied");
    assert!(CallFailure::Response(denied).classify("CopyObject", "us-east-1").1.ends_with("s3:GetObject on the source"));
}

#[test]
fn an_effect_is_unknown_unless_the_server_certainly_did_nothing() {
    use EffectCertainty::{None, Unknown};
    let words = || "x".to_owned();
    for (failure, expected) in [
        (CallFailure::Response(coded(412, "PreconditionFailed")), None),
        (CallFailure::Response(coded(501, "NotImplemented")), None),
        (CallFailure::Response(coded(403, "AccessDenied")), None),
        (CallFailure::Response(bare(301)), None),
        (CallFailure::Response(coded(500, "InternalError")), Unknown),
        (CallFailure::Response(coded(503, "SlowDown")), Unknown),
        (CallFailure::Response(bare(504)), Unknown),
        (CallFailure::Response(coded(200, "InternalError")), Unknown),
        (CallFailure::TimedOut { words: words() }, Unknown),
        (CallFailure::Broken { words: words() }, Unknown),
        (CallFailure::Unreadable { words: words() }, Unknown),
        (CallFailure::NoConnection { words: words() }, None),
        (CallFailure::Untrusted { words: words() }, None),
        (CallFailure::NoCredentials { words: words() }, None),
        (CallFailure::NotSent { words: words() }, None),
    ] {
        assert_eq!(failure.effect(), expected, "{failure:?}");
    }
}

#[test]
fn without_a_code_the_status_and_the_operation_decide() {
    for (operation, status, expected) in [
        ("HeadObject", 404, S3ErrorKind::NoSuchKey),
        ("GetObject", 404, S3ErrorKind::NoSuchKey),
        ("HeadBucket", 404, S3ErrorKind::NoSuchBucket),
        ("ListObjectsV2", 404, S3ErrorKind::NoSuchBucket),
        ("HeadObject", 403, S3ErrorKind::AccessDenied),
        ("HeadBucket", 403, S3ErrorKind::AccessDenied),
        ("HeadObject", 412, S3ErrorKind::PreconditionFailed),
        ("HeadObject", 400, S3ErrorKind::Other),
        ("HeadBucket", 301, S3ErrorKind::Other),
        ("HeadBucket", 401, S3ErrorKind::BadCredentials),
        ("GetObject", 408, S3ErrorKind::Timeout),
        ("GetObject", 429, S3ErrorKind::Throttled { after: None }),
        ("HeadObject", 503, S3ErrorKind::Throttled { after: None }),
        ("GetObject", 502, S3ErrorKind::Server),
    ] {
        assert_eq!(kind(operation, bare(status)), expected, "{operation} {status}");
    }
}

#[test]
fn a_requested_wait_is_kept_within_bounds() {
    let now = "2026-11-19T12:00:00Z".parse().expect("invariant: a timestamp");
    for (value, expected) in [
        ("7", Some(7)),
        (" 0 ", Some(0)),
        ("99999999999999999", Some(3600)),
        ("Thu, 19 Nov 2026 12:00:30 GMT", Some(30)),
        ("Thu, 19 Nov 2026 11:00:00 GMT", Some(0)),
        ("soon", None),
        ("-1", None),
        ("", None),
    ] {
        let answer = ErrorResponse { status: 503, retry_after: Some(value), ..ErrorResponse::default() };
        let expected = S3ErrorKind::Throttled { after: expected.map(Duration::from_secs) };
        assert_eq!(answer.kind("GetObject", "us-east-1", now), expected, "{value}");
    }
}

#[test]
fn the_message_names_the_bucket_s_region_and_the_missing_permission() {
    let elsewhere = ErrorResponse { bucket_region: Some("eu-central-1"), ..coded(400, "AuthorizationHeaderMalformed") };
    assert_eq!(kind("ListObjectsV2", elsewhere), S3ErrorKind::Other);
    for (operation, answer, expected) in [
        ("ListObjectsV2", elsewhere, "the bucket is in region eu-central-1, not in us-east-1; AuthorizationHeaderMalformed (HTTP 400)"),
        (
            "HeadBucket",
            ErrorResponse { bucket_region: Some("eu-west-3"), ..bare(301) },
            "the bucket is in region eu-west-3, not in us-east-1; HTTP 301 without an error code",
        ),
        (
            "HeadBucket",
            ErrorResponse { bucket_region: Some("us-east-1"), ..bare(403) },
            "HTTP 403 without an error code; the call needs s3:ListBucket",
        ),
        (
            "GetObject",
            ErrorResponse { message: Some("Access Denied"), ..coded(403, "AccessDenied") },
            "AccessDenied: Access Denied (HTTP 403); the call needs s3:GetObject",
        ),
        ("GetObject", ErrorResponse { message: Some("broken"), ..bare(500) }, "broken (HTTP 500)"),
    ] {
        assert_eq!(CallFailure::Response(answer).classify(operation, "us-east-1").1, expected);
    }
}

#[test]
fn without_a_response_the_kind_of_failure_decides() {
    let words = || "x".to_owned();
    for (failure, expected) in [
        (CallFailure::TimedOut { words: words() }, S3ErrorKind::Timeout),
        (CallFailure::NoConnection { words: words() }, S3ErrorKind::Unreachable),
        (CallFailure::Broken { words: words() }, S3ErrorKind::Interrupted),
        (CallFailure::NoCredentials { words: words() }, S3ErrorKind::BadCredentials),
        (CallFailure::Unreadable { words: words() }, S3ErrorKind::Other),
        (CallFailure::NotSent { words: words() }, S3ErrorKind::Other),
    ] {
        assert_eq!(failure.classify("GetObject", "us-east-1").0, expected);
    }
}

/// A web server that is no S3 answers a listing with a bare 404. A HEAD has no body, so its 404 never has a code.
#[test]
fn a_listing_that_is_not_found_without_a_code_is_about_the_endpoint_first() {
    for (operation, answer, about_the_endpoint) in [
        ("ListObjectsV2", bare(404), true),
        ("HeadBucket", bare(404), false),
        ("HeadObject", bare(404), false),
        ("ListObjectsV2", coded(404, "NoSuchBucket"), false),
    ] {
        let words = answer.words(operation, "us-east-1", &kind(operation, answer));
        assert_eq!(words.contains("check CUSTOMER_S3_ENDPOINT first"), about_the_endpoint, "{operation}: {words}");
    }
}
