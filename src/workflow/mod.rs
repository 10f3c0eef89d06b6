//! The flows. Read these files first: `run.rs`, then `observe_listing.rs` (initial sync and reconcile) and `observe_events.rs` (incremental
//! sync).

mod flow;
mod run;
mod options;
mod endpoints;
mod observe_listing;
mod observe_events;
mod poll;
mod sink_run;
mod run_concurrently;
mod settle;
mod delete_guard;
mod snapshots;
mod publish;
mod backlog;

pub use backlog::record_backlog;
pub use endpoints::Endpoints;
pub use flow::Flow;
pub use options::Options;
pub use run::FinishedRun;
pub use snapshots::{ExportError, export, prune_snapshots};
