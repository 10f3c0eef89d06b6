//! Doing it: pending paths are brought to where plan and bucket want them, some at a time, each outcome recorded.
//! What is to be done is not decided here.

mod absent;
mod error;
mod executor;
mod in_hand;
mod moves;
mod open_effect;
mod operation;
mod permissions;
mod sending;
mod sink;

pub use error::ApplyError;
pub use executor::{Bounds, Executor};
use operation::Operation;
pub use sink::{FileManagerSink, SinkOptions};

pub use crate::run::{Halt, Tally, Totals};
