//! What we were told: messages decoded, and the sources that bring them into the inbox. What they come to together, the plan folds;
//! what is true, a look decides.

pub mod decode;
pub mod dead_letters;
pub mod feed;
pub mod queue;
#[cfg(feature = "sqs")]
pub mod sqs;
mod receive;

pub use receive::{Notified, notified};
