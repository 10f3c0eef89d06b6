//! Events: receives messages from queues and the feed, decodes them, and stores the events in the inbox. `plan::fold` combines the events
//! of a path; a lookup decides what is true.

pub mod decode;
pub mod dead_letters;
pub mod feed;
pub mod queue;
#[cfg(feature = "sqs")]
pub mod sqs;
mod receive;

pub use receive::{Notified, notified};
