//! Pending: the rows of the paths with something to do. What is to be done is not decided here.

use crate::record::ObjectKey;
use crate::state::error::StateError;
use crate::state::tables::sides::texts;
use crate::state::tables::sinks::FILE_MANAGER;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

/// Why a path could not be brought to an end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A short, stable name.
    pub reason: String,
    /// One line, safe to print.
    pub message: String,
}

pub(crate) const ANY_DUE: &str = "SELECT EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND status = 'due')";

pub(crate) fn any_due(connection: &Connection) -> Result<bool, StateError> {
    let mut statement = connection.prepare_cached(ANY_DUE)?;
    Ok(statement.query_row([FILE_MANAGER], |row| row.get(0))?)
}

/// Whether it is a delete, whether it is large, and when what is to be done was told.
pub(crate) type Queue = (bool, bool, Option<i64>);

pub(crate) fn append(connection: &Connection, paths: &[&ObjectKey], (deletion, large, told_at): Queue) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "INSERT OR FAIL INTO pending (sink, path, status, deletion, large, told_at) SELECT ?1, value, 'due', ?3, ?4, ?5 FROM rarray(?2)",
    )?;
    statement.execute(params![FILE_MANAGER, texts(paths.iter().copied()), deletion, large, told_at])?;
    Ok(())
}

pub(crate) fn remove(connection: &Connection, path: &ObjectKey) -> Result<(), StateError> {
    connection.prepare_cached("DELETE FROM pending WHERE sink = ?1 AND path = ?2")?.execute(params![FILE_MANAGER, path.as_str()])?;
    Ok(())
}

pub(crate) fn put_aside(connection: &Connection, path: &ObjectKey, status: &str, reason: &str) -> Result<(), StateError> {
    let values = params![FILE_MANAGER, path.as_str(), status, reason];
    let mut update =
        connection.prepare_cached("UPDATE OR FAIL pending SET status = ?3, deletion = 0, reason = ?4 WHERE sink = ?1 AND path = ?2")?;
    if update.execute(values)? == 0 {
        let mut insert = connection
            .prepare_cached("INSERT OR FAIL INTO pending (sink, path, status, deletion, large, reason) VALUES (?1, ?2, ?3, 0, 1, ?4)")?;
        insert.execute(values)?;
    }
    Ok(())
}
