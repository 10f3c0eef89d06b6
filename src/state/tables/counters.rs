//! The row counters of some tables.

use crate::state::error::StateError;
use rusqlite::{Connection, OptionalExtension as _};

/// The number of rows of a table, by its counter.
pub(crate) fn count(connection: &Connection, name: &str) -> Result<u64, StateError> {
    let mut statement = connection.prepare_cached("SELECT value FROM counters WHERE name = ?1")?;
    let value: Option<i64> = statement.query_row([name], |row| row.get(0)).optional()?;
    Ok(value.map_or(0, i64::unsigned_abs))
}
