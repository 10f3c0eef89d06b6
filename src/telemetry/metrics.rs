//! Counters and gauges for the whole program: plain calls, which cost next to nothing without a collector. How a number leaves the
//! process is not known here.

use std::sync::OnceLock;
use std::time::Duration;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationResult {
    /// The effect was made.
    Done,
    /// Nothing was left to do.
    Unchanged,
    /// Not done, with a reason.
    Skipped,
    /// Another lane or another lookup continues it.
    Deferred,
    /// Failed and parked.
    Failed,
    /// Interrupted; the path stays due.
    Stopped,
}

impl OperationResult {
    /// The value in spans and metrics.
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

/// The work that is not applied to one sink yet, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Paths with something to do: due, parked or held.
    pub pending: u64,
    /// Age of the oldest event in the inbox, counted from its receipt; zero = the inbox is empty.
    pub lag: Duration,
}

/// The backend that exports the numbers.
pub(super) trait Instruments: Send + Sync {
    fn operation(&self, sink: &str, kind: &'static str, result: OperationResult);
    fn events(&self, source: &str, count: u64);
    fn cycle(&self, kind: &'static str, outcome: &'static str, duration: Duration);
    fn backlog(&self, sink: &str, backlog: &Backlog);
    fn dead_letters(&self, count: u64);
}

static INSTRUMENTS: OnceLock<Box<dyn Instruments>> = OnceLock::new();

/// Installs the backend of this process; the first call wins.
#[cfg(feature = "otlp")]
pub(super) fn install(instruments: Box<dyn Instruments>) {
    // A second call gets its error from the subscriber, which can be set only once as well.
    let _ = INSTRUMENTS.set(instruments);
}

/// The metrics of this process.
pub fn metrics() -> Metrics {
    Metrics(INSTRUMENTS.get().map(AsRef::as_ref))
}

/// The metrics of this process. Without a backend every call returns at once.
#[derive(Clone, Copy)]
pub struct Metrics(Option<&'static dyn Instruments>);

impl Metrics {
    /// True if a backend is installed: check it before computing a value only for a metric.
    pub fn are_enabled(self) -> bool {
        self.0.is_some()
    }

    /// An operation ended. (Inside [`super::operation`] this is done for you.)
    pub fn operation(self, sink: &str, kind: &'static str, result: OperationResult) {
        if let Some(instruments) = self.0 {
            instruments.operation(sink, kind, result);
        }
    }

    /// Events were received.
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

    /// Sets the backlog gauges of one sink.
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
