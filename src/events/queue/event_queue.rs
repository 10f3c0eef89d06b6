//! The trait of an event queue: receive, acknowledge, release.

use crate::retry::{Disposed, Disposition};
use crate::state::StateError;
use async_trait::async_trait;
use jiff::SignedDuration;
use std::time::Duration;

/// The handle with which a received message is acknowledged or released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageReceipt(pub String);

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The handle of the message.
    pub receipt: MessageReceipt,
    /// The message's text.
    pub body: String,
}

/// The error of a queue that is unreachable or refuses a call. The text is escaped and contains no secret.
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
    /// Every error is retried, because the operator may fix its cause while the reader waits.
    fn disposition(&self) -> Disposition {
        Disposition::Retry { after: None }
    }
}

/// The error of one step of the reader. Messages that were received before it are stored.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The state failed.
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
    /// The address, which identifies the queue.
    fn address(&self) -> &str;

    /// Receives some messages; waits at most `wait` for the first one.
    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, QueueError>;
    /// Acknowledges stored messages. Returns the receipts that the queue refused.
    async fn acknowledge(&self, receipts: Vec<MessageReceipt>) -> Result<Vec<MessageReceipt>, QueueError>;
    /// Makes messages that could not be stored visible again at once.
    async fn release(&self, receipts: Vec<MessageReceipt>) -> Result<(), QueueError>;
    /// How long the queue keeps a message; `None` = unknown.
    async fn retention(&self) -> Option<SignedDuration>;
}
