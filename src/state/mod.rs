//! What we believe, in SQLite: observed, applied, intents, pending, inbox, runs, and what all of it describes.
//! The only place that writes SQL. It takes no decision of its own: `plan` decides what is pending.
//!
//! **Invariant:** everything goes through one thread that commits in groups, with `synchronous=FULL`: when a method
//! returns, what it stored is on disk.

mod applied;
mod dead_letters;
mod deletes;
mod error;
mod feed;
mod history;
mod identity;
#[cfg(feature = "failpoints")]
mod in_place;
mod inbox;
mod intents;
mod known;
mod lineage;
mod lock;
mod log;
mod looks;
mod overview;
mod pending;
mod place;
mod pruning;
mod queue;
mod release;
mod replay;
mod rows;
mod runs;
mod schema;
mod story;
mod taking;
mod told;
mod writer;

pub use dead_letters::{DEAD_LETTERS_MAX, DeadLetter, Poisoned, RAW_BYTES_MAX};
pub use deletes::HeldDeletes;
pub use error::StateError;
pub use feed::{FEED_RETENTION, FeedAnswer, FeedCounts, FeedIdentity, FeedItem};
pub use history::{Attempts, Became, Called, Ended, Happened, Outcome, Shown, UsedUp, What};
pub use identity::{Answer, Identity, would_refuse};
#[cfg(feature = "failpoints")]
pub use in_place::CommitGate;
pub use inbox::{InboxRow, ReceiveCounts, Received};
pub use intents::{Intent, Plane};
pub use lineage::{Move, MoveOutcome};
pub use lock::{Holder, InstanceLock, holder, last_run};
pub use overview::{Overview, Waiting};
pub use pending::Failure;
pub use place::{can_be_read, can_be_written};
pub use replay::Replay;
pub use rows::Side;
pub use runs::{Listed, Run};
pub use story::{Standing, Story};
pub use taking::{Lane, Taken, Work};

pub use crate::record::{LookedAt, Page, PageCounts, SourceName};
pub use crate::run::{Replayed, RunKind, RunOutcome};

use crate::clock::{Clock, SystemClock};
use crate::plan::Limits;
use crate::record::Look;
use history::Moment;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;
use writer::Writer;

/// The only sink of this slice: its row in `sinks`.
const FILE_MANAGER: i64 = 1;

/// The state of one source and its sinks. Cheap to clone.
#[derive(Clone)]
pub struct State {
    writer: Arc<Writer>,
    looks: Arc<AtomicU64>,
    limits: Limits,
    path: PathBuf,
    /// When things happen, for the history: nothing else in here asks what time it is.
    clock: Arc<dyn Clock>,
    /// The run that began last.
    run: Arc<watch::Sender<Option<(u64, RunKind)>>>,
    /// Something came into the inbox by itself: not by a feed that somebody is reading.
    arrivals: Arc<watch::Sender<()>>,
}

impl State {
    /// Opens the database (and makes it, mode 0600, when it is not there). The caller holds the [`InstanceLock`].
    pub async fn open(path: &Path, limits: Limits) -> Result<Self, StateError> {
        let owned = path.to_owned();
        let connection = blocking(move || schema::open_to_write(&owned)).await?;
        Self::with(Writer::start(path, connection)?, path, limits).await
    }

    /// As [`State::open`], without a thread and in the caller's own order: see [`CommitGate`].
    #[cfg(feature = "failpoints")]
    pub async fn open_in_place(path: &Path, limits: Limits, gate: Arc<dyn CommitGate>) -> Result<Self, StateError> {
        let connection = schema::open_to_write(path)?;
        Self::with(Writer::in_place(in_place::InPlace::new(connection, gate)), path, limits).await
    }

    async fn with(writer: Writer, path: &Path, limits: Limits) -> Result<Self, StateError> {
        let high_water = writer.call(looks::high_water).await?;
        let arrivals = Arc::new(watch::Sender::new(()));
        let (looks, run) = (Arc::new(AtomicU64::new(high_water)), Arc::new(watch::Sender::new(None)));
        Ok(Self { writer: Arc::new(writer), looks, limits, path: path.to_owned(), clock: Arc::new(SystemClock), run, arrivals })
    }

    /// The same, with another clock for its history.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    fn moment(&self) -> Moment {
        let (run, initial) = self.run.borrow().map_or((0, false), |(run, kind)| (run, kind == RunKind::Initial));
        Moment { at: self.clock.now(), run, initial }
    }

    /// The number of a look that is about to begin: take it *before* the request goes out.
    pub fn next_look(&self) -> Look {
        Look(self.looks.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Changes whenever a source brought something by itself, after it is stored. (Reading a feed is somebody's own doing, and is not told.)
    pub fn arrivals(&self) -> watch::Receiver<()> {
        self.arrivals.subscribe()
    }

    /// Where the database lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A second connection that only reads, for scans that would hold up the writer.
fn open_to_read(path: &Path) -> Result<Connection, StateError> {
    schema::open_to_read(path)
}

/// Runs what blocks apart from the async workers.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, StateError> + Send + 'static) -> Result<T, StateError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StateError::Gone)?
}

#[cfg(test)]
pub(crate) mod inbox_tests;
#[cfg(test)]
mod receipt_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiting_tests;
