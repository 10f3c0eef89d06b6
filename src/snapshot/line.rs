//! A row as it stands in its file: known to be readable, and made a record only where somebody needs one. Most rows of two snapshots
//! are the same, and are looked at and dropped.

use super::error::{Problem, shown};
use super::row::{COLUMNS, REQUIRED_COLUMNS, SnapshotRow};
use crate::record::{FileRecord, ObjectKey};
use csv::ByteRecord;
use std::borrow::Cow;
use std::sync::Arc;

/// One row.
pub struct Line {
    key: ObjectKey,
    row: ByteRecord,
    columns: Arc<Columns>,
}

impl Line {
    /// Finds out whether the row can be read; then it always can.
    pub(super) fn new(row: ByteRecord, columns: &Arc<Columns>) -> Result<Self, Problem> {
        let key = columns.pick(&row)?.check()?;
        Ok(Self { key, row, columns: columns.clone() })
    }

    /// What it is about.
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// Its bytes, for whoever bounds how many lines are held.
    pub(super) fn bytes(&self) -> usize {
        self.row.as_slice().len()
    }

    /// The texts of size and `ETag`; empty = missing.
    pub fn content(&self) -> [&[u8]; 2] {
        let [_, _, size, _, _, _, etag, ..] = self.columns.places;
        [size, etag].map(|place| self.text(place))
    }

    /// The texts of permissions, owner and group; empty = missing.
    pub fn permissions(&self) -> [&[u8]; 3] {
        let [_, permissions, _, _, _, _, _, _, _, owner, group] = self.columns.places;
        [permissions, owner, group].map(|place| self.text(place))
    }

    fn text(&self, place: Option<usize>) -> &[u8] {
        place.and_then(|place| self.row.get(place)).unwrap_or_default()
    }

    /// The row as a record.
    ///
    /// # Panics
    ///
    /// Never: it was read as one before it became a line.
    pub fn into_record(self) -> FileRecord {
        let record = self.columns.pick(&self.row).and_then(FileRecord::try_from);
        record.expect("invariant: it was found readable when it was read")
    }
}

/// Where each of [`COLUMNS`] stands in a file.
#[derive(Default)]
pub(super) struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    width: usize,
}

impl Columns {
    pub(super) fn of(header: &ByteRecord) -> Result<Self, Problem> {
        for (position, expected) in REQUIRED_COLUMNS.iter().copied().enumerate() {
            let found = header.get(position).unwrap_or_default();
            if found != expected.as_bytes() {
                return Err(Problem::Column { position: position + 1, expected, found: shown(&String::from_utf8_lossy(found)) });
            }
        }
        let mut places = [None; COLUMNS.len()];
        for (place, name) in places.iter_mut().zip(COLUMNS) {
            let mut found = header.iter().enumerate().filter(|(_, column)| *column == name.as_bytes()).map(|(position, _)| position);
            *place = found.next();
            if found.next().is_some() {
                return Err(Problem::ColumnTwice { name });
            }
        }
        Ok(Self { places, width: header.len() })
    }

    fn pick<'r>(&self, row: &'r ByteRecord) -> Result<SnapshotRow<'r>, Problem> {
        if row.len() != self.width {
            return Err(Problem::FieldCount { expected: self.width, found: row.len() });
        }
        let mut fields = [const { Cow::Borrowed("") }; COLUMNS.len()];
        for ((field, place), column) in fields.iter_mut().zip(self.places).zip(COLUMNS) {
            let bytes = place.and_then(|place| row.get(place)).unwrap_or_default();
            let text = str::from_utf8(bytes).map_err(|_| Problem::NotText { column, found: shown(&bytes.escape_ascii().to_string()) })?;
            *field = Cow::Borrowed(text);
        }
        Ok(SnapshotRow(fields))
    }
}
