//! The permissions that events reported of each path, kept until no sink needs them any more.

use crate::record::{EventPermissions, ObjectKey, ObservationSeq, ReportedField};
use crate::state::database::codec::{integer, texts, time};
use crate::state::error::StateError;
use crate::state::tables::sources::SourceId;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn read(connection: &Connection, source: SourceId, path: &ObjectKey) -> Result<EventPermissions, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT permissions, permissions_at, permissions_look, owner, owner_at, owner_look, owner_group, owner_group_at, owner_group_look
         FROM permissions WHERE source = ?1 AND path = ?2",
    )?;
    let reported = statement.query_row(params![source, path.as_str()], |row| from_row(row, 0));
    Ok(reported.optional()?.unwrap_or_default())
}

/// The reported permissions of each of these paths, in one query.
pub(crate) fn read_all(
    connection: &Connection,
    source: SourceId,
    paths: BTreeSet<ObjectKey>,
) -> Result<BTreeMap<ObjectKey, EventPermissions>, StateError> {
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT t.permissions, t.permissions_at, t.permissions_look, t.owner, t.owner_at, t.owner_look,
                t.owner_group, t.owner_group_at, t.owner_group_look
         FROM rarray(?2) k LEFT JOIN permissions t ON t.source = ?1 AND t.path = k.value",
    )?;
    let rows = statement.query_map(params![source, texts(paths.iter())], |row| from_row(row, 0))?;
    let reported = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(paths.into_iter().zip(reported).collect())
}

/// Reads the nine columns in the order of [`read`] from `first` on.
pub(crate) fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<EventPermissions> {
    Ok(EventPermissions { permissions: field(row, first)?, owner: field(row, first + 3)?, group: field(row, first + 6)? })
}

fn field(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<ReportedField>> {
    let Some(value) = row.get::<_, Option<String>>(first)? else { return Ok(None) };
    let (at, seq): (Option<i64>, Option<i64>) = (row.get(first + 1)?, row.get(first + 2)?);
    Ok(at.and_then(time).zip(seq).map(|(at, seq)| ReportedField { value, at, seq: ObservationSeq(seq.unsigned_abs()) }))
}

pub(crate) fn write(connection: &Connection, source: SourceId, path: &ObjectKey, reported: &EventPermissions) -> Result<(), StateError> {
    if reported.wanted().is_empty() {
        let mut statement = connection.prepare_cached("DELETE FROM permissions WHERE source = ?1 AND path = ?2")?;
        statement.execute(params![source, path.as_str()])?;
        return Ok(());
    }
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO permissions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
    let columns = |field: &Option<ReportedField>| {
        let field = field.as_ref();
        (field.map(|field| field.value.clone()), field.map(|field| field.at.as_microsecond()), field.map(|field| integer(field.seq.0)))
    };
    let ((permissions, permissions_at, permissions_look), (owner, owner_at, owner_look), (group, group_at, group_look)) =
        (columns(&reported.permissions), columns(&reported.owner), columns(&reported.group));
    statement.execute(params![
        source,
        path.as_str(),
        permissions,
        permissions_at,
        permissions_look,
        owner,
        owner_at,
        owner_look,
        group,
        group_at,
        group_look,
    ])?;
    Ok(())
}
