//! Doing it: pending paths are brought to where plan and bucket want them, some at a time, each outcome recorded.
//! What is to be done is not decided here.

mod context;
mod error;
mod executor;
mod operation;
pub mod sink;

pub use context::{ApplyContext, ApplyOptions};
pub use error::ApplyError;
pub use executor::{Bounds, Executor};

pub use crate::run::{RunCounters, RunTotals, StopSignal};
