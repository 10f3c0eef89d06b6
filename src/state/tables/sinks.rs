//! Sinks, and how many rows each has: a counter.

use crate::state::error::StateError;
use rusqlite::Connection;

/// How many files the sink has, as far as is known: a counter.
pub(crate) fn applied_rows(connection: &Connection) -> Result<u64, StateError> {
    let rows: i64 = connection.query_row("SELECT applied_rows FROM sinks WHERE id = ?1", [FILE_MANAGER], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

/// The only sink of this slice: its row in `sinks`.
pub(crate) const FILE_MANAGER: i64 = 1;
