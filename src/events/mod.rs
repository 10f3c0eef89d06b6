//! What we were told: messages decoded, and the sources that bring them into the inbox. What is true, a look decides; what is to be
//! done, the plan.

pub mod decode;
pub mod feed;
pub mod queue;
#[cfg(feature = "sqs")]
pub mod sqs;
mod intake;

pub use intake::{Notified, notified};
