//! The data that all parts of a run share: its kind, counters, stop signal and outcome. `workflow` implements the runs.

mod kind;
mod stop;
mod own_listing;
mod counters;
mod counts;
mod error_summary;
mod path_outcome;
mod queue_status;

pub use counters::{Failures, RunCounters, RunTotals, SinkCounters, SinkTotals, Skips};
pub use counts::{IgnoredEvents, MissedKeys, Polled, Replayed};
pub use error_summary::ErrorSummary;
pub use kind::{RunKind, RunOutcome};
pub use own_listing::OwnListing;
pub use path_outcome::PathOutcome;
pub use queue_status::{Drained, SourceStatus};
pub use stop::{SinkStopSignal, StopSignal};
