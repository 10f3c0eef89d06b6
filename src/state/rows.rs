//! The two sides of a snapshot, row by row in the order of the key's bytes, over a connection that only reads.

use super::{FILE_MANAGER, StateError, applied, looks};
use crate::record::{Applied, FileRecord, ObjectKey, Observed};
use rusqlite::{Connection, Row, Rows};
use std::cmp::Ordering;
use std::path::Path;

/// Which side of the sink a snapshot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the sink has confirmed: the *old* snapshot.
    Applied,
    /// The same rows overlaid with what the looks know: the *new* snapshot.
    Known,
}

/// Shows every row of a side to `visit`, as of one moment; its error ends it. Memory does not grow with the rows.
pub(super) fn visit<E: From<StateError>>(database: &Path, side: Side, visit: &mut dyn FnMut(FileRecord) -> Result<(), E>) -> Result<(), E> {
    let connection = super::open_to_read(database)?;
    scan(&connection, side, visit)
}

fn scan<E: From<StateError>>(connection: &Connection, side: Side, visit: &mut dyn FnMut(FileRecord) -> Result<(), E>) -> Result<(), E> {
    let moment = connection.unchecked_transaction().map_err(StateError::from)?;
    let text = format!("SELECT path, {} FROM applied WHERE sink = ?1 ORDER BY path", applied::COLUMNS);
    let mut applied_rows = moment.prepare(&text).map_err(StateError::from)?;
    let mut applied_rows = applied_rows.query([FILE_MANAGER]).map_err(StateError::from)?;
    if side == Side::Applied {
        while let Some((_, row)) = next_applied(&mut applied_rows)? {
            visit(row.file)?;
        }
        return Ok(());
    }
    let mut observed_rows = moment
        .prepare("SELECT path, look, present, size, etag, last_modified, storage_class, version_id FROM observed ORDER BY path")
        .map_err(StateError::from)?;
    let mut observed_rows = observed_rows.query([]).map_err(StateError::from)?;
    let mut held = next_applied(&mut applied_rows)?;
    let mut looked = next_observed(&mut observed_rows)?;
    loop {
        let order = match (&held, &looked) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((held, _)), Some((looked, _))) => held.cmp(looked),
        };
        let row = if order.is_le() { held.take() } else { None };
        let look = if order.is_ge() { looked.take() } else { None };
        if let Some(file) = overlay(row, look) {
            visit(file)?;
        }
        if order.is_le() {
            held = next_applied(&mut applied_rows)?;
        }
        if order.is_ge() {
            looked = next_observed(&mut observed_rows)?;
        }
    }
}

/// What the looks know wins; what they do not know stays as the sink has it.
fn overlay(held: Option<(ObjectKey, Applied)>, looked: Option<(ObjectKey, Observed)>) -> Option<FileRecord> {
    let Some((path, look)) = looked else { return held.map(|(_, row)| row.file) };
    let facts = look.facts.filter(|facts| !path.is_directory_marker(facts.size))?;
    let mut file = held.map_or_else(|| FileRecord::at(path), |(_, row)| row.file);
    if facts.etag.is_some() {
        file.etag = facts.etag;
    }
    file.size = Some(facts.size);
    file.last_modified = facts.last_modified.or(file.last_modified);
    file.storage_class = facts.storage_class.or(file.storage_class);
    file.version_id = facts.version_id.or(file.version_id);
    Some(file)
}

fn next_applied(rows: &mut Rows<'_>) -> Result<Option<(ObjectKey, Applied)>, StateError> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let path = path(row)?;
    let applied = applied::from_row(row, 1, &path)?;
    Ok(Some((path, applied)))
}

fn next_observed(rows: &mut Rows<'_>) -> Result<Option<(ObjectKey, Observed)>, StateError> {
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((path(row)?, looks::from_row(row, 1)?)))
}

fn path(row: &Row<'_>) -> Result<ObjectKey, StateError> {
    ObjectKey::new(row.get::<_, String>(0)?).map_err(|error| StateError::Corrupt(error.to_string()))
}
