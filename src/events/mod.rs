//! Events: decodes messages, and receives them from queues and the feed into the inbox. The plan folds events of one path; a lookup
//! decides what is true.

pub mod decode;
pub mod dead_letters;
pub mod feed;
pub mod queue;
#[cfg(feature = "sqs")]
pub mod sqs;
mod receive;

pub use receive::{Notified, notified};
