//! What a run has: where it reads and writes, its state, its sinks, its options. What it does is the other files' concern.

use super::endpoints::Endpoints;
use super::options::Options;
use crate::apply::ApplyError;
use crate::clock::Clock;
use crate::run::{RunCounters, RunKind, StopSignal};
use crate::state::{SinkState, State};
use jiff::Timestamp;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// One run of any flow.
pub struct Flow {
    /// The doors.
    pub doors: Endpoints,
    /// The state, already found to describe these doors.
    pub state: State,
    /// Its sinks, at least one.
    pub sinks: Vec<SinkState>,
    /// What it was told.
    pub options: Options,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts as it goes; the caller may watch.
    pub tally: Arc<RunCounters>,
    /// Stops it; the caller may.
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
    pub(super) fn kept(&self) -> NonZeroUsize {
        self.options.kept_snapshots
    }

    /// Nothing can go on: the run stops.
    pub(super) fn stop(&self, error: &ApplyError) {
        self.halt.stop(Some(error.into()));
    }
}
