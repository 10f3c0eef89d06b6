//! The texts of failed calls that programs and operators rely on: reason, hint and disposition of every kind. They are a
//! contract.

use s3_sync::apply::ApplyError;
use s3_sync::endpoint::{ContentFault, EndpointError, EndpointId};
use s3_sync::file_manager::{FileManagerError, FileManagerErrorKind as Api};
use s3_sync::record::ObjectKey;
use s3_sync::retry::Disposed as _;
use s3_sync::s3::{S3Error, S3ErrorKind as S3};
use std::fmt::Write as _;
use std::time::Duration;

/// Every kind of S3 error. A kind that is missing here does not compile.
fn s3_kinds() -> Vec<S3> {
    let after = Some(Duration::from_secs(7));
    let all = [
        S3::NoSuchKey,
        S3::NoSuchBucket,
        S3::BadCredentials,
        S3::AccessDenied,
        S3::WrongAddressing,
        S3::PreconditionFailed,
        S3::ConditionFailed,
        S3::WriteConflict,
        S3::NotImplemented,
        S3::NoSuchUpload,
        S3::BodyFailed,
        S3::Archived,
        S3::Throttled { after },
        S3::Throttled { after: None },
        S3::Server,
        S3::Timeout,
        S3::Unreachable,
        S3::UntrustedCertificate,
        S3::Interrupted,
        S3::ChecksumMismatch,
        S3::Other,
    ];
    for kind in &all {
        match kind {
            S3::NoSuchKey
            | S3::NoSuchBucket
            | S3::BadCredentials
            | S3::AccessDenied
            | S3::WrongAddressing
            | S3::PreconditionFailed
            | S3::ConditionFailed
            | S3::WriteConflict
            | S3::NotImplemented
            | S3::NoSuchUpload
            | S3::BodyFailed
            | S3::Archived
            | S3::Throttled { .. }
            | S3::Server
            | S3::Timeout
            | S3::Unreachable
            | S3::UntrustedCertificate
            | S3::Interrupted
            | S3::ChecksumMismatch
            | S3::Other => {}
        }
    }
    all.to_vec()
}

/// Every kind of file manager error, with the statuses that have a text of their own. A kind that is missing here does not compile.
fn file_manager_kinds() -> Vec<Api> {
    let after = Some(Duration::from_secs(7));
    let mut all = vec![Api::NotFound, Api::Taken];
    all.extend([400, 404, 405, 422].map(|status| Api::Refused { status }));
    all.extend([401, 403].map(|status| Api::Unauthorised { status }));
    all.extend([409, 429, 503].map(|status| Api::Busy { status, after }));
    all.extend([500, 501, 505].map(|status| Api::Busy { status, after: None }));
    all.extend([
        Api::Timeout,
        Api::Unreachable,
        Api::UntrustedCertificate,
        Api::Interrupted,
        Api::BodyFailed,
        Api::BadAnswer,
        Api::TooLong,
    ]);
    for kind in &all {
        match kind {
            Api::NotFound
            | Api::Taken
            | Api::Refused { .. }
            | Api::Unauthorised { .. }
            | Api::Busy { .. }
            | Api::Timeout
            | Api::Unreachable
            | Api::UntrustedCertificate
            | Api::Interrupted
            | Api::BodyFailed
            | Api::BadAnswer
            | Api::TooLong => {}
        }
    }
    all
}

fn described(errors: impl IntoIterator<Item = ApplyError>) -> String {
    let mut lines = String::new();
    for error in errors {
        writeln!(lines, "{} | {:?} | {} | {error}", error.reason(), error.disposition(), error.hint()).expect("a text takes any line");
    }
    lines
}

#[test]
fn each_s3_error_keeps_its_reason_its_disposition_and_its_hint() {
    let errors =
        s3_kinds().into_iter().map(|kind| S3Error::new("GetObject", "a", kind, "words")).map(EndpointError::from).map(ApplyError::from);
    insta::assert_snapshot!(described(errors));
}

#[test]
fn each_file_manager_error_keeps_its_reason_its_disposition_and_its_hint() {
    let error = |kind| FileManagerError { call: "saveToDisk create", subject: "a".to_owned(), kind, message: "words".to_owned() };
    insta::assert_snapshot!(described(file_manager_kinds().into_iter().map(|kind| EndpointError::from(error(kind)).into())));
}

/// Transfer and engine report the same faults of a body as a bucket's client does.
#[test]
fn a_fault_of_content_is_described_as_the_bucket_s_own_error_is() {
    let (source, path) = (EndpointId::new("s3:customer-bucket"), ObjectKey::new("a").expect("a key"));
    for (fault, kind) in [
        (ContentFault::Interrupted, S3::Interrupted),
        (ContentFault::Corrupt, S3::ChecksumMismatch),
        (ContentFault::Replaced, S3::PreconditionFailed),
    ] {
        let found = EndpointError::of_content(&source, &path, fault, "words");
        let converted = EndpointError::from(S3Error::new("GetObject", &path, kind, "words"));
        assert_eq!((found.kind, found.effect), (converted.kind, converted.effect));
        assert_eq!(described([found.into()]), described([converted.into()]));
    }
}
