//! The stored runs.

use crate::state::database::codec::time;
use crate::state::error::StateError;
use jiff::Timestamp;
use rusqlite::{Connection, Params};

/// A stored run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Counted from 1, never reused.
    pub number: u64,
    /// `initial`, …
    pub kind: String,
    /// The start time.
    pub started_at: Option<Timestamp>,
    /// The end time; `None` = the run is in progress, or was killed.
    pub ended_at: Option<Timestamp>,
    /// The outcome.
    pub outcome: Option<String>,
    /// Its report, a JSON object as text.
    pub summary: Option<String>,
}

/// Reconciles that completed their listing.
pub(crate) const RECONCILED: &str = "kind = 'reconcile' AND listed = 1 AND ended_at IS NOT NULL";

/// The last reconcile that completed its listing.
pub(crate) fn last_reconcile(connection: &Connection) -> Result<Option<RunRow>, StateError> {
    Ok(select(connection, &format!("WHERE {RECONCILED} ORDER BY number DESC LIMIT 1"), [])?.pop())
}

/// The last runs, newest first.
pub(crate) fn last(connection: &Connection, most: usize) -> Result<Vec<RunRow>, StateError> {
    select(connection, "ORDER BY number DESC LIMIT ?1", [i64::try_from(most).unwrap_or(i64::MAX)])
}

pub(crate) fn select(connection: &Connection, which: &str, values: impl Params) -> Result<Vec<RunRow>, StateError> {
    let mut statement = connection.prepare(&format!("SELECT number, kind, started_at, ended_at, outcome, summary FROM runs {which}"))?;
    let rows = statement.query_map(values, |row| {
        Ok(RunRow {
            number: row.get::<_, i64>(0)?.unsigned_abs(),
            kind: row.get(1)?,
            started_at: time(row.get(2)?),
            ended_at: row.get::<_, Option<i64>>(3)?.and_then(time),
            outcome: row.get(4)?,
            summary: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
