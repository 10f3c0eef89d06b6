//! Classifies failed calls: maps code, status and kind of failure to an `S3ErrorKind` and a message. Pure, and without SDK types.

use crate::endpoint::EffectCertainty;
use crate::s3::S3ErrorKind;
use crate::sdk::rejects_credentials;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::Duration;

/// The longest wait that the engine takes from `Retry-After`. A longer one is shortened to this.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// A failed call.
#[derive(Debug)]
pub(super) enum CallFailure<'a> {
    /// The server responded with an error.
    Response(ErrorResponse<'a>),
    /// No response, or no more bytes, arrived in time.
    TimedOut { words: String },
    /// The connection failed: refused, unknown host, unusable certificate.
    NoConnection { words: String },
    /// No trusted authority has signed the server's certificate.
    Untrusted { words: String },
    /// The connection ended early.
    Broken { words: String },
    /// There are no credentials to sign the request with.
    NoCredentials { words: String },
    /// A successful response that cannot be parsed.
    Unreadable { words: String },
    /// The request could not be built.
    NotSent { words: String },
}

/// An error response. That of a HEAD has no body, so neither code nor message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ErrorResponse<'a> {
    pub(super) status: u16,
    pub(super) code: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) retry_after: Option<&'a str>,
    /// The bucket's region, if the server named it.
    pub(super) bucket_region: Option<&'a str>,
}

impl CallFailure<'_> {
    /// Whether a call that writes may have had its effect. A server that answers with an error of its own may have begun the work, and so
    /// may one whose response is missing or unreadable.
    pub(super) fn effect(&self) -> EffectCertainty {
        match self {
            Self::Response(ErrorResponse { status: 200..300 | 500 | 502.., .. })
            | Self::TimedOut { .. }
            | Self::Broken { .. }
            | Self::Unreadable { .. } => EffectCertainty::Unknown,
            Self::Response(_) | Self::NoConnection { .. } | Self::Untrusted { .. } | Self::NoCredentials { .. } | Self::NotSent { .. } => {
                EffectCertainty::None
            }
        }
    }

    /// The kind of the error, and its message.
    pub(super) fn classify(self, operation: &str, region: &str) -> (S3ErrorKind, String) {
        match self {
            Self::Response(answer) => {
                let kind = answer.kind(operation, region, Timestamp::now());
                let words = answer.words(operation, region, &kind);
                (kind, words)
            }
            Self::TimedOut { words } => (S3ErrorKind::Timeout, words),
            Self::NoConnection { words } => (S3ErrorKind::Unreachable, words),
            Self::Untrusted { words } => (S3ErrorKind::UntrustedCertificate, words),
            Self::Broken { words } => (S3ErrorKind::Interrupted, words),
            Self::NoCredentials { words } => (S3ErrorKind::BadCredentials, words),
            Self::Unreadable { words } => (S3ErrorKind::Other, format!("the response cannot be read: {words}")),
            Self::NotSent { words } => (S3ErrorKind::Other, format!("the request cannot be built: {words}")),
        }
    }
}

impl ErrorResponse<'_> {
    fn kind(&self, operation: &str, region: &str, now: Timestamp) -> S3ErrorKind {
        match self.code.unwrap_or_default() {
            "NoSuchKey" | "NoSuchVersion" => S3ErrorKind::NoSuchKey,
            "NoSuchBucket" | "InvalidBucketName" => S3ErrorKind::NoSuchBucket,
            code if rejects_credentials(code) => S3ErrorKind::BadCredentials,
            "RequestTimeTooSkewed"
            | "RequestExpired"
            | "InvalidSecurity"
            | "MissingSecurityHeader"
            | "MissingAuthenticationToken"
            | "NotSignedUp" => S3ErrorKind::BadCredentials,
            // The region is wrong. If the server names no other region, the key id is wrong.
            "AuthorizationHeaderMalformed" if self.other_region(region).is_none() => S3ErrorKind::BadCredentials,
            "AuthorizationHeaderMalformed" | "PermanentRedirect" | "TemporaryRedirect" => S3ErrorKind::Other,
            "SecondLevelDomainForbidden" | "PathStyleDomainForbidden" | "VirtualHostDomainRequired" | "InvalidPathAccess" => {
                S3ErrorKind::WrongAddressing
            }
            "InvalidObjectState" => S3ErrorKind::Archived,
            "PreconditionFailed" if writes(operation) => S3ErrorKind::ConditionFailed,
            "PreconditionFailed" => S3ErrorKind::PreconditionFailed,
            "ConditionalRequestConflict" | "OperationAborted" => S3ErrorKind::WriteConflict,
            "NotImplemented" if writes(operation) => S3ErrorKind::NotImplemented,
            "NoSuchUpload" => S3ErrorKind::NoSuchUpload,
            "BadDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch" => S3ErrorKind::ChecksumMismatch,
            "IncompleteBody" => S3ErrorKind::Interrupted,
            "SlowDown"
            | "SlowDownRead"
            | "SlowDownWrite"
            | "ServiceUnavailable"
            | "TooManyRequests"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "RequestThrottled"
            | "BandwidthLimitExceeded" => self.throttled(now),
            "RequestTimeout" => S3ErrorKind::Timeout,
            "InternalError" => S3ErrorKind::Server,
            _ => self.kind_of_status(operation, now),
        }
    }

    /// The kind of a response without a code or with an unknown one.
    fn kind_of_status(&self, operation: &str, now: Timestamp) -> S3ErrorKind {
        match self.status {
            401 => S3ErrorKind::BadCredentials,
            403 => S3ErrorKind::AccessDenied,
            404 if self.code.is_none() && is_about_a_key(operation) => S3ErrorKind::NoSuchKey,
            404 if self.code.is_none() => S3ErrorKind::NoSuchBucket,
            408 => S3ErrorKind::Timeout,
            412 if writes(operation) => S3ErrorKind::ConditionFailed,
            412 => S3ErrorKind::PreconditionFailed,
            501 if writes(operation) => S3ErrorKind::NotImplemented,
            429 | 503 => self.throttled(now),
            500.. => S3ErrorKind::Server,
            _ => S3ErrorKind::Other,
        }
    }

    fn throttled(&self, now: Timestamp) -> S3ErrorKind {
        S3ErrorKind::Throttled { after: self.retry_after.and_then(|value| retry_after(value, now)) }
    }

    /// The region that the server named, if it differs from `region`.
    fn other_region(&self, region: &str) -> Option<&str> {
        self.bucket_region.filter(|named| !named.is_empty() && *named != region)
    }

    fn words(&self, operation: &str, region: &str, kind: &S3ErrorKind) -> String {
        let mut words = match (self.code, self.message) {
            (Some(code), Some(message)) => format!("{code}: {message} (HTTP {})", self.status),
            (Some(code), None) => format!("{code} (HTTP {})", self.status),
            (None, Some(message)) => format!("{message} (HTTP {})", self.status),
            (None, None) => format!("HTTP {} without an error code", self.status),
        };
        if *kind == S3ErrorKind::NoSuchBucket && self.code.is_none() && operation != "HeadBucket" && !writes(operation) {
            words.push_str("; an S3 server would name its reason: check CUSTOMER_S3_ENDPOINT first");
        }
        if *kind == S3ErrorKind::AccessDenied {
            words.push_str("; the call needs ");
            words.push_str(right_of(operation));
        }
        if let Some(named) = self.other_region(region) {
            words = format!("the bucket is in region {named}, not in {region}; {words}");
        }
        words
    }
}

fn is_about_a_key(operation: &str) -> bool {
    matches!(operation, "GetObject" | "HeadObject")
}

/// True for the calls that change a bucket's objects.
fn writes(operation: &str) -> bool {
    matches!(
        operation,
        "PutObject"
            | "CopyObject"
            | "DeleteObject"
            | "CreateMultipartUpload"
            | "UploadPart"
            | "UploadPartCopy"
            | "CompleteMultipartUpload"
            | "AbortMultipartUpload"
    )
}

/// The permission that a call needs.
fn right_of(operation: &str) -> &'static str {
    match operation {
        "GetObject" | "HeadObject" => "s3:GetObject",
        "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => "s3:PutObject",
        "CopyObject" | "UploadPartCopy" => "s3:PutObject, and s3:GetObject on the source",
        "DeleteObject" => "s3:DeleteObject",
        "AbortMultipartUpload" => "s3:AbortMultipartUpload",
        "ListParts" => "s3:ListMultipartUploadParts",
        "ListMultipartUploads" => "s3:ListBucketMultipartUploads",
        _ => "s3:ListBucket",
    }
}

/// Parses `Retry-After`: seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let asked = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let until = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Duration::try_from(until.duration_since(now)).unwrap_or_default()
    };
    Some(asked.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
