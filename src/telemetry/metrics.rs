//! What is counted and measured, for whoever has something to count: plain calls, which cost next to nothing while nobody
//! listens. How a number gets out of the process is not known here.

use std::sync::OnceLock;
use std::time::Duration;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationResult {
    /// It had its effect.
    Done,
    /// There was nothing left to do.
    Unchanged,
    /// Left out, with a reason.
    Skipped,
    /// Another lane or another look goes on with it.
    Deferred,
    /// It failed, and is parked.
    Failed,
    /// It was cut off, and stays due.
    Stopped,
}

impl OperationResult {
    /// The word in spans and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Deferred => "deferred",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// What is not applied yet to one sink, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Paths with something to do: due, parked or held.
    pub pending: u64,
    /// How long ago the oldest event came into the inbox that is still there; zero = there is none.
    pub lag: Duration,
}

/// Who makes telemetry of it.
pub(super) trait Instruments: Send + Sync {
    fn operation(&self, sink: &str, kind: &'static str, result: OperationResult);
    fn events(&self, source: &str, count: u64);
    fn cycle(&self, kind: &'static str, outcome: &'static str, duration: Duration);
    fn backlog(&self, sink: &str, backlog: &Backlog);
    fn dead_letters(&self, count: u64);
}

static INSTRUMENTS: OnceLock<Box<dyn Instruments>> = OnceLock::new();

/// From now on everything is told to these; the first ones stay.
#[cfg(feature = "otlp")]
pub(super) fn install(instruments: Box<dyn Instruments>) {
    // Whoever is second is told by the subscriber, of which there is only one as well.
    let _ = INSTRUMENTS.set(instruments);
}

/// The metrics of this process.
pub fn metrics() -> Metrics {
    Metrics(INSTRUMENTS.get().map(AsRef::as_ref))
}

/// The metrics of this process. Without anybody who listens, every call ends at once.
#[derive(Clone, Copy)]
pub struct Metrics(Option<&'static dyn Instruments>);

impl Metrics {
    /// Whether anybody listens: worth asking where something has to be found out first.
    pub fn are_heard(self) -> bool {
        self.0.is_some()
    }

    /// An operation ended. (Inside [`super::operation`] this is done for you.)
    pub fn operation(self, sink: &str, kind: &'static str, result: OperationResult) {
        if let Some(instruments) = self.0 {
            instruments.operation(sink, kind, result);
        }
    }

    /// Events came in.
    pub fn events(self, source: &str, count: u64) {
        if let Some(instruments) = self.0 {
            instruments.events(source, count);
        }
    }

    /// A run ended. (Inside [`super::run`] this is done for you.)
    pub fn cycle(self, kind: &'static str, outcome: &'static str, duration: Duration) {
        if let Some(instruments) = self.0 {
            instruments.cycle(kind, outcome, duration);
        }
    }

    /// What is not applied to a sink at this moment.
    pub fn backlog(self, sink: &str, backlog: &Backlog) {
        if let Some(instruments) = self.0 {
            instruments.backlog(sink, backlog);
        }
    }

    /// How many events were given up and wait for a person.
    pub fn dead_letters(self, count: u64) {
        if let Some(instruments) = self.0 {
            instruments.dead_letters(count);
        }
    }
}
