//! Log lines, spans and metrics. They never change the outcome of a run.

mod spans;
mod metrics;
pub mod names;
#[cfg(feature = "cli")]
mod setup;
#[cfg(feature = "cli")]
mod bars;
#[cfg(feature = "cli")]
mod lines;
#[cfg(feature = "cli")]
mod log_file;
#[cfg(feature = "cli")]
mod docs;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(feature = "cli")]
pub use bars::bars;
#[cfg(feature = "cli")]
pub use docs::telemetry_page;
pub use metrics::{Backlog, Metrics, OperationResult, metrics};
#[cfg(feature = "cli")]
pub use setup::{SetupError, Telemetry, init};
pub use spans::{decided, ended, operation, run, run_began, run_ended};
