//! Pending: the paths with work to do. `plan` decides what the work is.

use crate::plan::requeue::QueuePosition;
use crate::record::ObjectKey;
use crate::state::database::codec::texts;
use crate::state::error::StateError;
use crate::state::tables::sinks::RegisteredSink;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a path failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailure {
    /// A short, stable name.
    pub reason: String,
    /// One line, safe to print.
    pub message: String,
}

pub(crate) const ANY_DUE: &str = "SELECT EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND status = 'due')";

pub(crate) fn any_due(connection: &Connection, sink: RegisteredSink) -> Result<bool, StateError> {
    let mut statement = connection.prepare_cached(ANY_DUE)?;
    Ok(statement.query_row([sink.id], |row| row.get(0))?)
}

/// The failed runs of those of these paths that are pending, in one query.
pub(crate) fn attempts<'p>(
    connection: &Connection,
    sink: RegisteredSink,
    paths: impl Iterator<Item = &'p ObjectKey>,
) -> Result<BTreeMap<String, u32>, StateError> {
    let mut statement = connection
        .prepare_cached("SELECT p.path, p.attempts FROM rarray(?2) k CROSS JOIN pending p ON p.sink = ?1 AND p.path = k.value")?;
    let rows = statement.query_map(params![sink.id, texts(paths)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn append(connection: &Connection, sink: RegisteredSink, paths: &[&ObjectKey], key: QueuePosition) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "INSERT OR FAIL INTO pending (sink, path, status, deletion, large, told_at) SELECT ?1, value, 'due', ?3, ?4, ?5 FROM rarray(?2)",
    )?;
    let QueuePosition { deletion, large, reported_at } = key;
    statement.execute(params![sink.id, texts(paths.iter().copied()), deletion, large, reported_at])?;
    Ok(())
}

pub(crate) fn remove(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<(), StateError> {
    connection.prepare_cached("DELETE FROM pending WHERE sink = ?1 AND path = ?2")?.execute(params![sink.id, path.as_str()])?;
    Ok(())
}

/// Stores when the event arrived that caused the work.
pub(crate) fn write_reported_at(connection: &Connection, sink: RegisteredSink, path: &ObjectKey, at: i64) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached("UPDATE OR FAIL pending SET told_at = ?3 WHERE sink = ?1 AND path = ?2")?;
    statement.execute(params![sink.id, path.as_str(), at])?;
    Ok(())
}

/// Makes a row due that waits for an observation.
pub(crate) fn make_due(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached("UPDATE OR FAIL pending SET status = 'due' WHERE sink = ?1 AND path = ?2")?;
    statement.execute(params![sink.id, path.as_str()])?;
    Ok(())
}

pub(crate) fn put_aside(
    connection: &Connection,
    sink: RegisteredSink,
    path: &ObjectKey,
    status: &str,
    reason: &str,
) -> Result<(), StateError> {
    let values = params![sink.id, path.as_str(), status, reason];
    let mut update =
        connection.prepare_cached("UPDATE OR FAIL pending SET status = ?3, deletion = 0, reason = ?4 WHERE sink = ?1 AND path = ?2")?;
    if update.execute(values)? == 0 {
        let mut insert = connection
            .prepare_cached("INSERT OR FAIL INTO pending (sink, path, status, deletion, large, reason) VALUES (?1, ?2, ?3, 0, 1, ?4)")?;
        insert.execute(values)?;
    }
    Ok(())
}

/// Stores that the path was skipped in this run, unless an earlier run skipped it.
pub(crate) fn note_first_skip(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "UPDATE OR FAIL pending SET first_skipped_run = (SELECT max(number) FROM runs)
         WHERE sink = ?1 AND path = ?2 AND status = 'skipped' AND first_skipped_run IS NULL",
    )?;
    statement.execute(params![sink.id, path.as_str()])?;
    Ok(())
}

pub(crate) const NEW_SKIPS: &str = "SELECT reason, count(*) FROM pending
    WHERE sink = ?1 AND first_skipped_run = (SELECT max(number) FROM runs) AND status = 'skipped' GROUP BY reason";

/// The paths that the last run skipped first, by reason.
pub(crate) fn new_skips(connection: &Connection, sink: RegisteredSink) -> Result<BTreeMap<String, u64>, StateError> {
    let mut statement = connection.prepare_cached(NEW_SKIPS)?;
    let rows = statement.query_map([sink.id], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
