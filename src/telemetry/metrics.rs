//! The metrics of the program. Without a collector the calls return at once. `otlp` exports the values.

use std::sync::OnceLock;
use std::time::Duration;

/// The result of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationResult {
    /// The sink confirmed the effect.
    Done,
    /// There was nothing to do any more.
    Unchanged,
    /// The object was skipped.
    Skipped,
    /// The path stays pending: another lane or another lookup continues.
    Deferred,
    /// The operation failed, and the path is parked.
    Failed,
    /// The operation was interrupted, and the path stays due.
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

/// The work that is not applied to one sink yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// The number of pending paths: due, parked or held.
    pub pending: u64,
    /// The time since the receipt of the oldest event that is not applied; zero = there is none.
    pub lag: Duration,
}

/// The backend that exports the values.
pub(super) trait Instruments: Send + Sync {
    fn operation(&self, sink: &str, kind: &'static str, result: OperationResult);
    fn events(&self, source: &str, count: u64);
    fn cycle(&self, kind: &'static str, outcome: &'static str, duration: Duration);
    fn backlog(&self, sink: &str, backlog: &Backlog);
    fn dead_letters(&self, count: u64);
    fn mended_header(&self, header: &'static str);
    fn mended_elements(&self, element: &'static str, count: u64);
}

static INSTRUMENTS: OnceLock<Box<dyn Instruments>> = OnceLock::new();

/// Installs the backend of this process. Only the first call has an effect.
#[cfg(feature = "otlp")]
pub(super) fn install(instruments: Box<dyn Instruments>) {
    // A second call is reported by the subscriber, which can also be set only once.
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
    /// True if a backend is installed. Check it before computing a value only for a metric.
    pub fn are_enabled(self) -> bool {
        self.0.is_some()
    }

    /// Counts an operation. Code inside [`super::operation`] must not call it, because the span does.
    pub fn operation(self, sink: &str, kind: &'static str, result: OperationResult) {
        if let Some(instruments) = self.0 {
            instruments.operation(sink, kind, result);
        }
    }

    /// Counts received events.
    pub fn events(self, source: &str, count: u64) {
        if let Some(instruments) = self.0 {
            instruments.events(source, count);
        }
    }

    /// Records a run. Code inside [`super::run`] must not call it, because the span does.
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

    /// Sets the gauge of dead letters.
    pub fn dead_letters(self, count: u64) {
        if let Some(instruments) = self.0 {
            instruments.dead_letters(count);
        }
    }

    /// Counts an unreadable header of the store.
    pub fn mended_header(self, header: &'static str) {
        if let Some(instruments) = self.0 {
            instruments.mended_header(header);
        }
    }

    /// Counts unreadable elements of a listing.
    pub fn mended_elements(self, element: &'static str, count: u64) {
        if let Some(instruments) = self.0 {
            instruments.mended_elements(element, count);
        }
    }
}
