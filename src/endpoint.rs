//! The types that all endpoints share: the error of a failed call, the endpoint's id, and a body. Which errors make an endpoint unusable is
//! decided by `disposition` in `s3/error.rs` and `file_manager/error.rs`.

use crate::record::ObjectKey;
use crate::retry::{Disposed, Disposition};
use bytes::Bytes;
use futures::stream::BoxStream;
use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A stream of the content's bytes. An error ends it.
pub type ByteStream = BoxStream<'static, Result<Bytes, EndpointError>>;

/// The id of an endpoint, in errors and capabilities: `file_manager`, `s3:customer-bucket`. The part before the colon is its protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndpointId(Arc<str>);

impl EndpointId {
    /// The id with this text.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the colon. It begins the reason of every failure of this endpoint.
    pub fn protocol(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A failed call. Its text names the operation and the subject, and never contains a secret.
///
/// It derefs to [`EndpointFailure`], which is boxed so that a `Result` is small.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} {}: {}", .0.operation, .0.subject, .0.message)]
pub struct EndpointError(Box<EndpointFailure>);

/// The fields of a failed call.
#[derive(Clone, Debug)]
pub struct EndpointFailure {
    /// The endpoint that was called.
    pub endpoint: EndpointId,
    /// `GetObject`, `saveToDisk create`, …
    pub operation: &'static str,
    /// The path, the bucket or the address, escaped for display.
    pub subject: String,
    /// The kind of failure, as the engine distinguishes it.
    pub kind: EndpointErrorKind,
    /// How the engine handles the failure.
    pub disposition: Disposition,
    /// Whether the call may have had its effect.
    pub effect: EffectCertainty,
    /// A short, stable name for reports: `s3_archived`, `file_manager_503`. It is a contract and never changes.
    pub reason: Cow<'static, str>,
    /// The advice for the operator.
    pub hint: &'static str,
    /// The message of the endpoint or of the engine, shortened and escaped for display.
    pub message: String,
}

/// The kinds of failure that the engine distinguishes. `reason` is more specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointErrorKind {
    /// The path holds no file or object. For a source it counts as evidence only if the source answers a check after it.
    NotFound,
    /// Another file occupies the target path.
    Taken,
    /// The object's content is no longer the expected one.
    Replaced,
    /// The object is archived and not restored.
    Archived,
    /// The content does not match the size or checksum that the endpoint announced.
    Corrupt,
    /// Reading the request's body failed. The error of the body's source is more specific.
    BodyFailed,
    /// Any other failure.
    Other,
}

/// Whether a failed call had an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectCertainty {
    /// The call had no effect.
    None,
    /// The call may have had its effect.
    Unknown,
}

/// A fault that the engine finds in the content of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentFault {
    /// The body ended before its announced size.
    Interrupted,
    /// The body does not match its headers.
    Corrupt,
    /// The object was different at each lookup.
    Replaced,
    /// No lookup names an ETag.
    NoETag,
}

impl ContentFault {
    fn kind(self) -> EndpointErrorKind {
        match self {
            Self::Interrupted | Self::NoETag => EndpointErrorKind::Other,
            Self::Corrupt => EndpointErrorKind::Corrupt,
            Self::Replaced => EndpointErrorKind::Replaced,
        }
    }

    /// The part of the reason after the protocol, and the hint.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Interrupted => ("interrupted", "the connection broke; the next run tries again"),
            Self::Corrupt => {
                ("checksum_mismatch", "the bytes are not those that were stored: nothing was saved; check the store and the network")
            }
            Self::Replaced => ("object_replaced", "the object was replaced meanwhile; it is looked up again"),
            Self::NoETag => ("error", "the store must send an ETag: without one no change of the object can be seen"),
        }
    }
}

impl EndpointError {
    /// The error for a fault in the content at a path.
    pub fn of_content(source: &EndpointId, path: &ObjectKey, fault: ContentFault, message: &str) -> Self {
        let (reason, hint) = fault.words();
        Self::from(EndpointFailure {
            endpoint: source.clone(),
            // S3's name for reading content. Reports have always used it.
            operation: "GetObject",
            subject: path.to_string(),
            kind: fault.kind(),
            disposition: match fault {
                ContentFault::Replaced | ContentFault::NoETag => Disposition::Fail,
                ContentFault::Interrupted | ContentFault::Corrupt => Disposition::Retry { after: None },
            },
            effect: EffectCertainty::None,
            reason: format!("{}_{reason}", source.protocol()).into(),
            hint,
            message: message.to_owned(),
        })
    }

    /// True if the endpoint refused the call: it had no effect, and the same call would be refused again.
    pub fn is_refusal(&self) -> bool {
        self.effect == EffectCertainty::None && self.disposition == Disposition::Fail
    }

    /// Sets the endpoint. An adapter replaces the protocol's name, which the code below it uses, by its own id.
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
