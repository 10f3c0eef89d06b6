//! The table `meta`: named texts, one row each.

use crate::state::error::StateError;
use rusqlite::{Connection, OptionalExtension as _};

pub(crate) fn read_meta(connection: &Connection, name: &str) -> Result<Option<String>, StateError> {
    Ok(connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?.query_row([name], |row| row.get(0)).optional()?)
}

pub(crate) fn write_meta(connection: &Connection, name: &str, value: &str) -> Result<(), StateError> {
    connection
        .prepare_cached("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")?
        .execute([name, value])?;
    Ok(())
}

pub(crate) fn delete_meta(connection: &Connection, name: &str) -> Result<(), StateError> {
    Ok(connection.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([name]).map(drop)?)
}
