//! The bytes of a snapshot → records, one row in memory at a time. Whatever cannot be read exactly is refused, never guessed.

use super::BUFFER_BYTES;
use super::error::{Problem, SnapshotError, shown, shown_path};
use super::guarded_input::GuardedInput;
use super::row::{COLUMNS, REQUIRED_COLUMNS, SnapshotRow};
use crate::record::{Escaped, FileRecord, ObjectKey};
use csv::ByteRecord;
use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a snapshot file and checks its header.
pub fn open(path: &Path) -> Result<SnapshotReader<File>, SnapshotError> {
    let file = File::open(path).map_err(SnapshotError::io("open", path))?;
    SnapshotReader::named(file, shown_path(path))
}

/// The records of a snapshot, in the byte order of their keys. After the first error there are no more.
pub struct SnapshotReader<R> {
    csv: csv::Reader<GuardedInput<R>>,
    file: String,
    columns: Columns,
    row: ByteRecord,
    previous: Option<ObjectKey>,
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
        let columns = Columns { places: [None; COLUMNS.len()], width: 0 };
        let mut reader = Self { csv, file, columns, row: ByteRecord::new(), previous: None, lines_behind: 0, ended: false };
        if !reader.advance()? {
            return Err(reader.unreadable(1, Problem::NoHeader));
        }
        reader.columns = Columns::of(&reader.row).map_err(|problem| reader.unreadable(1, problem))?;
        reader.lines_behind = u64::from(reader.csv.position().line() == 1);
        Ok(reader)
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

    fn record(&mut self) -> Result<FileRecord, Problem> {
        let record = FileRecord::try_from(self.columns.pick(&self.row)?)?;
        Problem::order(self.previous.as_ref(), &record.file_path)?;
        self.previous = Some(record.file_path.clone());
        Ok(record)
    }

    fn read(&mut self) -> Result<Option<FileRecord>, SnapshotError> {
        if !self.advance()? {
            return Ok(None);
        }
        self.record().map(Some).map_err(|problem| self.unreadable(self.line(), problem))
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
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Where each of [`COLUMNS`] stands in this file.
struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    width: usize,
}

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self, Problem> {
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
