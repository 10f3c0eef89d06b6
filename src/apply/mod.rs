//! Applies the plan: sends to a sink what `plan` decides for each pending path, several paths concurrently, and records each outcome.

mod context;
mod error;
mod executor;
mod operation;
pub mod sink;

pub use context::{ApplyContext, ApplyOptions};
pub use error::ApplyError;
pub use executor::{Bounds, Executor};

pub use crate::run::{RunCounters, RunTotals, StopSignal};
