//! What `status` and the report say about the state: counters and short lists, never a count of millions of rows.

use super::{FILE_MANAGER, Run, Side, State, StateError, blocking, feed, inbox, open_to_read, rows, runs};
use crate::record::{FileRecord, ObjectKey};
use rusqlite::Connection;
use std::path::Path;

/// The state at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Files that the file manager has confirmed.
    pub applied_rows: u64,
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

impl State {
    /// The state as it is now.
    pub async fn overview(&self) -> Result<Overview, StateError> {
        self.writer.call(overview).await
    }

    /// Shows every row of a side to `visit`, in the order of the key's bytes, as of one moment. Blocks: call it apart
    /// from the async workers. Works beside a process that writes.
    pub fn visit_rows<E: From<StateError>>(
        database: &Path,
        side: Side,
        mut visit: impl FnMut(FileRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        rows::visit(database, side, &mut visit)
    }

    /// As [`State::visit_rows`], only the paths about which something is to be done.
    pub fn visit_pending_rows<E: From<StateError>>(
        database: &Path,
        side: Side,
        mut visit: impl FnMut(FileRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        rows::visit_pending(database, side, &mut visit)
    }
}

fn overview(connection: &Connection) -> Result<Overview, StateError> {
    let applied: i64 = connection.query_row("SELECT applied_rows FROM sinks WHERE id = ?1", [FILE_MANAGER], |row| row.get(0))?;
    let intents: i64 = connection.query_row("SELECT count(*) FROM intents WHERE sink = ?1", [FILE_MANAGER], |row| row.get(0))?;
    Ok(Overview {
        applied_rows: applied.unsigned_abs(),
        initial_completed_by: runs::initial_completed_by(connection)?,
        waiting: waiting(connection)?,
        open_intents: intents.unsigned_abs(),
        inbox: inbox::count(connection, "inbox")?,
        dead_letters: inbox::count(connection, "dead_letters")?,
        feed_gap: feed::gap(connection)?,
        runs: runs::last(connection, 10)?,
    })
}

fn waiting(connection: &Connection) -> Result<Vec<Waiting>, StateError> {
    let mut statement = connection.prepare(
        "SELECT status, deletion, CASE status WHEN 'due' THEN NULL ELSE reason END AS why, count(*), min(path), max(message),
                min(next_attempt)
         FROM pending WHERE sink = ?1 GROUP BY status, deletion, why ORDER BY status, count(*) DESC",
    )?;
    let rows = statement.query_map([FILE_MANAGER], |row| {
        Ok(Waiting {
            status: row.get(0)?,
            deletion: row.get(1)?,
            reason: row.get(2)?,
            paths: row.get::<_, i64>(3)?.unsigned_abs(),
            example: row.get::<_, Option<String>>(4)?.and_then(|path| ObjectKey::new(path).ok()),
            message: row.get(5)?,
            next_attempt: row.get::<_, Option<i64>>(6)?.and_then(super::looks::time),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
