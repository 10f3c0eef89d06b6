//! The row counters of some tables.
//!
//! Triggers keep these counters and those of `sinks` and `waiting`, row by row; only the inbox is counted by its callers. To write a delta
//! once per transaction, each statement that changes rows of unknown status (absences of a page, held and released deletes, unparked paths)
//! would first have to read what it is about to change, and every future statement would have to remember to: a counter that drifts makes
//! the delete guard wrong. `counters_tests.rs` compares each counter with its rows after random transactions.

use crate::state::error::StateError;
use rusqlite::{Connection, OptionalExtension as _};

/// The number of rows of a table, by its counter.
pub(crate) fn count(connection: &Connection, name: &str) -> Result<u64, StateError> {
    let mut statement = connection.prepare_cached("SELECT value FROM counters WHERE name = ?1")?;
    let value: Option<i64> = statement.query_row([name], |row| row.get(0)).optional()?;
    Ok(value.map_or(0, i64::unsigned_abs))
}
