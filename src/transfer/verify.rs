//! Verifies a body against its object's headers while it is streamed, before the last chunk is passed on. The body is read once and not
//! copied.

use super::hashing::Hashing;
use crate::endpoint::{ByteStream, ContentFault, EndpointError, EndpointId};
use crate::record::{Checksum, ChecksumAlgorithm, ObjectKey};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use std::error::Error;
use std::io;
use std::sync::{Arc, OnceLock};

/// How a body was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Length and checksum match.
    Verified(ChecksumAlgorithm),
    /// The length matches. The server sent no checksum that can be computed.
    Unverified,
}

/// The result of verifying a body, shared by its clones. A caller can read it even if an HTTP client hides the error of the body.
#[derive(Clone, Debug, Default)]
pub struct BodyVerdict(Arc<OnceLock<Result<Verification, EndpointError>>>);

impl BodyVerdict {
    /// The result; `None` while the body is read, and also if it was dropped before its end. It is set before the last chunk is passed on.
    pub fn get(&self) -> Option<&Result<Verification, EndpointError>> {
        self.0.get()
    }

    /// The error of the body, if verification failed.
    pub fn error(&self) -> Option<&EndpointError> {
        self.get().and_then(|outcome| outcome.as_ref().err())
    }
}

/// Passes a body on, and withholds its last chunk until length and checksum are verified.
///
/// A short body ends with `Interrupted`; a body that is too long or has another checksum, with `Corrupt`. An error of the body is passed
/// on. In each case the last chunk is missing, so a request that announced `size` bytes is incomplete.
pub fn verified(
    body: ByteStream,
    (source, key): (&EndpointId, &ObjectKey),
    size: u64,
    checksum: Option<Checksum>,
) -> (ByteStream, BodyVerdict) {
    let verdict = BodyVerdict::default();
    let verified_body = VerifiedBody {
        body: Some(body),
        subject: (source.clone(), key.clone()),
        size,
        passed: 0,
        withheld: None,
        check: checksum.map(|expected| (Hashing::new(expected.algorithm, size), expected)),
        verdict: verdict.clone(),
    };
    (stream::unfold(verified_body, VerifiedBody::step).boxed(), verdict)
}

/// Converts the body for a client that accepts only I/O errors. [`endpoint_error_in`] extracts the original error.
pub fn into_content_stream(body: ByteStream) -> BoxStream<'static, Result<Bytes, io::Error>> {
    body.map(|item| item.map_err(io::Error::other)).boxed()
}

/// The endpoint error that an error from a consumer of [`into_content_stream`] wraps.
pub fn endpoint_error_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a EndpointError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<EndpointError>() {
            return Some(found);
        }
        // `io::Error::source` skips the wrapped error; `get_ref` returns it.
        next = match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

/// The state of a verified stream.
struct VerifiedBody {
    /// `None` after its end.
    body: Option<ByteStream>,
    /// The source and the key, for errors.
    subject: (EndpointId, ObjectKey),
    size: u64,
    passed: u64,
    /// The last chunk, until the body is verified.
    withheld: Option<Bytes>,
    check: Option<(Hashing, Checksum)>,
    verdict: BodyVerdict,
}

impl VerifiedBody {
    async fn step(mut self) -> Option<(Result<Bytes, EndpointError>, Self)> {
        loop {
            match self.body.as_mut()?.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    let rest = self.size - self.passed;
                    let length = chunk.len() as u64;
                    if length > rest {
                        let words = format!("the body has more than the {} bytes that its headers announced", self.size);
                        return Some(self.fail_with(ContentFault::Corrupt, &words));
                    }
                    if let Some((hashing, _)) = &mut self.check {
                        hashing.update(&chunk).await;
                    }
                    self.passed += length;
                    if length < rest {
                        return Some((Ok(chunk), self));
                    }
                    self.withheld = Some(chunk);
                }
                Some(Err(error)) => return Some(self.fail(error)),
                None => return self.finish().await,
            }
        }
    }

    async fn finish(mut self) -> Option<(Result<Bytes, EndpointError>, Self)> {
        if self.passed < self.size {
            let words = format!("the body ended after {} of {} bytes", self.passed, self.size);
            return Some(self.fail_with(ContentFault::Interrupted, &words));
        }
        let verification = match self.check.take() {
            None => Verification::Unverified,
            Some((hashing, expected)) => {
                let Some(computed) = hashing.finish().await else {
                    return Some(self.fail_with(ContentFault::Interrupted, "the process ended before the body's checksum was known"));
                };
                if computed != expected {
                    let words = format!("the body's checksum is {computed}, its headers announced {expected}");
                    return Some(self.fail_with(ContentFault::Corrupt, &words));
                }
                Verification::Verified(expected.algorithm)
            }
        };
        self.decide(Ok(verification));
        self.body = None;
        self.withheld.take().map(|last| (Ok(last), self))
    }

    fn fail_with(self, fault: ContentFault, words: &str) -> (Result<Bytes, EndpointError>, Self) {
        let error = EndpointError::of_content(&self.subject.0, &self.subject.1, fault, words);
        self.fail(error)
    }

    fn fail(mut self, error: EndpointError) -> (Result<Bytes, EndpointError>, Self) {
        self.decide(Err(error.clone()));
        self.body = None;
        self.withheld = None;
        (Err(error), self)
    }

    fn decide(&self, outcome: Result<Verification, EndpointError>) {
        self.verdict.0.set(outcome).expect("invariant: a body ends once");
    }
}

#[cfg(test)]
mod tests;
