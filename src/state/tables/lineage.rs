//! Lineage: move hints, one row per target. `plan` decides whether two paths are one file.

use crate::plan::fold::MoveOrigin;
use crate::record::ObjectKey;
use crate::state::database::codec::{self, time};
use crate::state::error::StateError;
use crate::state::tables::sinks::RegisteredSink;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;

/// The rows that name any of these paths, by target.
pub(crate) fn concerning<'p>(
    connection: &Connection,
    sink: RegisteredSink,
    paths: impl Iterator<Item = &'p ObjectKey>,
) -> Result<BTreeMap<ObjectKey, MoveOrigin>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT l.path, l.origin, l.told_at, l.unseen FROM rarray(?2) k CROSS JOIN lineage l ON l.sink = ?1 AND l.path = k.value
         UNION ALL SELECT l.path, l.origin, l.told_at, l.unseen FROM rarray(?2) k CROSS JOIN lineage l ON l.sink = ?1 AND l.origin = k.value",
    )?;
    let rows = statement.query_map(params![sink.id, codec::texts(paths)], |row| Ok(from_row(row)))?;
    rows.map(|row| row?).collect()
}

pub(crate) fn write(connection: &Connection, sink: RegisteredSink, target: &ObjectKey, move_origin: &MoveOrigin) -> Result<(), StateError> {
    let mut statement =
        connection.prepare_cached("INSERT INTO lineage (sink, path, origin, told_at, unseen) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let reported_at = move_origin.reported_at.map(jiff::Timestamp::as_microsecond);
    statement.execute(params![sink.id, target.as_str(), move_origin.origin.as_str(), reported_at, move_origin.failed_lookups])?;
    Ok(())
}

pub(crate) fn remove(connection: &Connection, sink: RegisteredSink, target: &ObjectKey) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached("DELETE FROM lineage WHERE sink = ?1 AND path = ?2")?;
    statement.execute(params![sink.id, target.as_str()])?;
    Ok(())
}

/// The move hints to decide now: those with a due path; those whose target has nothing pending, which are obsolete unless a
/// lookup of them failed; and those with no path that becomes due by itself (an object that is too large to send can still be
/// moved).
pub(crate) fn due(
    connection: &Connection,
    sink: RegisteredSink,
    after: Option<&ObjectKey>,
    most: usize,
) -> Result<Vec<(ObjectKey, MoveOrigin)>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT path, origin, told_at, unseen FROM lineage l WHERE sink = ?1 AND path > ?2 AND (
             EXISTS (SELECT 1 FROM pending p WHERE p.sink = l.sink AND p.path = l.path AND p.status = 'due')
             OR EXISTS (SELECT 1 FROM pending p WHERE p.sink = l.sink AND p.path = l.origin AND p.status = 'due')
             OR l.unseen = 0 AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.sink = l.sink AND p.path = l.path)
             OR l.unseen = 0 AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.sink = l.sink AND p.path IN (l.path, l.origin)
                 AND (p.status = 'held' OR p.status = 'parked' AND p.next_attempt IS NOT NULL)))
         ORDER BY path LIMIT ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![sink.id, after.map_or("", ObjectKey::as_str), most], |row| Ok(from_row(row)))?;
    rows.map(|row| row?).collect()
}

pub(crate) fn lineage_of(connection: &Connection, sink: RegisteredSink, target: &ObjectKey) -> Result<Option<MoveOrigin>, StateError> {
    let mut statement = connection.prepare_cached("SELECT path, origin, told_at, unseen FROM lineage WHERE sink = ?1 AND path = ?2")?;
    let row = statement.query_row(params![sink.id, target.as_str()], |row| Ok(from_row(row))).optional()?;
    Ok(row.transpose()?.map(|(_, move_origin)| move_origin))
}

pub(crate) fn from_row(row: &Row<'_>) -> Result<(ObjectKey, MoveOrigin), StateError> {
    let reported_at = row.get::<_, Option<i64>>(2)?.and_then(time);
    Ok((key(row.get(0)?)?, MoveOrigin { origin: key(row.get(1)?)?, reported_at, failed_lookups: row.get(3)? }))
}

pub(crate) fn key(raw: String) -> Result<ObjectKey, StateError> {
    ObjectKey::new(raw).map_err(|error| StateError::Corrupt(error.to_string()))
}
