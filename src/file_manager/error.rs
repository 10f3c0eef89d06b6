//! File manager errors: disposition, whether the effect may have happened, and a hint for the operator. `disposition` decides which errors
//! make the file manager unusable.

use crate::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind, EndpointFailure, EndpointId};
use crate::retry::{Disposed, Disposition};
use crate::trust::UNTRUSTED_HINT;
use std::time::Duration;

/// A failed call. Its text names the call, the path and the server's message, and never contains a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call} {subject}: {message}")]
pub struct FileManagerError {
    /// `saveToDisk create`, `updatePermissions`, `reportResults`, …
    pub call: &'static str,
    /// The path, escaped for display, or the base URL.
    pub subject: String,
    /// The kind of error.
    pub kind: FileManagerErrorKind,
    /// The server's message or our own, shortened and escaped for display.
    pub message: String,
}

/// The kinds of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileManagerErrorKind {
    /// 404 for a path.
    NotFound,
    /// 409 without `Retry-After`: another file occupies the target path.
    Taken,
    /// 400, 413, 415, 422 and other refusals: the call had no effect, and a retry would be refused, too.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// 401 or 403: the token is missing or wrong.
    Unauthorised {
        /// The HTTP status.
        status: u16,
    },
    /// 408, 425, 429, 5xx, and 409 with `Retry-After` (a call with the same idempotency key is in progress).
    Busy {
        /// The HTTP status.
        status: u16,
        /// The wait from `Retry-After`.
        after: Option<Duration>,
    },
    /// No response arrived in time. The call may have had its effect.
    Timeout,
    /// The connection failed: refused, unknown host, unusable certificate. The call had no effect.
    Unreachable,
    /// The connection failed: no trusted authority has signed the server's certificate. The call had no effect.
    UntrustedCertificate,
    /// The connection broke. The call may have had its effect.
    Interrupted,
    /// Our own content failed (the source's bytes ended early or were wrong), so the request was aborted. No effect is expected, but it is
    /// not certain.
    BodyFailed,
    /// A 2xx response that violates the contract. The call may have had its effect.
    BadAnswer,
    /// A 2xx response above the size limit. The call may have had its effect.
    TooLong,
}

impl FileManagerErrorKind {
    /// A short, stable name for reports.
    pub fn reason(&self) -> String {
        match self {
            Self::NotFound => "file_manager_not_found".to_owned(),
            Self::Taken => "file_manager_path_taken".to_owned(),
            Self::Refused { status } | Self::Unauthorised { status } | Self::Busy { status, .. } => format!("file_manager_{status}"),
            Self::Timeout => "file_manager_timeout".to_owned(),
            Self::Unreachable => "file_manager_unreachable".to_owned(),
            Self::UntrustedCertificate => "file_manager_untrusted_certificate".to_owned(),
            Self::Interrupted => "file_manager_interrupted".to_owned(),
            Self::BodyFailed => "body_failed".to_owned(),
            Self::BadAnswer => "file_manager_bad_answer".to_owned(),
            Self::TooLong => "file_manager_answer_too_long".to_owned(),
        }
    }

    /// The advice for the operator.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFound => "the file manager does not know the path; if it knows none at all, check FILE_MANAGER_API_URL",
            Self::Taken => "another file has that path in the file manager",
            Self::Refused { status: 404 | 405 } => {
                "check FILE_MANAGER_API_URL, or EVENTS_API_URL for the feed and the report, including its path"
            }
            Self::Refused { .. } => "the file manager refuses the request: its message says why",
            Self::Unauthorised { status: 403 } => {
                "check FILE_MANAGER_API_TOKEN and its permissions; and FILE_MANAGER_API_URL, or EVENTS_API_URL for the feed and the report"
            }
            Self::Unauthorised { .. } => "check FILE_MANAGER_API_TOKEN",
            Self::Busy { status: 501 | 505, .. } => {
                "check FILE_MANAGER_API_URL, or EVENTS_API_URL for the feed and the report: the server is not a file manager"
            }
            Self::Busy { .. } => "the file manager is overloaded or failing; the next run tries again",
            Self::Timeout => "the file manager responds too slowly: check its load, or lower CONCURRENCY",
            Self::Unreachable => "check FILE_MANAGER_API_URL, or EVENTS_API_URL for the feed and the report, and that it is running",
            Self::UntrustedCertificate => UNTRUSTED_HINT,
            Self::Interrupted => "the connection broke; the next run tries again",
            Self::BodyFailed => "the object could not be read whole from S3: nothing was saved",
            Self::BadAnswer => "the response violates the contract: is this a file manager?",
            Self::TooLong => {
                "no answer of the contract is that long; where it is the feed's, let it serve fewer events, or less metadata in each: until \
                 then only a reconcile finds what it reports"
            }
        }
    }

    /// True for a definite refusal: the call had no effect, so the engine can close its intent.
    pub fn is_definite_refusal(&self) -> bool {
        matches!(self, Self::NotFound | Self::Taken | Self::Refused { .. })
    }

    /// True if the call may have had its effect. A call that was never sent or was refused had none. After an aborted body it is unknown
    /// how the server reacted to the bytes that were sent.
    pub fn may_have_had_its_effect(&self) -> bool {
        !(self.is_definite_refusal() || matches!(self, Self::Unreachable | Self::UntrustedCertificate | Self::Unauthorised { .. }))
    }
}

impl Disposed for FileManagerError {
    fn disposition(&self) -> Disposition {
        match self.kind {
            FileManagerErrorKind::Busy { after, .. } => Disposition::Retry { after },
            FileManagerErrorKind::Timeout
            | FileManagerErrorKind::Interrupted
            | FileManagerErrorKind::BodyFailed
            | FileManagerErrorKind::BadAnswer => Disposition::Retry { after: None },
            FileManagerErrorKind::NotFound
            | FileManagerErrorKind::Taken
            | FileManagerErrorKind::Refused { .. }
            | FileManagerErrorKind::TooLong => Disposition::Fail,
            FileManagerErrorKind::Unauthorised { .. } | FileManagerErrorKind::UntrustedCertificate => {
                Disposition::Stop { transient: false }
            }
            FileManagerErrorKind::Unreachable => Disposition::Stop { transient: true },
        }
    }
}

impl From<&FileManagerErrorKind> for EndpointErrorKind {
    fn from(kind: &FileManagerErrorKind) -> Self {
        match kind {
            FileManagerErrorKind::NotFound => Self::NotFound,
            FileManagerErrorKind::Taken => Self::Taken,
            FileManagerErrorKind::BodyFailed => Self::BodyFailed,
            FileManagerErrorKind::Refused { .. }
            | FileManagerErrorKind::Unauthorised { .. }
            | FileManagerErrorKind::Busy { .. }
            | FileManagerErrorKind::Timeout
            | FileManagerErrorKind::Unreachable
            | FileManagerErrorKind::UntrustedCertificate
            | FileManagerErrorKind::Interrupted
            | FileManagerErrorKind::BadAnswer
            | FileManagerErrorKind::TooLong => Self::Other,
        }
    }
}

impl From<FileManagerError> for EndpointError {
    fn from(error: FileManagerError) -> Self {
        let disposition = error.disposition();
        let FileManagerError { call, subject, kind, message } = error;
        Self::from(EndpointFailure {
            endpoint: EndpointId::new("file_manager"),
            operation: call,
            subject,
            kind: (&kind).into(),
            disposition,
            effect: if kind.may_have_had_its_effect() { EffectCertainty::Unknown } else { EffectCertainty::None },
            reason: kind.reason().into(),
            hint: kind.hint(),
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FileManagerErrorKind as Kind;

    /// This decides which intents end with their call.
    #[test]
    fn a_refusal_of_the_file_manager_is_a_refusal_of_the_endpoint_and_an_unknown_effect_stays_unknown() {
        let busy = Kind::Busy { status: 503, after: None };
        for (kind, refusal, effect) in [
            (Kind::NotFound, true, EffectCertainty::None),
            (Kind::Taken, true, EffectCertainty::None),
            (Kind::Refused { status: 400 }, true, EffectCertainty::None),
            (Kind::Unauthorised { status: 401 }, false, EffectCertainty::None),
            (Kind::Unreachable, false, EffectCertainty::None),
            (Kind::UntrustedCertificate, false, EffectCertainty::None),
            (busy, false, EffectCertainty::Unknown),
            (Kind::Timeout, false, EffectCertainty::Unknown),
            (Kind::Interrupted, false, EffectCertainty::Unknown),
            (Kind::BodyFailed, false, EffectCertainty::Unknown),
            (Kind::BadAnswer, false, EffectCertainty::Unknown),
            (Kind::TooLong, false, EffectCertainty::Unknown),
        ] {
            assert_eq!(kind.is_definite_refusal(), refusal, "{kind:?}");
            let error = FileManagerError { call: "saveToDisk create", subject: "a".to_owned(), kind, message: "words".to_owned() };
            let at_the_endpoint = EndpointError::from(error);
            assert_eq!((at_the_endpoint.is_refusal(), at_the_endpoint.effect), (refusal, effect), "{at_the_endpoint}");
        }
    }
}
