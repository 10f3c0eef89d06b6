//! S3 errors: subject, kind, disposition, and a hint for the operator. `disposition` decides which errors make the bucket unusable.

use super::message::sanitised;
use crate::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind, EndpointFailure, EndpointId};
use crate::record::ETag;
use crate::retry::{Disposed, Disposition};
use crate::trust::UNTRUSTED_HINT;
use std::fmt;
use std::time::Duration;

/// A failed call. Its text names the operation and the subject, and never contains a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation} {subject}: {message}")]
pub struct S3Error {
    /// `ListObjectsV2`, `GetObject`, …
    pub operation: &'static str,
    /// The bucket or the key, escaped for display.
    pub subject: String,
    /// The kind of error.
    pub kind: S3ErrorKind,
    /// Whether a call that writes may have had its effect. A call that reads has none.
    pub effect: EffectCertainty,
    /// The server's code and message, or our own message. Escaped for display.
    pub message: String,
}

impl S3Error {
    /// Creates an error whose message is safe to show: shortened, escaped, and without signatures and session tokens. The call had no
    /// effect.
    pub fn new(operation: &'static str, subject: impl fmt::Display, kind: S3ErrorKind, message: &str) -> Self {
        Self { operation, subject: subject.to_string(), kind, effect: EffectCertainty::None, message: sanitised(message) }
    }

    /// Sets whether the call may have had its effect.
    #[must_use]
    pub fn with_effect(self, effect: EffectCertainty) -> Self {
        Self { effect, ..self }
    }

    /// Adds the expected ETag to the error about another one, which does not name it.
    #[must_use]
    pub(super) fn with_expected(mut self, etag: Option<&ETag>) -> Self {
        if let Some(etag) = etag.filter(|_| self.kind == S3ErrorKind::PreconditionFailed) {
            self.message = format!("requested ETag {etag}: {}", self.message);
        }
        self
    }
}

/// The kinds of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum S3ErrorKind {
    /// 404 for a key. It counts as evidence only if `head_bucket` succeeds after it.
    NoSuchKey,
    /// The bucket does not exist.
    NoSuchBucket,
    /// 403: the key id, the signature or the clock is wrong, so every call fails.
    BadCredentials,
    /// 403: the permission for this call is missing.
    AccessDenied,
    /// The server serves buckets only under host names of their own, so every call fails.
    WrongAddressing,
    /// 412: the object was replaced. Of a copy: its source was.
    PreconditionFailed,
    /// 412 of a write: the condition on the object at its key does not hold.
    ConditionFailed,
    /// 409: another client writes the same key at this moment.
    WriteConflict,
    /// 501: the server does not support a part of a write, for example its condition.
    NotImplemented,
    /// 404: the multipart upload was completed, was aborted, or never existed.
    NoSuchUpload,
    /// Reading the body to send failed. The error of the body's source is more specific.
    BodyFailed,
    /// 403 `InvalidObjectState`: the object is archived and not restored.
    Archived,
    /// 503 `SlowDown`, 429 and similar.
    Throttled {
        /// The wait from `Retry-After`.
        after: Option<Duration>,
    },
    /// Any other 5xx.
    Server,
    /// No response, or no more bytes, arrived in time.
    Timeout,
    /// The connection failed: refused, unknown host, unusable certificate.
    Unreachable,
    /// The connection failed: no trusted authority has signed the server's certificate.
    UntrustedCertificate,
    /// The connection or the body ended early.
    Interrupted,
    /// The body does not match the server's checksum.
    ChecksumMismatch,
    /// Any other error: wrong region, redirect, unreadable response.
    Other,
}

impl S3ErrorKind {
    /// A short, stable name for reports.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoSuchKey => "s3_no_such_key",
            Self::NoSuchBucket => "s3_no_such_bucket",
            Self::BadCredentials => "s3_bad_credentials",
            Self::AccessDenied => "s3_access_denied",
            Self::WrongAddressing => "s3_wrong_addressing",
            Self::PreconditionFailed => "s3_object_replaced",
            Self::ConditionFailed => "s3_condition_failed",
            Self::WriteConflict => "s3_write_conflict",
            Self::NotImplemented => "s3_not_implemented",
            Self::NoSuchUpload => "s3_no_such_upload",
            Self::BodyFailed => "s3_body_failed",
            Self::Archived => "s3_archived",
            Self::Throttled { .. } => "s3_throttled",
            Self::Server => "s3_server_error",
            Self::Timeout => "s3_timeout",
            Self::Unreachable => "s3_unreachable",
            Self::UntrustedCertificate => "s3_untrusted_certificate",
            Self::Interrupted => "s3_interrupted",
            Self::ChecksumMismatch => "s3_checksum_mismatch",
            Self::Other => "s3_error",
        }
    }

    /// The advice for the operator.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoSuchKey => "the object vanished after it was listed",
            Self::NoSuchBucket => "create the bucket, or correct CUSTOMER_S3_BUCKET",
            Self::BadCredentials => "check CUSTOMER_S3_ACCESS_KEY and CUSTOMER_S3_SECRET_KEY, the region, and this machine's clock",
            Self::AccessDenied => "grant s3:ListBucket on the bucket and s3:GetObject on its objects",
            Self::WrongAddressing => {
                "set CUSTOMER_S3_ADDRESSING=virtual, and CUSTOMER_S3_ENDPOINT to the store's host name, not an IP address: the store serves \
                 the bucket only at BUCKET.HOST"
            }
            Self::PreconditionFailed => "the object was replaced meanwhile; it is looked up again",
            Self::ConditionFailed => "another program wrote the object at the key, or deleted it: it is not overwritten",
            Self::WriteConflict => "another program writes the same key; the next attempt may succeed",
            Self::NotImplemented => "the store does not support the request: its message says what",
            Self::NoSuchUpload => "the multipart upload was completed or aborted; the next attempt begins another one",
            Self::BodyFailed => "the object could not be read whole from its source: nothing was saved",
            Self::Archived => "restore the object from its archive first",
            Self::Throttled { .. } => "the store asks for fewer requests: lower CONCURRENCY",
            Self::Server => "the store failed; the next run tries again",
            Self::Timeout => "the store responds too slowly, or the network drops packets",
            Self::Unreachable => "check CUSTOMER_S3_ENDPOINT and that the store is running",
            Self::UntrustedCertificate => UNTRUSTED_HINT,
            Self::Interrupted => "the connection broke; the next run tries again",
            Self::ChecksumMismatch => "the bytes are not those that were stored: nothing was saved; check the store and the network",
            Self::Other => "see the message",
        }
    }
}

impl Disposed for S3Error {
    fn disposition(&self) -> Disposition {
        match self.kind {
            S3ErrorKind::Throttled { after } => Disposition::Retry { after },
            S3ErrorKind::Server
            | S3ErrorKind::Timeout
            | S3ErrorKind::Interrupted
            | S3ErrorKind::ChecksumMismatch
            | S3ErrorKind::WriteConflict
            | S3ErrorKind::NoSuchUpload
            | S3ErrorKind::BodyFailed => Disposition::Retry { after: None },
            S3ErrorKind::NoSuchBucket | S3ErrorKind::BadCredentials | S3ErrorKind::WrongAddressing | S3ErrorKind::UntrustedCertificate => {
                Disposition::Stop { transient: false }
            }
            S3ErrorKind::Unreachable => Disposition::Stop { transient: true },
            S3ErrorKind::NoSuchKey
            | S3ErrorKind::AccessDenied
            | S3ErrorKind::PreconditionFailed
            | S3ErrorKind::ConditionFailed
            | S3ErrorKind::NotImplemented
            | S3ErrorKind::Archived
            | S3ErrorKind::Other => Disposition::Fail,
        }
    }
}

impl From<S3ErrorKind> for EndpointErrorKind {
    fn from(kind: S3ErrorKind) -> Self {
        match kind {
            S3ErrorKind::NoSuchKey => Self::NotFound,
            S3ErrorKind::PreconditionFailed => Self::Replaced,
            S3ErrorKind::ConditionFailed => Self::Taken,
            S3ErrorKind::BodyFailed => Self::BodyFailed,
            S3ErrorKind::Archived => Self::Archived,
            S3ErrorKind::ChecksumMismatch => Self::Corrupt,
            S3ErrorKind::NoSuchBucket
            | S3ErrorKind::WriteConflict
            | S3ErrorKind::NotImplemented
            | S3ErrorKind::NoSuchUpload
            | S3ErrorKind::BadCredentials
            | S3ErrorKind::AccessDenied
            | S3ErrorKind::WrongAddressing
            | S3ErrorKind::Throttled { .. }
            | S3ErrorKind::Server
            | S3ErrorKind::Timeout
            | S3ErrorKind::Unreachable
            | S3ErrorKind::UntrustedCertificate
            | S3ErrorKind::Interrupted
            | S3ErrorKind::Other => Self::Other,
        }
    }
}

/// Its endpoint is `s3`; the adapter replaces it by its own id.
impl From<S3Error> for EndpointError {
    fn from(error: S3Error) -> Self {
        let disposition = error.disposition();
        let S3Error { operation, subject, kind, effect, message } = error;
        Self::from(EndpointFailure {
            endpoint: EndpointId::new("s3"),
            operation,
            subject,
            disposition,
            effect,
            reason: kind.reason().into(),
            hint: kind.hint(),
            kind: kind.into(),
            message,
        })
    }
}
