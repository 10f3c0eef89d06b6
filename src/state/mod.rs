//! What we believe, in SQLite: observed, applied, intents, pending, inbox, runs, and what all of it describes.
//! The only place that writes SQL. It takes no decision of its own: `plan` decides what is pending.
//!
//! **Invariant:** everything goes through one thread that commits in groups, with `synchronous=FULL`: when a method
//! returns, what it stored is on disk.

mod error;
mod handle;
mod instance_lock;

mod database;
mod tables;
mod transactions;
mod views;

#[cfg(feature = "failpoints")]
pub use database::direct_writer::CommitGate;
pub use database::file::{can_be_read, can_be_written};
pub use error::StateError;
pub use handle::State;
pub use instance_lock::{Holder, InstanceLock, holder, last_run};
pub use tables::history::{Attempts, Became, Called, Ended, Happened, Outcome, Shown, UsedUp, What};
pub use transactions::claim::{Lane, Taken, Work};
pub use transactions::dead_letters::{DEAD_LETTERS_MAX, DeadLetter, Poisoned, RAW_BYTES_MAX};
pub use transactions::delete_guard::HeldDeletes;
pub use transactions::identity::{Answer, Identity, would_refuse};
pub use transactions::moves::{Move, MoveOutcome};
pub use transactions::observe::{LookedAt, Page, PageCounts};
pub use transactions::outcomes::{Intent, Plane};
pub use transactions::receive::{InboxRow, ReceiveCounts, Received, SourceName};
pub use transactions::receive_feed::{FEED_RETENTION, FeedAnswer, FeedCounts, FeedIdentity, FeedItem};
pub use transactions::replay::{Replay, Replayed};
pub use transactions::requeue::Failure;
pub use transactions::runs::{Listed, Run, RunKind, RunOutcome};
pub use views::key_report::{Standing, Story};
pub use views::overview::{Overview, Waiting};
pub use views::snapshot_rows::Side;

#[cfg(test)]
pub(crate) mod inbox_tests;
#[cfg(test)]
mod receipt_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiting_tests;
