//! The data of a run: endpoints, state, sinks and options. The other files of this directory implement the steps.

use super::endpoints::Endpoints;
use super::options::Options;
use crate::apply::ApplyError;
use crate::clock::Clock;
use crate::run::{RunCounters, RunKind, StopSignal};
use crate::state::{SinkState, State};
use jiff::Timestamp;
use std::sync::Arc;

/// One run, of any kind.
pub struct Flow {
    /// The endpoints.
    pub endpoints: Endpoints,
    /// The state. The caller has checked that it belongs to these endpoints.
    pub state: State,
    /// The state of each sink, at least one.
    pub sinks: Vec<SinkState>,
    /// The options of the run.
    pub options: Options,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The counters of the run. The caller may read them during the run.
    pub counters: Arc<RunCounters>,
    /// The stop signal. The caller may send it.
    pub stop_signal: StopSignal,
}

/// The identity of a run that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunInfo {
    pub(super) number: u64,
    pub(super) kind: RunKind,
    pub(super) began: Timestamp,
}

impl Flow {
    /// Stops the run and keeps the error as the cause.
    pub(super) fn stop(&self, error: &ApplyError) {
        self.stop_signal.stop(Some(error.into()));
    }
}
