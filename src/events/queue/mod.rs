//! Event queues: the trait of a queue, and the reader that stores a queue's events in the inbox.

mod event_queue;
mod reader;

pub use event_queue::{EventQueue, Message, MessageReceipt, QueueError, StepError};
pub use reader::{InboxLimits, QueueReader};

pub use crate::run::{Drained, SourceStatus};
