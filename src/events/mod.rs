//! What we were told: messages decoded, the sources that bring them into the inbox, and the fold that makes hints of them. What is
//! true, a look decides; what is to be done, the plan.

pub mod decode;
pub mod dead_letters;
pub mod feed;
pub mod queue;
#[cfg(feature = "sqs")]
pub mod sqs;
mod intake;
pub mod replay;

pub use intake::{Notified, notified};
