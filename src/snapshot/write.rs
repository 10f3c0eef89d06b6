//! Rows → the bytes of a snapshot. It refuses what a reader would refuse; where the bytes go is the caller's concern.

use super::error::{Problem, SnapshotError};
use super::row::COLUMNS;
use super::{BUFFER_BYTES, MAX_ROW_BYTES};
use crate::record::{Escaped, FileRow, ObjectKey};
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use std::io::{self, Write as _};

/// Writes one snapshot: the header at once, then each row as it is pushed. Dropped without [`SnapshotWriter::finish`], it may be incomplete.
pub struct SnapshotWriter<W: io::Write> {
    out: W,
    file: String,
    /// Rows that are not in the output yet.
    bytes: Vec<u8>,
    /// Empty before the first row; later never.
    previous: String,
}

impl<W: io::Write> SnapshotWriter<W> {
    /// Begins a snapshot with its header; `file` is what errors call it.
    pub fn new(out: W, file: &str) -> Self {
        Self::named(out, Escaped(file).to_string())
    }

    /// `file` is fit for a terminal already.
    pub(super) fn named(out: W, file: String) -> Self {
        let mut writer = Self { out, file, bytes: Vec::with_capacity(2 * BUFFER_BYTES), previous: String::new() };
        writer.bytes.extend_from_slice(COLUMNS.join(",").as_bytes());
        writer.bytes.extend_from_slice(b"\r\n");
        writer
    }

    /// Adds a row. Its key must be greater than that of the row before; a refused row leaves the snapshot as it was.
    pub fn push<'r>(&mut self, row: impl Into<FileRow<'r>>) -> Result<(), SnapshotError> {
        let row = row.into();
        if self.previous.as_str() >= row.file_path {
            self.check_order(row.file_path).map_err(|problem| self.refused(problem))?;
        }
        let begun = self.bytes.len();
        if write_row(&mut self.bytes, &row) > MAX_ROW_BYTES {
            self.bytes.truncate(begun);
            return Err(self.refused(Problem::RowTooLong));
        }
        self.previous.clear();
        self.previous.push_str(row.file_path);
        if self.bytes.len() >= BUFFER_BYTES { self.hand_over() } else { Ok(()) }
    }

    /// Hands every byte to the output and gives it back. Whether they reached a disk is for the caller to see to.
    pub fn finish(mut self) -> Result<W, SnapshotError> {
        self.hand_over()?;
        self.out.flush().map_err(|source| self.failed(source))?;
        Ok(self.out)
    }

    fn hand_over(&mut self) -> Result<(), SnapshotError> {
        self.out.write_all(&self.bytes).map_err(|source| self.failed(source))?;
        self.bytes.clear();
        Ok(())
    }

    fn check_order(&self, key: &str) -> Result<(), Problem> {
        let key = ObjectKey::new(key).map_err(|_| Problem::NoKey)?;
        Problem::order(ObjectKey::new(self.previous.as_str()).ok().as_ref(), &key)
    }

    fn failed(&self, source: io::Error) -> SnapshotError {
        SnapshotError::Io { action: "write", path: self.file.clone(), source }
    }

    fn refused(&self, problem: Problem) -> SnapshotError {
        SnapshotError::Refused { file: self.file.clone(), problem }
    }
}

/// In the order of [`COLUMNS`]; what is missing is empty. Returns how long the fields are together.
fn write_row(bytes: &mut Vec<u8>, row: &FileRow<'_>) -> usize {
    let FileRow { file_path, permissions, owner, group, size, file_type, last_modified, internal_id, etag, storage_class, version_id } =
        *row;
    let mut field_bytes = write_text(bytes, Some(file_path));
    bytes.push(b',');
    field_bytes += write_text(bytes, permissions);
    bytes.push(b',');
    field_bytes += write_size(bytes, size);
    bytes.push(b',');
    field_bytes += write_text(bytes, file_type);
    bytes.push(b',');
    field_bytes += write_time(bytes, last_modified);
    for text in [internal_id, etag, storage_class, version_id, owner, group] {
        bytes.push(b',');
        field_bytes += write_text(bytes, text);
    }
    bytes.extend_from_slice(b"\r\n");
    field_bytes
}

/// In quotes where RFC 4180 wants them, and nowhere else.
fn write_text(bytes: &mut Vec<u8>, text: Option<&str>) -> usize {
    let text = text.unwrap_or_default().as_bytes();
    // All of them, without a stop at the first: so many bytes are looked at together.
    if text.iter().fold(false, |found, byte| found | matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        bytes.push(b'"');
        for &byte in text {
            bytes.extend_from_slice(if byte == b'"' { b"\"\"" } else { std::slice::from_ref(&byte) });
        }
        bytes.push(b'"');
    } else {
        bytes.extend_from_slice(text);
    }
    text.len()
}

fn write_size(bytes: &mut Vec<u8>, size: Option<u64>) -> usize {
    let begun = bytes.len();
    if let Some(size) = size {
        write!(bytes, "{size}").expect("invariant: memory takes every byte");
    }
    bytes.len() - begun
}

fn write_time(bytes: &mut Vec<u8>, time: Option<Timestamp>) -> usize {
    const PRINTER: DateTimePrinter = DateTimePrinter::new();
    let begun = bytes.len();
    if let Some(time) = time {
        PRINTER.print_timestamp(&time, &mut *bytes).expect("invariant: memory takes every byte");
    }
    bytes.len() - begun
}
