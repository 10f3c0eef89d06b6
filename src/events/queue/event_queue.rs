//! The trait of an event queue: receive, acknowledge, release. Every call may fail because the queue is unreachable.

use crate::retry::{Disposed, Disposition};
use crate::state::StateError;
use async_trait::async_trait;
use jiff::SignedDuration;
use std::time::Duration;

/// Identifies a received message until it is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub String);

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Acknowledges the message.
    pub receipt: Receipt,
    /// The message's text.
    pub body: String,
}

/// A queue that is unreachable or refuses a call. The text is escaped and holds no secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call} {address}: {message}")]
pub struct QueueError {
    /// `ReceiveMessage`, …
    pub call: &'static str,
    /// The queue's address.
    pub address: String,
    /// The reason.
    pub message: String,
}

impl QueueError {
    /// The operator's hint.
    pub fn hint(&self) -> &'static str {
        "check EVENTS_SQS_QUEUE_URL and EVENTS_SQS_ENDPOINT, and that the credentials may receive from it and delete there"
    }
}

impl Disposed for QueueError {
    /// Every error is retried: the operator may fix it while the reader waits.
    fn disposition(&self) -> Disposition {
        Disposition::Retry { after: None }
    }
}

/// Why a step failed; messages received before it are stored.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Disposed for StepError {
    fn disposition(&self) -> Disposition {
        Disposition::Retry { after: None }
    }
}

/// A queue that keeps messages until they are acknowledged.
#[async_trait]
pub trait EventQueue: Send + Sync {
    /// The queue's identity: two with the same address are one queue.
    fn address(&self) -> &str;

    /// The next messages, a bounded number; waits at most `wait` for the first.
    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, QueueError>;
    /// Acknowledges stored messages; returns the receipts that the queue refused.
    async fn acknowledge(&self, receipts: Vec<Receipt>) -> Result<Vec<Receipt>, QueueError>;
    /// Makes these messages visible again at once: they could not be stored.
    async fn release(&self, receipts: Vec<Receipt>) -> Result<(), QueueError>;
    /// The retention of an unreceived message; `None` = unknown.
    async fn retention(&self) -> Option<SignedDuration>;
}
