//! Applying the plan: brings pending paths to the state that plan and bucket require, some at a time, and records each outcome.
//! `plan` decides the action.

mod context;
mod error;
mod executor;
mod operation;
pub mod sink;

pub use context::{ApplyContext, ApplyOptions};
pub use error::ApplyError;
pub use executor::{Bounds, Executor};

pub use crate::run::{RunCounters, RunTotals, StopSignal};
