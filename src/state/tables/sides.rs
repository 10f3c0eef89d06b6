//! What is known of a path: both sides, what is wanted, and its row in `pending`. Read together, and of many paths at once.

use crate::record::{ObjectKey, Permissions, Sides};
use crate::state::error::StateError;
use crate::state::tables::sinks::FILE_MANAGER;
use crate::state::tables::{applied, observed};
use jiff::Timestamp;
use rusqlite::types::{Value, ValueRef};
use rusqlite::vtab::array::Array;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::rc::Rc;

/// What is known of a path.
pub(crate) struct Known {
    pub(crate) sides: Sides,
    pub(crate) standing: Option<Standing>,
    /// When the first of the events was received that are being used up and name the path.
    pub(crate) told_at: Option<Timestamp>,
}

/// All that is known of a path.
pub(crate) fn sides(connection: &Connection, path: &ObjectKey) -> Result<Sides, StateError> {
    Ok(known(connection, path)?.sides)
}

pub(crate) fn known(connection: &Connection, path: &ObjectKey) -> Result<Known, StateError> {
    let mut known = all_known(connection, std::iter::once(path))?;
    known.pop().ok_or_else(|| StateError::Corrupt("a question has no answer".to_owned()))
}

/// What is known of each of these paths, in their order, in one question.
pub(crate) fn all_known<'p>(connection: &Connection, paths: impl Iterator<Item = &'p ObjectKey> + Clone) -> Result<Vec<Known>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT o.look, o.present, o.size, o.etag, o.last_modified, o.storage_class, o.version_id,
                a.confirmed, a.size, a.etag, a.last_modified, a.storage_class, a.version_id, a.file_type, a.internal_id,
                a.permissions, a.owner, a.owner_group, t.permissions, t.owner, t.owner_group,
                p.status = 'due', p.status = 'held', p.deletion, p.told_at
         FROM rarray(?2) k LEFT JOIN observed o ON o.path = k.value
         LEFT JOIN applied a ON a.sink = ?1 AND a.path = k.value
         LEFT JOIN told t ON t.path = k.value
         LEFT JOIN pending p ON p.sink = ?1 AND p.path = k.value",
    )?;
    let mut rows = statement.query(params![FILE_MANAGER, texts(paths.clone())])?;
    let mut known = Vec::new();
    for path in paths {
        let row = rows.next()?.ok_or_else(|| StateError::Corrupt("a question has no answer".to_owned()))?;
        let is_there = row.get_ref(21)? != ValueRef::Null;
        let standing = is_there.then(|| standing_from_row(row, 21)).transpose()?;
        known.push(Known { sides: sides_from_row(row, 0, path)?, standing, told_at: None });
    }
    Ok(known)
}

/// Paths as a statement takes many of them at once.
pub(crate) fn texts<'p>(paths: impl Iterator<Item = &'p ObjectKey>) -> Array {
    Rc::new(paths.map(|path| Value::from(path.as_str().to_owned())).collect())
}

/// Reads the columns of both sides, in the order of [`all_known`], from `first` on.
pub(crate) fn sides_from_row(row: &Row<'_>, first: usize, path: &ObjectKey) -> rusqlite::Result<Sides> {
    let (applied, told) = (first + 7, first + 18);
    let (looked, held): (Option<i64>, Option<bool>) = (row.get(first)?, row.get(applied)?);
    Ok(Sides {
        observed: looked.map(|_| observed::from_row(row, first)).transpose()?,
        applied: held.map(|_| applied::from_row(row, applied, path.clone())).transpose()?,
        wanted: Permissions { permissions: row.get(told)?, owner: row.get(told + 1)?, group: row.get(told + 2)? },
    })
}

/// Its row in `pending`.
pub(crate) struct Standing {
    pub(crate) due: bool,
    pub(crate) held: bool,
    pub(crate) deletion: bool,
    pub(crate) told_at: Option<i64>,
}

pub(crate) fn standing(connection: &Connection, path: &ObjectKey) -> Result<Option<Standing>, StateError> {
    let mut statement = connection
        .prepare_cached("SELECT status = 'due', status = 'held', deletion, told_at FROM pending WHERE sink = ?1 AND path = ?2")?;
    Ok(statement.query_row(params![FILE_MANAGER, path.as_str()], |row| standing_from_row(row, 0)).optional()?)
}

fn standing_from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Standing> {
    Ok(Standing { due: row.get(first)?, held: row.get(first + 1)?, deletion: row.get(first + 2)?, told_at: row.get(first + 3)? })
}
