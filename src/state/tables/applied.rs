//! Applied: what the sink has confirmed, one row per path.

use crate::record::{Applied, ETag, FileRecord, ObjectKey, Permissions};
use crate::state::database::codec::{integer, texts, time};
use crate::state::error::StateError;
use crate::state::tables::history::Moment;
use crate::state::tables::sinks::RegisteredSink;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(crate) fn read(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<Option<Applied>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT confirmed, size, etag, last_modified, storage_class, version_id, file_type, handle, permissions, owner, owner_group
         FROM applied WHERE sink = ?1 AND path = ?2",
    )?;
    Ok(statement.query_row(params![sink.id, path.as_str()], |row| from_row(row, 0, path.clone())).optional()?)
}

/// Reads the columns `confirmed, size, etag, last_modified, storage_class, version_id, file_type, handle, permissions, owner,
/// owner_group` from `first` on.
pub(crate) fn from_row(row: &Row<'_>, first: usize, path: ObjectKey) -> rusqlite::Result<Applied> {
    Ok(Applied {
        confirmed: row.get(first)?,
        file: FileRecord {
            file_path: path,
            size: row.get::<_, Option<i64>>(first + 1)?.map(i64::unsigned_abs),
            etag: row.get::<_, Option<String>>(first + 2)?.as_deref().and_then(ETag::parse),
            last_modified: row.get::<_, Option<i64>>(first + 3)?.and_then(time),
            storage_class: row.get(first + 4)?,
            version_id: row.get(first + 5)?,
            file_type: row.get(first + 6)?,
            internal_id: row.get(first + 7)?,
            permissions: Permissions { permissions: row.get(first + 8)?, owner: row.get(first + 9)?, group: row.get(first + 10)? },
        },
    })
}

pub(crate) fn write(connection: &Connection, sink: RegisteredSink, moment: Moment, file: &FileRecord) -> Result<(), StateError> {
    let values = params![
        sink.id,
        file.file_path.as_str(),
        file.size.map(integer),
        file.etag.as_ref().map(ETag::as_str),
        file.last_modified.map(Timestamp::as_microsecond),
        file.storage_class,
        file.version_id,
        file.file_type,
        file.internal_id,
        file.permissions.permissions,
        file.permissions.owner,
        file.permissions.group,
        integer(moment.run),
        moment.at.as_microsecond(),
    ];
    let mut update = connection.prepare_cached(
        "UPDATE applied SET confirmed = 1, size = ?3, etag = ?4, last_modified = ?5, storage_class = ?6, version_id = ?7, file_type = ?8,
                handle = ?9, permissions = ?10, owner = ?11, owner_group = ?12, run = ?13, applied_at = ?14
         WHERE sink = ?1 AND path = ?2",
    )?;
    if update.execute(values)? == 0 {
        let mut insert = connection.prepare_cached(
            "INSERT OR FAIL INTO applied (sink, path, confirmed, size, etag, last_modified, storage_class, version_id, file_type,
                                          handle, permissions, owner, owner_group, run, applied_at)
             VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        insert.execute(values)?;
    }
    Ok(())
}

/// The run in which, and the time when, the row was confirmed last.
pub(crate) fn confirmed_at(
    connection: &Connection,
    sink: RegisteredSink,
    path: &ObjectKey,
) -> Result<(Option<u64>, Option<Timestamp>), StateError> {
    let mut statement = connection.prepare("SELECT run, applied_at FROM applied WHERE sink = ?1 AND path = ?2")?;
    let row = statement.query_row(params![sink.id, path.as_str()], |row| {
        Ok((row.get::<_, Option<i64>>(0)?.map(i64::unsigned_abs), row.get::<_, Option<i64>>(1)?.and_then(time)))
    });
    Ok(row.optional()?.unwrap_or_default())
}

pub(crate) fn write_permissions(
    connection: &Connection,
    sink: RegisteredSink,
    path: &ObjectKey,
    permissions: &Permissions,
) -> Result<(), StateError> {
    let mut statement =
        connection.prepare_cached("UPDATE applied SET permissions = ?3, owner = ?4, owner_group = ?5 WHERE sink = ?1 AND path = ?2")?;
    let Permissions { permissions, owner, group } = permissions;
    statement.execute(params![sink.id, path.as_str(), permissions, owner, group])?;
    Ok(())
}

/// For a field that no event had reported, the row stores the sink's own answer to a lookup. When an event reports the field,
/// that answer is no confirmation any more: the reported value has to be set. Takes the paths with the permissions that were reported
/// before and now.
pub(crate) fn mark_asked_unconfirmed(
    connection: &Connection,
    sink: RegisteredSink,
    changed: &[(&ObjectKey, Permissions, Permissions)],
) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT a.permissions, a.owner, a.owner_group FROM rarray(?2) k LEFT JOIN applied a ON a.sink = ?1 AND a.path = k.value",
    )?;
    let held = statement.query_map(params![sink.id, texts(changed.iter().map(|(path, ..)| *path))], |row| {
        Ok(Permissions { permissions: row.get(0)?, owner: row.get(1)?, group: row.get(2)? })
    })?;
    let held = held.collect::<Result<Vec<_>, _>>()?;
    for ((path, before, now), held) in changed.iter().zip(held) {
        let mut left = held.clone();
        for (held, (before, now)) in [
            (&mut left.permissions, (&before.permissions, &now.permissions)),
            (&mut left.owner, (&before.owner, &now.owner)),
            (&mut left.group, (&before.group, &now.group)),
        ] {
            if before.is_none() && now.is_some() {
                *held = None;
            }
        }
        if left != held {
            write_permissions(connection, sink, path, &left)?;
        }
    }
    Ok(())
}

/// The confirmed files of the next paths after one, with their handles. `None` = from the first.
pub(crate) fn confirmed_after(
    connection: &Connection,
    sink: RegisteredSink,
    after: Option<&ObjectKey>,
    most: usize,
) -> Result<Vec<(ObjectKey, Option<String>)>, StateError> {
    let mut statement = connection
        .prepare_cached("SELECT path, handle FROM applied WHERE sink = ?1 AND path > ?2 AND confirmed = 1 ORDER BY path LIMIT ?3")?;
    let (after, most) = (after.map_or("", ObjectKey::as_str), i64::try_from(most).unwrap_or(i64::MAX));
    let rows = statement.query_map(params![sink.id, after, most], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().filter_map(|(path, handle)| Some((ObjectKey::new(path).ok()?, handle))).collect())
}

/// Marks the row as unconfirmed, and creates it if there is none.
pub(crate) fn unconfirm(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO applied (sink, path, confirmed) VALUES (?1, ?2, 0) ON CONFLICT (sink, path) DO UPDATE SET confirmed = 0",
    )?;
    statement.execute(params![sink.id, path.as_str()])?;
    Ok(())
}

/// True if there is a row and it is empty: the state knows of no file that the sink ever held there.
pub(crate) fn is_only_doubted(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<bool, StateError> {
    Ok(read(connection, sink, path)?.is_some_and(|row| !row.confirmed && row.file == FileRecord::at(path.clone())))
}

pub(crate) fn remove(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<(), StateError> {
    connection.prepare_cached("DELETE FROM applied WHERE sink = ?1 AND path = ?2")?.execute(params![sink.id, path.as_str()])?;
    Ok(())
}
