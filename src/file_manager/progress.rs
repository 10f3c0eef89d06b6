//! The progress of one attempt: the time of the last byte, and the state of our own content, so that its failure is not attributed to the
//! server.

use super::{ContentStream, SaveContent};
use bytes::Bytes;
use futures::stream::{Stream, StreamExt};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// The state of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ContentState {
    /// A part of the content is not sent yet.
    Flowing,
    /// As `Flowing`, and the attempt waits for the source of the content.
    Awaited,
    /// All content, with the announced length, was passed to the HTTP client. Also for a call without content.
    Whole,
    /// The content failed with this message, and the request is aborted.
    Failed(String),
}

/// The limit that an attempt exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// The total time.
    Total,
    /// The time without a byte.
    Idle,
}

struct Inner {
    moved: Instant,
    content_state: ContentState,
    content: Option<ContentStream>,
    bytes_left: u64,
    waker: Option<Waker>,
}

/// The caller's handle of an attempt. Dropping it drops the source of the content at once and aborts an incomplete body, because the
/// response is no longer awaited.
pub(super) struct AttemptProgress(Arc<Mutex<Inner>>);

impl AttemptProgress {
    /// The progress of a call without content.
    pub(super) fn without_content() -> Self {
        Self::new(ContentState::Whole, None, 0)
    }

    /// The progress of a call with content, and the guarded stream to send instead of it.
    pub(super) fn of(content: SaveContent) -> (Self, GuardedContent) {
        let progress = Self::new(ContentState::Flowing, Some(content.body), content.size);
        let guarded = GuardedContent(Arc::clone(&progress.0));
        (progress, guarded)
    }

    fn new(content_state: ContentState, content: Option<ContentStream>, bytes_left: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner { moved: Instant::now(), content_state, content, bytes_left, waker: None })))
    }

    /// Records that bytes of the response arrived.
    pub(super) fn answer_moved(&self) {
        lock(&self.0).moved = Instant::now();
    }

    /// The state of the content.
    pub(super) fn content_state(&self) -> ContentState {
        lock(&self.0).content_state.clone()
    }

    /// Waits until the attempt exceeds a limit.
    pub(super) async fn overdue(&self, total: Duration, idle: Duration) -> Overdue {
        let end = Instant::now() + total;
        loop {
            let idle_end = lock(&self.0).moved + idle;
            if idle_end.min(end) > Instant::now() {
                tokio::time::sleep_until(idle_end.min(end)).await;
            } else {
                return if end <= Instant::now() { Overdue::Total } else { Overdue::Idle };
            }
        }
    }
}

impl Drop for AttemptProgress {
    fn drop(&mut self) {
        let (content, waker) = {
            let mut state = lock(&self.0);
            (state.content.take(), state.waker.take())
        };
        drop(content);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn lock(state: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The content as the request reads it. It yields exactly the announced length and records failures. After a failure every read fails, so
/// that the rest of the body is never sent.
pub(super) struct GuardedContent(Arc<Mutex<Inner>>);

impl Inner {
    fn fail(&mut self, why: String) -> Poll<Option<io::Result<Bytes>>> {
        let error = io::Error::other(why.clone());
        self.content_state = ContentState::Failed(why);
        self.content = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for GuardedContent {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = lock(&self.0);
        let Some(content) = state.content.as_mut() else {
            return match state.content_state {
                ContentState::Whole => Poll::Ready(None),
                _ => Poll::Ready(Some(Err(io::Error::other("the call has ended")))),
            };
        };
        let Poll::Ready(item) = content.poll_next_unpin(cx) else {
            state.content_state = ContentState::Awaited;
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        state.moved = Instant::now();
        state.content_state = ContentState::Flowing;
        match item {
            Some(Err(error)) => state.fail(error.to_string()),
            Some(Ok(bytes)) => match state.bytes_left.checked_sub(bytes.len() as u64) {
                Some(left) => {
                    state.bytes_left = left;
                    Poll::Ready(Some(Ok(bytes)))
                }
                None => state.fail("the content is longer than its announced size".to_owned()),
            },
            None if state.bytes_left > 0 => {
                let missing = state.bytes_left;
                state.fail(format!("the content ended {missing} bytes before its announced size"))
            }
            None => {
                state.content_state = ContentState::Whole;
                state.content = None;
                Poll::Ready(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream::{self, TryStreamExt};

    fn content(size: u64, body: ContentStream) -> SaveContent {
        SaveContent { size, file_type: "text/plain".to_owned(), body }
    }

    fn chunks(chunks: &[&'static str]) -> ContentStream {
        stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect::<Vec<_>>()).boxed()
    }

    #[tokio::test]
    async fn content_is_neither_longer_nor_shorter_than_announced() {
        let broken = stream::iter([Ok(Bytes::from_static(b"ab")), Err(io::Error::other("reset by S3"))]).boxed();
        for (size, body, expected) in [
            (4, chunks(&["ab", "", "cd"]), ContentState::Whole),
            (0, chunks(&[]), ContentState::Whole),
            (5, chunks(&["ab", "cd"]), ContentState::Failed("the content ended 1 bytes before its announced size".to_owned())),
            (3, chunks(&["ab", "cd"]), ContentState::Failed("the content is longer than its announced size".to_owned())),
            (4, broken, ContentState::Failed("reset by S3".to_owned())),
        ] {
            let (progress, guarded) = AttemptProgress::of(content(size, body));
            let read: io::Result<Vec<_>> = guarded.try_collect().await;
            assert_eq!(read.is_ok(), expected == ContentState::Whole, "{expected:?}");
            assert_eq!(progress.content_state(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_ends_when_it_stalls_or_exceeds_its_total_time() {
        let (total, idle) = (Duration::from_secs(90), Duration::from_mins(1));
        let progress = AttemptProgress::without_content();
        assert_eq!(progress.overdue(total, idle).await, Overdue::Idle);
        progress.answer_moved();
        assert_eq!(progress.overdue(idle, total).await, Overdue::Total);

        let moving = AttemptProgress::without_content();
        let begun = Instant::now();
        let keeps_moving = async {
            loop {
                tokio::time::sleep(Duration::from_secs(25)).await;
                moving.answer_moved();
            }
        };
        tokio::select! {
            overdue = moving.overdue(total, idle) => assert_eq!((overdue, begun.elapsed()), (Overdue::Total, total)),
            () = keeps_moving => {}
        }
    }

    #[tokio::test]
    async fn a_slow_source_is_recognised() {
        let (progress, mut guarded) = AttemptProgress::of(content(3, chunks(&["ab"]).chain(stream::pending()).boxed()));
        assert_eq!(progress.content_state(), ContentState::Flowing);
        assert!(guarded.next().await.is_some_and(|item| item.is_ok()));
        assert!(futures::poll!(guarded.next()).is_pending());
        assert_eq!(progress.content_state(), ContentState::Awaited);
    }

    #[tokio::test]
    async fn an_ended_call_releases_its_content() {
        let (progress, mut guarded) = AttemptProgress::of(content(3, stream::pending().boxed()));
        let reader = tokio::spawn(async move { guarded.next().await });
        while progress.content_state() != ContentState::Awaited {
            tokio::task::yield_now().await;
        }
        drop(progress);
        assert!(matches!(reader.await, Ok(Some(Err(_)))));
    }
}
