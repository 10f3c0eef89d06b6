//! Writes rows as a snapshot. Refuses rows that a reader would refuse.

use super::columns::COLUMNS;
use super::error::{SnapshotError, SnapshotProblem};
use super::{BUFFER_BYTES, MAX_ROW_BYTES};
use crate::record::{Escaped, FileRow, ObjectKey};
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use std::io::{self, Write as _};

/// Writes one snapshot: first the header, then each row. Without [`SnapshotWriter::finish`] the output may be incomplete.
pub struct SnapshotWriter<W: io::Write> {
    out: csv::Writer<W>,
    file: String,
    row: RowFields,
    /// The key of the previous row; empty before the first row only.
    previous: String,
}

impl<W: io::Write> SnapshotWriter<W> {
    /// Begins a snapshot with its header. Errors name the output as `file`.
    pub fn new(out: W, file: &str) -> Self {
        Self::named(out, Escaped(file).to_string())
    }

    /// As [`SnapshotWriter::new`], with a name that is already escaped.
    pub(super) fn named(out: W, file: String) -> Self {
        let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).buffer_capacity(BUFFER_BYTES).from_writer(out);
        out.write_record(COLUMNS).expect("invariant: the buffer takes the header");
        Self { out, file, row: RowFields::default(), previous: String::new() }
    }

    /// Adds a row. Its key must be greater than that of the previous row. A refused row is not written.
    pub fn push<'r>(&mut self, row: impl Into<FileRow<'r>>) -> Result<(), SnapshotError> {
        let row = row.into();
        if self.previous.as_str() >= row.file_path {
            self.check_order(row.file_path).map_err(|problem| self.refused(problem))?;
        }
        self.row.set(&row);
        if self.row.fields.as_slice().len() > MAX_ROW_BYTES {
            return Err(self.refused(SnapshotProblem::RowTooLong));
        }
        self.previous.clear();
        self.previous.push_str(row.file_path);
        self.out.write_byte_record(&self.row.fields).map_err(|error| self.failed(io_error(error)))
    }

    /// Flushes the output and returns it. The caller must make it durable.
    pub fn finish(self) -> Result<W, SnapshotError> {
        let Self { out, file, .. } = self;
        out.into_inner().map_err(|error| SnapshotError::Io { action: "write", path: file, source: error.into_error() })
    }

    fn check_order(&self, key: &str) -> Result<(), SnapshotProblem> {
        let key = ObjectKey::new(key).map_err(|_| SnapshotProblem::NoKey)?;
        SnapshotProblem::order(ObjectKey::new(self.previous.as_str()).ok().as_ref(), &key)
    }

    fn failed(&self, source: io::Error) -> SnapshotError {
        SnapshotError::Io { action: "write", path: self.file.clone(), source }
    }

    fn refused(&self, problem: SnapshotProblem) -> SnapshotError {
        SnapshotError::Refused { file: self.file.clone(), problem }
    }
}

/// The fields of the current row, in the order of [`COLUMNS`]; a missing field is empty.
#[derive(Default)]
struct RowFields {
    fields: csv::ByteRecord,
    /// A buffer for formatting a number or a time.
    text: Vec<u8>,
}

impl RowFields {
    fn set(&mut self, row: &FileRow<'_>) {
        let FileRow { file_path, permissions, owner, group, size, file_type, last_modified, internal_id, etag, storage_class, version_id } =
            *row;
        self.fields.clear();
        self.push(Some(file_path));
        self.push(permissions);
        self.push_size(size);
        self.push(file_type);
        self.push_time(last_modified);
        for text in [internal_id, etag, storage_class, version_id, owner, group] {
            self.push(text);
        }
    }

    fn push(&mut self, text: Option<&str>) {
        self.fields.push_field(text.unwrap_or_default().as_bytes());
    }

    fn push_size(&mut self, size: Option<u64>) {
        self.text.clear();
        if let Some(size) = size {
            write!(self.text, "{size}").expect("invariant: memory takes every byte");
        }
        self.fields.push_field(&self.text);
    }

    fn push_time(&mut self, time: Option<Timestamp>) {
        const PRINTER: DateTimePrinter = DateTimePrinter::new();
        self.text.clear();
        if let Some(time) = time {
            PRINTER.print_timestamp(&time, &mut self.text).expect("invariant: memory takes every byte");
        }
        self.fields.push_field(&self.text);
    }
}

/// The error of the output. Nothing else can fail, because all rows have the same number of fields.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        other => io::Error::other(format!("{other:?}")),
    }
}
