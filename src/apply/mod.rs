//! Doing it: pending paths are brought to where plan and bucket want them, some at a time, each outcome recorded.
//! What is to be done is not decided here.

mod absent;
mod error;
mod executor;
mod halt;
mod in_hand;
mod moves;
mod open_effect;
mod operation;
mod outcome;
mod permissions;
mod sending;
mod sink;
mod tally;

pub use error::ApplyError;
pub use executor::{Bounds, Executor};
pub use halt::Halt;
use operation::Operation;
pub use outcome::Ending;
pub use sink::{FileManagerSink, SinkOptions};
pub use tally::{Failures, Skips, Tally, Totals};
