//! Maps the header of a file to [`COLUMNS`]. The order in which columns are written is in `columns.rs`.

use super::columns::{COLUMNS, REQUIRED_COLUMNS};
use super::error::{SnapshotProblem, shown};
use super::row::Places;
use super::split::Fields;

/// The index of each of [`COLUMNS`] in the rows of a file.
#[derive(Default)]
pub(super) struct Columns {
    positions: [Option<usize>; COLUMNS.len()],
    width: usize,
}

impl Columns {
    pub(super) fn of(header: &[&[u8]]) -> Result<Self, SnapshotProblem> {
        for (position, expected) in REQUIRED_COLUMNS.iter().copied().enumerate() {
            let found = header.get(position).copied().unwrap_or_default();
            if found != expected.as_bytes() {
                return Err(SnapshotProblem::Column { position: position + 1, expected, found: shown(&String::from_utf8_lossy(found)) });
            }
        }
        let mut positions = [None; COLUMNS.len()];
        for (position, name) in positions.iter_mut().zip(COLUMNS) {
            let mut found = (0..).zip(header).filter(|(_, column)| **column == name.as_bytes()).map(|(position, _)| position);
            *position = found.next();
            if found.next().is_some() {
                return Err(SnapshotProblem::ColumnTwice { name });
            }
        }
        Ok(Self { positions, width: header.len() })
    }

    /// The positions of our columns in a row whose fields begin at `begin`.
    pub(super) fn pick(&self, fields: Fields<'_>, begin: usize) -> Result<Places, SnapshotProblem> {
        if fields.len() != self.width {
            return Err(SnapshotProblem::FieldCount { expected: self.width, found: fields.len() });
        }
        let place = |position| {
            let place = fields.place(position);
            begin + place.start..begin + place.end
        };
        Ok(self.positions.map(|position| position.map_or(0..0, place)))
    }
}
