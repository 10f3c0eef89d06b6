//! A request's body with two readers: the multipart parser, and after it the code that checks that the body is complete. It uses
//! only lengths, not the content.

use axum::body::{Body, BodyDataStream, Bytes};
use futures::{Stream, StreamExt};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// After this many bytes the stream returns pending. Otherwise the parser, which reads until nothing is ready, would buffer all
/// data of a fast client.
const BYTES_PER_TURN: usize = 256 * 1024;

/// A handle on the body; all handles read the same stream.
#[derive(Clone)]
pub(crate) struct Inflow(Arc<Mutex<State>>);

struct State {
    stream: BodyDataStream,
    received: u64,
    turn: usize,
    broken: bool,
}

impl Inflow {
    pub(crate) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(State { stream: body.into_data_stream(), received: 0, turn: 0, broken: false })))
    }

    /// Reads the rest and returns true if the body is complete. A closing boundary is no proof: bytes after it may be missing.
    pub(crate) async fn drained(mut self, content_length: Option<u64>) -> bool {
        while let Some(chunk) = self.next().await {
            if chunk.is_err() {
                break;
            }
        }
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !state.broken && content_length.is_none_or(|expected| expected == state.received)
    }
}

impl Stream for Inflow {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.broken {
            return Poll::Ready(None);
        }
        if state.turn >= BYTES_PER_TURN {
            state.turn = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = state.stream.poll_next_unpin(context);
        if polled.is_pending() {
            state.turn = 0;
        }
        let item = ready!(polled);
        match &item {
            Some(Ok(chunk)) => {
                state.received += chunk.len() as u64;
                state.turn += chunk.len();
            }
            Some(Err(_)) => state.broken = true,
            None => {}
        }
        Poll::Ready(item)
    }
}
