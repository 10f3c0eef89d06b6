//! The sync state, in SQLite: observed, applied, intents, pending, inbox, runs, and the identity of its source and sinks. The
//! only module with SQL. It decides nothing: `plan` decides what is pending.
//!
//! A method of a handle takes an owned batch and returns owned results: no closure and no connection is part of the API. The exception
//! are the rows of a snapshot, which `Views` shows to a visitor: to copy them costs more than to read them.
//!
//! **Invariant:** one thread does all writes and commits them in groups, with `synchronous=FULL`: when a method returns, its
//! changes are on disk.

mod claims;
mod error;
mod handle;
mod instance_lock;

mod database;
mod tables;
mod transactions;
mod views;

pub use claims::PathClaim;
pub use database::connection::can_be_written;
#[cfg(feature = "failpoints")]
pub use database::direct_writer::CommitGate;
pub use error::{Holder, StateError};
pub use handle::{Inbox, Maintenance, Runs, SinkState, SourceState, State};
pub use instance_lock::{InstanceLock, holder, last_run};
pub use tables::dead_letters::{DeadLetter, MAX_DEAD_LETTERS, MAX_RAW_BYTES, Poisoned};
pub use tables::feed_events::FeedIdentity;
pub use tables::history::{
    Attempts, Called, ConsumedEvent, EventDisposition, HistoryEntry, HistoryEvent, ObservedContent, OperationEnd, Outcome,
};
pub use tables::inbox::InboxRow;
pub use tables::intents::{Intent, IntentKind};
pub use tables::pending::AttemptFailure;
pub use tables::runs::RunRow;
pub use tables::sources::Listed;
pub use transactions::claim::{ClaimedBatch, Lane, WorkItem};
pub use transactions::consume::Replay;
pub use transactions::delete_guard::DeletesInQuestion;
pub use transactions::identity::{Identity, NamedSink, OperatorAnswer};
pub use transactions::move_facts::Move;
pub use transactions::moves::MoveOutcome;
pub use transactions::open_intents::{DecidedOn, NotOpened};
pub use transactions::receive::{ReceiveCounts, Received};
pub use transactions::receive_feed::{FEED_RETENTION, FeedAnswer, FeedCounts, FeedItem};
pub use views::Views;
pub use views::key_report::{KeyReport, PendingStatus, SinkKeyReport};
pub use views::overview::{Overview, SinkOverview, WaitingPaths};
pub use views::snapshot_rows::SinkSide;

pub use crate::plan::guard::HeldDeletes;
pub use crate::record::{EventChannel, Observation, Page, PageCounts};
pub use crate::run::{Replayed, RunKind, RunOutcome};

#[cfg(test)]
mod counters_tests;
#[cfg(test)]
pub(crate) mod inbox_tests;
#[cfg(test)]
mod open_intents_tests;
#[cfg(test)]
mod receipt_tests;
#[cfg(test)]
mod repeated_tests;
#[cfg(test)]
mod sinks_tests;
#[cfg(test)]
mod statements_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiting_tests;
