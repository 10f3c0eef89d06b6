//! Queues of notifications: what a queue is, and the reader that receives one into the inbox.

mod event_queue;
mod reader;

pub use reader::{Inbox, QueueReader};
pub use event_queue::{Message, Receipt, Source, SourceError, StepError};

pub use crate::run::{Drained, SourceStatus};
