//! The two sides of a snapshot, row by row in the order of the key's bytes, over a connection that only reads.

use super::{FILE_MANAGER, StateError, applied, looks, pending};
use crate::record::{Applied, FileRecord, ObjectKey, Observed, Permissions, Sides};
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

/// As [`visit`], only the paths that are due.
pub(super) fn visit_due<E: From<StateError>>(
    database: &Path,
    side: Side,
    visit: &mut dyn FnMut(FileRecord) -> Result<(), E>,
) -> Result<(), E> {
    let connection = super::open_to_read(database)?;
    let moment = connection.unchecked_transaction().map_err(StateError::from)?;
    let mut paths = moment.prepare(DUE_PATHS).map_err(StateError::from)?;
    let mut paths = paths.query([FILE_MANAGER]).map_err(StateError::from)?;
    while let Some(row) = paths.next().map_err(StateError::from)? {
        let path = path(row)?;
        let sides = pending::sides(&moment, &path)?;
        if let Some(file) = row_of(side, path, sides) {
            visit(file)?;
        }
    }
    Ok(())
}

/// By the index of what is due: the one by path holds what waits as well.
pub(super) const DUE_PATHS: &str = "SELECT path FROM pending INDEXED BY pending_due WHERE sink = ?1 AND status = 'due' ORDER BY path";

fn scan<E: From<StateError>>(connection: &Connection, side: Side, visit: &mut dyn FnMut(FileRecord) -> Result<(), E>) -> Result<(), E> {
    let moment = connection.unchecked_transaction().map_err(StateError::from)?;
    let text = format!("SELECT path, {} FROM applied WHERE sink = ?1 ORDER BY path", applied::COLUMNS);
    let mut applied_rows = moment.prepare(&text).map_err(StateError::from)?;
    let mut applied_rows = applied_rows.query([FILE_MANAGER]).map_err(StateError::from)?;
    if side == Side::Applied {
        while let Some(row) = next_applied(&mut applied_rows)? {
            visit(old_row(row))?;
        }
        return Ok(());
    }
    let mut observed_rows = moment
        .prepare("SELECT path, look, present, size, etag, last_modified, storage_class, version_id FROM observed ORDER BY path")
        .map_err(StateError::from)?;
    let mut observed_rows = observed_rows.query([]).map_err(StateError::from)?;
    let mut told_rows = moment.prepare("SELECT path, permissions, owner, owner_group FROM told ORDER BY path").map_err(StateError::from)?;
    let mut told = ToldRows::begin(told_rows.query([]).map_err(StateError::from)?)?;
    let mut held = next_applied(&mut applied_rows)?;
    let mut looked = next_observed(&mut observed_rows)?;
    loop {
        let order = match (&held, &looked) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(held), Some((looked, _))) => held.file.file_path.cmp(looked),
        };
        let row = if order.is_le() { held.take() } else { None };
        let look = if order.is_ge() { looked.take() } else { None };
        let (path, observed) = look.unzip();
        if let Some(path) = path.or_else(|| row.as_ref().map(|row| row.file.file_path.clone())) {
            let wanted = told.of(&path)?;
            if let Some(file) = new_row(path, Sides { applied: row, observed, wanted }) {
                visit(file)?;
            }
        }
        if order.is_le() {
            held = next_applied(&mut applied_rows)?;
        }
        if order.is_ge() {
            looked = next_observed(&mut observed_rows)?;
        }
    }
}

/// A path's row on one side; `None` = it has none there.
fn row_of(side: Side, path: ObjectKey, sides: Sides) -> Option<FileRecord> {
    match side {
        Side::Applied => sides.applied.map(old_row),
        Side::Known => new_row(path, sides),
    }
}

/// What the sink is not known to hold is missing: it differs from whatever is there.
fn old_row(row: Applied) -> FileRecord {
    if row.confirmed { row.file } else { FileRecord { internal_id: row.file.internal_id, ..FileRecord::at(row.file.file_path) } }
}

/// What the looks and the feed know wins; what they do not know stays as the sink has it.
fn new_row(path: ObjectKey, sides: Sides) -> Option<FileRecord> {
    let held = sides.applied.map(old_row);
    let mut file = match sides.observed {
        None => held?,
        Some(look) => {
            let facts = look.facts.filter(|facts| !path.is_directory_marker(facts.size))?;
            let mut file = held.unwrap_or_else(|| FileRecord::at(path));
            file.etag = facts.etag.or(file.etag);
            file.size = Some(facts.size);
            file.last_modified = facts.last_modified.or(file.last_modified);
            file.storage_class = facts.storage_class.or(file.storage_class);
            file.version_id = facts.version_id.or(file.version_id);
            file
        }
    };
    file.permissions = sides.wanted.over(file.permissions);
    Some(file)
}

/// What was told, walked beside the rows.
struct ToldRows<'statement> {
    rows: Rows<'statement>,
    next: Option<(ObjectKey, Permissions)>,
}

impl<'statement> ToldRows<'statement> {
    fn begin(rows: Rows<'statement>) -> Result<Self, StateError> {
        let mut told = Self { rows, next: None };
        told.advance()?;
        Ok(told)
    }

    fn advance(&mut self) -> Result<(), StateError> {
        self.next = match self.rows.next()? {
            None => None,
            Some(row) => Some((path(row)?, Permissions { permissions: row.get(1)?, owner: row.get(2)?, group: row.get(3)? })),
        };
        Ok(())
    }

    /// What was told of a path. Paths are asked for in their order.
    fn of(&mut self, wanted: &ObjectKey) -> Result<Permissions, StateError> {
        while self.next.as_ref().is_some_and(|(path, _)| path < wanted) {
            self.advance()?;
        }
        let told = self.next.as_ref().filter(|(path, _)| path == wanted);
        Ok(told.map(|(_, told)| told.clone()).unwrap_or_default())
    }
}

fn next_applied(rows: &mut Rows<'_>) -> Result<Option<Applied>, StateError> {
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(applied::from_row(row, 1, path(row)?)?))
}

fn next_observed(rows: &mut Rows<'_>) -> Result<Option<(ObjectKey, Observed)>, StateError> {
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((path(row)?, looks::from_row(row, 1)?)))
}

fn path(row: &Row<'_>) -> Result<ObjectKey, StateError> {
    ObjectKey::new(row.get::<_, String>(0)?).map_err(|error| StateError::Corrupt(error.to_string()))
}
