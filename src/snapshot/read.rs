//! The bytes of a snapshot → records, one row in memory at a time. Whatever cannot be read exactly is refused, never guessed.

use super::BUFFER_BYTES;
use super::error::{Problem, SnapshotError, shown_path};
use super::guarded_input::GuardedInput;
use super::line::{Columns, Line};
use crate::record::{Escaped, FileRecord, ObjectKey};
use csv::ByteRecord;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Opens a snapshot file and checks its header.
pub fn open(path: &Path) -> Result<SnapshotReader<File>, SnapshotError> {
    let file = File::open(path).map_err(SnapshotError::io("open", path))?;
    SnapshotReader::named(file, shown_path(path))
}

/// The records of a snapshot, in the byte order of their keys. After the first error there are no more.
pub struct SnapshotReader<R> {
    csv: csv::Reader<GuardedInput<R>>,
    file: String,
    columns: Arc<Columns>,
    row: ByteRecord,
    /// Empty before the first one; later never.
    previous: String,
    /// The parser ends a row at CR and counts the LF after it to the next one.
    lines_behind: u64,
    ended: bool,
}

impl<R: io::Read> SnapshotReader<R> {
    /// Reads the header; `file` is what errors call the input.
    pub fn new(input: R, file: &str) -> Result<Self, SnapshotError> {
        Self::named(input, Escaped(file).to_string())
    }

    fn named(input: R, file: String) -> Result<Self, SnapshotError> {
        let csv =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(BUFFER_BYTES).from_reader(GuardedInput::new(input));
        let columns = Arc::default();
        let mut reader = Self { csv, file, columns, row: ByteRecord::new(), previous: String::new(), lines_behind: 0, ended: false };
        if !reader.advance()? {
            return Err(reader.unreadable(1, Problem::NoHeader));
        }
        reader.columns = Arc::new(Columns::of(&reader.row).map_err(|problem| reader.unreadable(1, problem))?);
        reader.lines_behind = u64::from(reader.csv.position().line() == 1);
        Ok(reader)
    }

    /// What errors call the input.
    pub(super) fn name(&self) -> &str {
        &self.file
    }

    /// The next row into `self.row`; `false` at the end.
    fn advance(&mut self) -> Result<bool, SnapshotError> {
        self.csv.get_mut().grant_a_row();
        match self.csv.read_byte_record(&mut self.row) {
            Ok(_) if self.csv.get_ref().ended_in_quotes() => Err(self.unreadable(self.line(), Problem::OpenQuote)),
            Ok(found) => Ok(found),
            Err(_) if self.csv.get_ref().is_overdrawn() => Err(self.unreadable(self.line(), Problem::RowTooLong)),
            Err(error) => {
                let source = match error.into_kind() {
                    csv::ErrorKind::Io(source) => source,
                    other => io::Error::other(format!("{other:?}")),
                };
                Err(SnapshotError::Io { action: "read", path: self.file.clone(), source })
            }
        }
    }

    /// The next row as it stands there: found readable, and read when somebody asks for its record.
    pub fn next_line(&mut self) -> Option<Result<Line, SnapshotError>> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }

    fn read(&mut self) -> Result<Option<Line>, SnapshotError> {
        if !self.advance()? {
            return Ok(None);
        }
        let next = ByteRecord::with_capacity(self.row.as_slice().len(), self.row.len());
        let row = std::mem::replace(&mut self.row, next);
        let at = row.position().map_or(1, csv::Position::line) + self.lines_behind;
        self.line_of(row).map(Some).map_err(|problem| self.unreadable(at, problem))
    }

    fn line_of(&mut self, row: ByteRecord) -> Result<Line, Problem> {
        let line = Line::new(row, &self.columns)?;
        let key = line.key();
        if self.previous.as_str() >= key.as_str() {
            let previous = ObjectKey::new(self.previous.as_str()).ok();
            Problem::order(previous.as_ref(), key)?;
        }
        self.previous.clear();
        self.previous.push_str(key.as_str());
        Ok(line)
    }

    /// Where the row begins; or the first of the empty lines before it, which the parser skips.
    fn line(&self) -> u64 {
        self.row.position().map_or(1, csv::Position::line) + self.lines_behind
    }

    fn unreadable(&self, line: u64, problem: Problem) -> SnapshotError {
        SnapshotError::Unreadable { file: self.file.clone(), line, problem }
    }
}

impl<R: io::Read> Iterator for SnapshotReader<R> {
    type Item = Result<FileRecord, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().map(|line| line.map(Line::into_record))
    }
}
