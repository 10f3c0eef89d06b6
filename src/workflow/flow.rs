//! The data of a run: its endpoints, its state, its sinks, its options. The other files own its steps.

use super::endpoints::Endpoints;
use super::options::Options;
use crate::apply::ApplyError;
use crate::clock::Clock;
use crate::run::{RunCounters, RunKind, StopSignal};
use crate::state::{SinkState, State};
use jiff::Timestamp;
use std::sync::Arc;

/// One run of any flow.
pub struct Flow {
    /// The endpoints.
    pub doors: Endpoints,
    /// The state, already checked to belong to these endpoints.
    pub state: State,
    /// Its sinks, at least one.
    pub sinks: Vec<SinkState>,
    /// The options of the run.
    pub options: Options,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The counts of the run so far; the caller may watch them.
    pub tally: Arc<RunCounters>,
    /// The stop signal; the caller may set it.
    pub halt: StopSignal,
}

/// A run that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) kind: RunKind,
    pub(super) began: Timestamp,
}

impl Flow {
    /// Stops the run: no part of it can go on.
    pub(super) fn stop(&self, error: &ApplyError) {
        self.halt.stop(Some(error.into()));
    }
}
