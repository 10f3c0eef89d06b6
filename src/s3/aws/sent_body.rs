//! The body of a request that writes: its exact length, its progress, and the error that ended it.

use crate::endpoint::ByteStream;
use crate::s3::SentBody;
use aws_sdk_s3::primitives::{ByteStream as SdkByteStream, SdkBody};
use bytes::Bytes;
use futures::StreamExt as _;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A body for one call. The call may make a second attempt with other credentials: bytes in memory are sent again, a stream is not.
pub(super) struct BodyOnce(Mutex<Option<SentBody>>);

impl BodyOnce {
    pub(super) fn new(body: SentBody) -> Self {
        Self(Mutex::new(Some(body)))
    }

    /// The body for an attempt; `None` = it was a stream, and an earlier attempt has it.
    pub(super) fn for_attempt(&self) -> Option<(SdkByteStream, Arc<BodyProgress>)> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let body = held.take()?;
        Some(match body {
            SentBody::Bytes(bytes) => {
                *held = Some(SentBody::Bytes(bytes.clone()));
                (SdkByteStream::from(bytes), Arc::new(BodyProgress::default()))
            }
            SentBody::Stream { body, length } => {
                let progress = Arc::new(BodyProgress { unsent: AtomicU64::new(length), ..BodyProgress::default() });
                let tracked = TrackedBody { stream: Mutex::new(Some(body)), progress: Arc::clone(&progress) };
                (SdkByteStream::new(SdkBody::from_body_1_x(tracked)), progress)
            }
        })
    }
}

/// How far a body was sent.
#[derive(Debug, Default)]
pub(super) struct BodyProgress {
    /// The bytes that the client has not taken yet. As long as there are any, the server cannot have stored the body.
    unsent: AtomicU64,
    /// True while the client waits for the body's source.
    waits_for_source: AtomicBool,
    /// Why the body ended early.
    failure: Mutex<Option<String>>,
}

impl BodyProgress {
    /// True if the client has taken the whole body.
    pub(super) fn is_sent(&self) -> bool {
        self.unsent.load(Ordering::SeqCst) == 0
    }

    /// Why the body ended early; `None` = it did not.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Awaits the answer to a request with this body. `None` = for `silence`, and at most for twice as long, neither did the server take a
    /// byte nor an answer arrive. Waiting for the body's source does not count: the source has a time limit of its own.
    pub(super) async fn answer<T>(&self, silence: Duration, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = std::pin::pin!(answer);
        let mut seen = self.unsent.load(Ordering::SeqCst);
        loop {
            if let Ok(answer) = tokio::time::timeout(silence, &mut answer).await {
                return Some(answer);
            }
            let unsent = self.unsent.load(Ordering::SeqCst);
            if unsent == seen && !self.waits_for_source.load(Ordering::SeqCst) {
                return None;
            }
            seen = unsent;
        }
    }

    fn fail(&self, words: String) -> BodyEnded {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
        BodyEnded
    }
}

/// The SDK's error for a body that ends early. The reason is in [`BodyProgress::failure`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body ended early")]
struct BodyEnded;

/// A stream as the body of a request.
struct TrackedBody {
    /// `None` after its end. The lock is never contended: the SDK requires `Sync`, which a stream is not.
    stream: Mutex<Option<ByteStream>>,
    progress: Arc<BodyProgress>,
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = BodyEnded;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyEnded>>> {
        let this = self.get_mut();
        let open = this.stream.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(stream) = open else { return Poll::Ready(None) };
        let polled = stream.poll_next_unpin(context);
        this.progress.waits_for_source.store(polled.is_pending(), Ordering::SeqCst);
        let unsent = this.progress.unsent.load(Ordering::SeqCst);
        let failure = match ready!(polled) {
            Some(Ok(chunk)) if chunk.len() as u64 <= unsent => {
                this.progress.unsent.store(unsent - chunk.len() as u64, Ordering::SeqCst);
                return Poll::Ready(Some(Ok(Frame::data(chunk))));
            }
            None if unsent == 0 => {
                *open = None;
                return Poll::Ready(None);
            }
            Some(Ok(_)) => "the body is longer than was announced".to_owned(),
            Some(Err(error)) => error.to_string(),
            None => format!("the body ended {unsent} bytes before its announced length"),
        };
        *open = None;
        Poll::Ready(Some(Err(this.progress.fail(failure))))
    }

    /// The client announces this length.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.progress.unsent.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{ContentFault, EndpointError, EndpointId};
    use crate::record::ObjectKey;
    use aws_sdk_s3::primitives::AggregatedBytes;
    use futures::stream;

    fn failed() -> EndpointError {
        let key = ObjectKey::new("k").expect("invariant: not empty");
        EndpointError::of_content(&EndpointId::new("s3"), &key, ContentFault::Corrupt, "wrong bytes")
    }

    #[tokio::test]
    async fn a_body_has_its_announced_length_or_fails_and_is_never_sent_twice() {
        for (items, expected) in [
            (vec![Ok("123"), Ok("45")], Ok("12345")),
            (vec![Ok("123")], Err("the body ended 2 bytes before its announced length")),
            (vec![Ok("123"), Ok("456")], Err("the body is longer than was announced")),
            (vec![Ok("123"), Err(failed())], Err("GetObject k: wrong bytes")),
        ] {
            let body = stream::iter(items).map(|item| item.map(|text| Bytes::from_static(text.as_bytes()))).boxed();
            let once = BodyOnce::new(SentBody::Stream { body, length: 5 });
            let (body, progress) = once.for_attempt().expect("the first attempt");
            assert_eq!(body.size_hint(), (5, Some(5)));
            let collected = body.collect().await.map(AggregatedBytes::into_bytes);
            assert_eq!(collected.ok().as_deref(), expected.ok().map(str::as_bytes));
            assert_eq!(progress.failure().as_deref(), expected.err());
            assert_eq!(progress.is_sent(), expected.is_ok());
            assert!(once.for_attempt().is_none());
        }
        let again = BodyOnce::new(SentBody::Bytes("12345".into()));
        assert!(again.for_attempt().is_some() && again.for_attempt().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_server_s_silence_ends_the_wait() {
        let progress = BodyProgress { unsent: AtomicU64::new(2), ..BodyProgress::default() };
        let second = Duration::from_secs(1);
        let taken = async {
            tokio::time::sleep(second * 3 / 2).await;
            progress.unsent.store(1, Ordering::SeqCst);
            tokio::time::sleep(second).await;
        };
        assert_eq!(progress.answer(second * 2, taken).await, Some(()), "a byte was taken");
        assert_eq!(progress.answer(second, std::future::pending::<()>()).await, None);
        progress.waits_for_source.store(true, Ordering::SeqCst);
        assert_eq!(progress.answer(second, tokio::time::sleep(second * 10)).await, Some(()), "the source was slow");
    }
}
