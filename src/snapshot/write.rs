//! Records → the bytes of a snapshot. It refuses what a reader would refuse; where the bytes go is the caller's concern.

use super::error::{Problem, SnapshotError};
use super::row::{COLUMNS, SnapshotRow};
use super::{BUFFER_BYTES, MAX_ROW_BYTES};
use crate::record::{Escaped, FileRecord, ObjectKey};
use std::io;

/// Writes one snapshot: the header at once, then each record as it is pushed. Dropped without [`SnapshotWriter::finish`], it may be incomplete.
pub struct SnapshotWriter<W: io::Write> {
    csv: csv::Writer<W>,
    file: String,
    /// Empty before the first row; later never.
    previous: String,
}

impl<W: io::Write> SnapshotWriter<W> {
    /// Begins a snapshot with its header; `file` is what errors call it.
    pub fn new(out: W, file: &str) -> Result<Self, SnapshotError> {
        Self::named(out, Escaped(file).to_string())
    }

    /// `file` is fit for a terminal already.
    pub(super) fn named(out: W, file: String) -> Result<Self, SnapshotError> {
        let csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).buffer_capacity(BUFFER_BYTES).from_writer(out);
        let mut writer = Self { csv, file, previous: String::new() };
        writer.write(COLUMNS)?;
        Ok(writer)
    }

    /// Adds a row. Its key must be greater than that of the row before; a refused row leaves the snapshot as it was.
    pub fn push(&mut self, record: &FileRecord) -> Result<(), SnapshotError> {
        let key = record.file_path.as_str();
        if self.previous.as_str() >= key {
            let previous = ObjectKey::new(self.previous.as_str()).ok();
            Problem::order(previous.as_ref(), &record.file_path).map_err(|problem| self.refused(problem))?;
        }
        let row = SnapshotRow::from(record);
        if row.0.iter().map(|field| field.len()).sum::<usize>() > MAX_ROW_BYTES {
            return Err(self.refused(Problem::RowTooLong));
        }
        self.write(row.0.iter().map(AsRef::as_ref))?;
        self.previous.clear();
        self.previous.push_str(key);
        Ok(())
    }

    /// Hands every byte to the output and gives it back. Whether they reached a disk is for the caller to see to.
    pub fn finish(mut self) -> Result<W, SnapshotError> {
        self.csv.flush().map_err(|source| self.failed(source))?;
        let Self { csv, file, .. } = self;
        csv.into_inner().map_err(|error| SnapshotError::Io { action: "write", path: file, source: io::Error::other(error.to_string()) })
    }

    fn write<'f>(&mut self, fields: impl IntoIterator<Item = &'f str>) -> Result<(), SnapshotError> {
        self.csv.write_record(fields).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(source) => self.failed(source),
            other => self.failed(io::Error::other(format!("{other:?}"))),
        })
    }

    fn failed(&self, source: io::Error) -> SnapshotError {
        SnapshotError::Io { action: "write", path: self.file.clone(), source }
    }

    fn refused(&self, problem: Problem) -> SnapshotError {
        SnapshotError::Refused { file: self.file.clone(), problem }
    }
}
