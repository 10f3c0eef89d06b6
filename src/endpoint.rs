//! The types of endpoint answers: one error type for every failed call, the endpoint's name and the bytes of a body. It calls none.

use crate::record::ObjectKey;
use crate::retry::{Disposed, Disposition};
use bytes::Bytes;
use futures::stream::BoxStream;
use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Bytes in the order of the content. An error ends them.
pub type ByteStream = BoxStream<'static, Result<Bytes, EndpointError>>;

/// The name of an endpoint, in errors and capabilities: `file_manager`, `s3:customer-bucket`. What stands before the colon is its
/// protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndpointId(Arc<str>);

impl EndpointId {
    /// The endpoint of this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first part of every reason that is given for a failure of this endpoint.
    pub fn protocol(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A failed call. Its text names the operation and the subject, and never holds a secret.
///
/// It derefs to [`EndpointFailure`]. The failure is boxed, so that a `Result` which succeeds stays small.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} {}: {}", .0.operation, .0.subject, .0.message)]
pub struct EndpointError(Box<EndpointFailure>);

/// The facts of a failed call.
#[derive(Clone, Debug)]
pub struct EndpointFailure {
    /// The endpoint that was called.
    pub endpoint: EndpointId,
    /// `GetObject`, `saveToDisk create`, …
    pub operation: &'static str,
    /// The path, the bucket or the address, escaped for display.
    pub subject: String,
    /// The kind of failure, as far as the engine distinguishes failures.
    pub kind: EndpointErrorKind,
    /// The engine's reaction to the failure.
    pub disposition: Disposition,
    /// The certainty that the call changed something or did not.
    pub effect: EffectCertainty,
    /// A short, stable name for reports: `s3_archived`, `file_manager_503`. It is a contract.
    pub reason: Cow<'static, str>,
    /// The operator's remedy.
    pub hint: &'static str,
    /// The message of the endpoint or of the engine, capped and escaped for display.
    pub message: String,
}

/// The failures that the engine distinguishes. `reason` says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointErrorKind {
    /// Nothing is at the path. At a source this is evidence only when the source itself answers after it.
    NotFound,
    /// Another file is at the path where a file was to go.
    Taken,
    /// The content is no longer the expected one.
    Replaced,
    /// The content is in an archive, and not restored.
    Archived,
    /// The content is not what the endpoint vouched for.
    Corrupt,
    /// The body that the call was given failed. The error of the body's source is more specific.
    BodyFailed,
    /// Any other failure.
    Other,
}

/// The certainty about the effect of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectCertainty {
    /// It certainly had none.
    None,
    /// It may have had its effect.
    Unknown,
}

/// A fault that the engine itself finds in the content from a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentFault {
    /// The body ended before its promised size.
    Interrupted,
    /// The body is not what its headers promised.
    Corrupt,
    /// The object differs at each lookup.
    Replaced,
}

impl ContentFault {
    fn kind(self) -> EndpointErrorKind {
        match self {
            Self::Interrupted => EndpointErrorKind::Other,
            Self::Corrupt => EndpointErrorKind::Corrupt,
            Self::Replaced => EndpointErrorKind::Replaced,
        }
    }

    /// The second part of the reason, and the hint.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Interrupted => ("interrupted", "the connection broke; the next run tries again"),
            Self::Corrupt => {
                ("checksum_mismatch", "the bytes are not those that were stored: nothing was saved; check the store and the network")
            }
            Self::Replaced => ("object_replaced", "the object was replaced meanwhile; it is looked up again"),
        }
    }
}

impl EndpointError {
    /// A fault of the content at a path, found while it was read.
    pub fn of_content(source: &EndpointId, path: &ObjectKey, fault: ContentFault, message: &str) -> Self {
        let (reason, hint) = fault.words();
        Self::from(EndpointFailure {
            endpoint: source.clone(),
            // S3's name for reading content, as in all earlier reports.
            operation: "GetObject",
            subject: path.to_string(),
            kind: fault.kind(),
            disposition: if fault == ContentFault::Replaced { Disposition::Fail } else { Disposition::Retry { after: None } },
            effect: EffectCertainty::None,
            reason: format!("{}_{reason}", source.protocol()).into(),
            hint,
            message: message.to_owned(),
        })
    }

    /// True if the endpoint refused the call for good: it had no effect, and the same call will be refused again.
    pub fn is_refusal(&self) -> bool {
        self.effect == EffectCertainty::None && self.disposition == Disposition::Fail
    }

    /// The same failure at another endpoint: an adapter knows its own name, the code below it only the protocol's.
    #[must_use]
    pub fn at(mut self, endpoint: &EndpointId) -> Self {
        self.endpoint = endpoint.clone();
        self
    }
}

impl From<EndpointFailure> for EndpointError {
    fn from(failure: EndpointFailure) -> Self {
        Self(Box::new(failure))
    }
}

impl Deref for EndpointError {
    type Target = EndpointFailure;

    fn deref(&self) -> &EndpointFailure {
        &self.0
    }
}

impl DerefMut for EndpointError {
    fn deref_mut(&mut self) -> &mut EndpointFailure {
        &mut self.0
    }
}

impl Disposed for EndpointError {
    fn disposition(&self) -> Disposition {
        self.disposition
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_for_good_and_without_an_effect_is_a_refusal() {
        let fail = Disposition::Fail;
        let (retry, stop) = (Disposition::Retry { after: None }, Disposition::Stop { transient: true });
        for (effect, disposition, refusal) in [
            (EffectCertainty::None, fail, true),
            (EffectCertainty::Unknown, fail, false),
            (EffectCertainty::None, retry, false),
            (EffectCertainty::None, stop, false),
        ] {
            let error = EndpointError::from(EndpointFailure {
                endpoint: EndpointId::new("memory"),
                operation: "create",
                subject: "a".to_owned(),
                kind: EndpointErrorKind::Other,
                disposition,
                effect,
                reason: "memory_failed".into(),
                hint: "see the message",
                message: "words".to_owned(),
            });
            assert_eq!(error.is_refusal(), refusal, "{effect:?} {disposition:?}");
            assert_eq!(error.at(&EndpointId::new("other")).to_string(), "create a: words");
        }
    }
}
