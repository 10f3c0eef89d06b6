//! A queue as the reader sees it: what it gives, what it is told, and that it may be shut. Which one it is, each implementation knows.

use crate::retry::{Disposed, Disposition};
use crate::state::StateError;
use async_trait::async_trait;
use jiff::SignedDuration;
use std::time::Duration;

/// What stands for a message until it is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub String);

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// For acknowledging it.
    pub receipt: Receipt,
    /// What it says.
    pub body: String,
}

/// A queue that cannot be used now. Its text is escaped, and holds no secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call} {address}: {message}")]
pub struct QueueError {
    /// `ReceiveMessage`, …
    pub call: &'static str,
    /// Which queue.
    pub address: String,
    /// Why.
    pub message: String,
}

impl QueueError {
    /// What an operator can do about it.
    pub fn hint(&self) -> &'static str {
        "check EVENTS_SQS_QUEUE_URL and EVENTS_SQS_ENDPOINT, and that the credentials may receive from it and delete there"
    }
}

impl Disposed for QueueError {
    /// Whatever it is: a person may mend it while we wait.
    fn disposition(&self) -> Disposition {
        Disposition::Retry { after: None }
    }
}

/// Why a step could not be done; what came before it is stored.
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

/// Where messages wait until they are acknowledged.
#[async_trait]
pub trait EventQueue: Send + Sync {
    /// Which queue it is: two with the same address are one.
    fn address(&self) -> &str;

    /// The next messages, a bounded number of them; waits at most so long for the first.
    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, QueueError>;
    /// Says that these are stored; gives back those that the queue did not take the word for.
    async fn acknowledge(&self, receipts: Vec<Receipt>) -> Result<Vec<Receipt>, QueueError>;
    /// Gives these back at once: they could not be stored.
    async fn release(&self, receipts: Vec<Receipt>) -> Result<(), QueueError>;
    /// How long it keeps a message that nobody takes; `None` = it does not say.
    async fn retention(&self) -> Option<SignedDuration>;
}
