//! What `status` and the report say about the state: counters and short lists, never a count of millions of rows.

use crate::record::{FileRow, ObjectKey, just_after_all_that_begin_with};
use crate::state::database::connection::{blocking, open_to_read};
use crate::state::database::{codec, meta};
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::runs::{self, Run};
use crate::state::tables::sinks::{self, FILE_MANAGER};
use crate::state::tables::{counters, gap, scan_progress};
use crate::state::views::snapshot_rows::{self, Side};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::path::Path;

/// The state at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Files that the file manager has, as far as is known.
    pub applied_rows: u64,
    /// Of those, the ones that it has not confirmed since their rows came into doubt.
    pub unconfirmed_rows: u64,
    /// The run that completed the initial sync; `None` = none has yet.
    pub initial_completed_by: Option<u64>,
    /// What waits, by reason; `due` paths have none.
    pub waiting: Vec<Waiting>,
    /// Effects without an outcome.
    pub open_intents: u64,
    /// Events that nothing has used up yet.
    pub inbox: u64,
    /// What could not be understood, or failed again and again.
    pub dead_letters: u64,
    /// Dead letters that were thrown away because there were too many, since there was none last.
    pub dead_letters_evicted: u64,
    /// When events of the feed may have been missed, and no listing has begun since.
    pub feed_gap: Option<jiff::Timestamp>,
    /// The last runs, newest first.
    pub runs: Vec<Run>,
}

/// Paths that wait for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// `due`, `parked` or `skipped`.
    pub status: String,
    /// Deletes wait for the end of a listing.
    pub deletion: bool,
    /// A short, stable name; `None` for what is due.
    pub reason: Option<String>,
    /// How many.
    pub paths: u64,
    /// One of them.
    pub example: Option<ObjectKey>,
    /// What was said when it failed.
    pub message: Option<String>,
    /// The earliest next attempt.
    pub next_attempt: Option<jiff::Timestamp>,
}

impl Overview {
    /// Files that the file manager has confirmed, and has since, for all that is known.
    pub fn confirmed_rows(&self) -> u64 {
        self.applied_rows.saturating_sub(self.unconfirmed_rows)
    }

    /// Reads it from a database that another process may be writing.
    pub async fn read(database: &Path) -> Result<Self, StateError> {
        let database = database.to_owned();
        blocking(move || overview(&open_to_read(&database)?)).await
    }

    /// Paths in one status.
    pub fn paths(&self, status: &str) -> u64 {
        self.waiting.iter().filter(|waiting| waiting.status == status).map(|waiting| waiting.paths).sum()
    }
}

/// A row of `meta`.
const OUTSIDE_PREFIX: &str = "outside_prefix";

impl State {
    /// The run that completed the initial sync; `None` = none has yet.
    pub async fn initial_completed_by(&self) -> Result<Option<u64>, StateError> {
        self.writer.call(scan_progress::initial_completed_by).await
    }

    /// The state as it is now.
    pub async fn overview(&self) -> Result<Overview, StateError> {
        self.writer.call(overview).await
    }

    /// When the oldest event was received that is not applied: it is in the inbox, or something is to be done about its path that nobody
    /// has done. (What is left out waits for nothing.) To the second; `None` = there is none.
    pub async fn oldest_unapplied(&self) -> Result<Option<jiff::Timestamp>, StateError> {
        self.writer
            .call(|connection| {
                let arrived_first = "SELECT received_at FROM inbox ORDER BY seq LIMIT 1";
                let in_inbox: Option<i64> = connection.prepare_cached(arrived_first)?.query_row([], |row| row.get(0)).optional()?;
                let pending: Option<i64> = connection.prepare_cached(OLDEST_PENDING)?.query_row([FILE_MANAGER], |row| row.get(0))?;
                Ok(in_inbox.into_iter().chain(pending).min().and_then(codec::time))
            })
            .await
    }

    /// Counts the files that the sink holds outside of a prefix: no listing shows them, so nothing becomes of them. Costs as much as
    /// there are.
    pub async fn count_outside(&self, prefix: &str) -> Result<u64, StateError> {
        let (from, to) = (prefix.to_owned(), just_after_all_that_begin_with(prefix));
        self.writer
            .call(move |connection| {
                let rows: i64 = connection.query_row(
                    "SELECT (SELECT count(*) FROM applied WHERE sink = ?1 AND path < ?2)
                          + (SELECT count(*) FROM applied WHERE sink = ?1 AND path >= ifnull(?3, x''))",
                    params![FILE_MANAGER, from, to],
                    |row| row.get(0),
                )?;
                meta::write_meta(connection, OUTSIDE_PREFIX, &rows.to_string())?;
                Ok(rows.unsigned_abs())
            })
            .await
    }

    /// How many there were when they were counted last. No cycle makes them more or fewer, nor counts them.
    pub async fn counted_outside(&self) -> Result<u64, StateError> {
        let counted = self.writer.call(|connection| meta::read_meta(connection, OUTSIDE_PREFIX)).await?;
        Ok(counted.and_then(|rows| rows.parse().ok()).unwrap_or_default())
    }

    /// Shows every row of a side to `visit`, in the order of the key's bytes, as of one moment. Blocks: call it apart
    /// from the async workers. Works beside a process that writes.
    pub fn visit_rows<E: From<StateError>>(
        database: &Path,
        side: Side,
        mut visit: impl FnMut(FileRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        snapshot_rows::visit(database, side, &mut visit)
    }

    /// As [`State::visit_rows`], only the paths that are due: what waits for an attempt, for the guard or for a change is no work of
    /// this moment.
    pub fn visit_due_rows<E: From<StateError>>(
        database: &Path,
        side: Side,
        mut visit: impl FnMut(FileRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        snapshot_rows::visit_due(database, side, &mut visit)
    }
}

fn overview(connection: &Connection) -> Result<Overview, StateError> {
    Ok(Overview {
        applied_rows: sinks::applied_rows(connection)?,
        unconfirmed_rows: unconfirmed_rows(connection)?,
        initial_completed_by: scan_progress::initial_completed_by(connection)?,
        waiting: waiting(connection)?,
        open_intents: counters::count(connection, "intents")?,
        inbox: counters::count(connection, "inbox")?,
        dead_letters: counters::count(connection, "dead_letters")?,
        dead_letters_evicted: counters::count(connection, "dead_letters_evicted")?,
        feed_gap: gap::gap(connection)?,
        runs: runs::last(connection, 10)?,
    })
}

/// How many rows are in doubt. Counted by an index that has no others: after a restore, while it lasts, all of them.
fn unconfirmed_rows(connection: &Connection) -> Result<u64, StateError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM applied WHERE sink = ?1 AND confirmed = 0")?;
    let rows: i64 = statement.query_row([FILE_MANAGER], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

/// By the counters; of each reason one path, the one whose turn comes first.
fn waiting(connection: &Connection) -> Result<Vec<Waiting>, StateError> {
    let mut statement = connection.prepare_cached(COUNTS)?;
    let rows = statement.query_map([FILE_MANAGER], |row| {
        let reason: String = row.get(2)?;
        Ok(Waiting {
            status: row.get(0)?,
            deletion: row.get(1)?,
            reason: (!reason.is_empty()).then_some(reason),
            paths: row.get::<_, i64>(3)?.unsigned_abs(),
            example: None,
            message: None,
            next_attempt: None,
        })
    })?;
    rows.map(|waiting| with_example(connection, waiting?)).collect()
}

fn with_example(connection: &Connection, waiting: Waiting) -> Result<Waiting, StateError> {
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<i64>>(2)?));
    let row = if waiting.status == "due" {
        connection.prepare_cached(DUE_EXAMPLE)?.query_row(params![FILE_MANAGER, waiting.deletion], read).optional()?
    } else {
        let which = params![FILE_MANAGER, waiting.status, waiting.deletion, waiting.reason];
        connection.prepare_cached(WAITING_EXAMPLE)?.query_row(which, read).optional()?
    };
    let Some((path, message, next_attempt)) = row else { return Ok(waiting) };
    Ok(Waiting { example: ObjectKey::new(path).ok(), message, next_attempt: next_attempt.and_then(codec::time), ..waiting })
}

pub(crate) const COUNTS: &str =
    "SELECT status, deletion, reason, paths FROM waiting WHERE sink = ?1 AND paths > 0 ORDER BY status, paths DESC";
pub(crate) const DUE_EXAMPLE: &str =
    "SELECT path, message, next_attempt FROM pending WHERE sink = ?1 AND status = 'due' AND deletion = ?2 LIMIT 1";
/// Its last condition is that of the index, word for word.
pub(crate) const WAITING_EXAMPLE: &str = "SELECT path, message, next_attempt FROM pending
    WHERE sink = ?1 AND status = ?2 AND deletion = ?3 AND reason IS ?4 AND status <> 'due' ORDER BY next_attempt, path LIMIT 1";
/// Its condition is that of the index, word for word.
pub(crate) const OLDEST_PENDING: &str = "SELECT min(told_at) FROM pending WHERE sink = ?1 AND told_at IS NOT NULL AND status <> 'skipped'";
