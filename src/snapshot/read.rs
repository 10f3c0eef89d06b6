//! The bytes of a snapshot → rows, one block in memory at a time. Whatever cannot be read exactly is refused, never guessed.

use super::columns::Columns;
use super::error::{Problem, SnapshotError, shown_path};
use super::line::{Block, Line, Lines};
use super::row::{Places, WireRow};
use super::split::{RawRow, find_row, split_row};
use super::{BLOCK_BYTES, MAX_ROW_BYTES};
use crate::record::{Escaped, FileRecord, ObjectKey};
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::Path;

/// What is drawn from a file for one row, and no more: every byte may be a doubled quote, and a row may have columns that we do not know.
const MAX_RAW_ROW_BYTES: usize = 2 * MAX_ROW_BYTES + 64 * 1024;

/// Opens a snapshot file and checks its header.
pub fn open(path: &Path) -> Result<SnapshotReader<File>, SnapshotError> {
    let file = File::open(path).map_err(SnapshotError::io("open", path))?;
    SnapshotReader::begin(Blocks::new(file, shown_path(path), BLOCK_BYTES))
}

/// The records of a snapshot, in the byte order of their keys. After the first error there are no more.
pub struct SnapshotReader<R> {
    pub(super) blocks: Blocks<R>,
    pub(super) lines: Lines,
}

impl<R: io::Read> SnapshotReader<R> {
    /// Reads the header; `file` is what errors call the input.
    pub fn new(input: R, file: &str) -> Result<Self, SnapshotError> {
        Self::begin(Blocks::new(input, Escaped(file).to_string(), BLOCK_BYTES))
    }

    pub(super) fn begin(mut blocks: Blocks<R>) -> Result<Self, SnapshotError> {
        blocks.read_header()?;
        Ok(Self { blocks, lines: Lines::default() })
    }

    /// The next row as it stands there: found readable, and read when somebody asks for its record.
    pub fn next_line(&mut self) -> Option<Result<Line, SnapshotError>> {
        loop {
            if let Some(line) = self.lines.next() {
                return Some(Ok(line));
            }
            match self.blocks.next()? {
                Ok(block) => self.lines = Lines::from(block),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: io::Read> Iterator for SnapshotReader<R> {
    type Item = Result<FileRecord, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().map(|line| line.map(Line::into_record))
    }
}

/// The rows of a file, many at a time; those before an error come first.
pub(super) struct Blocks<R> {
    input: R,
    pub(super) file: String,
    block_bytes: usize,
    columns: Columns,
    /// What was read and is in no block yet: from `at` on.
    bytes: Vec<u8>,
    at: usize,
    /// The line at `at`; the header is line 1.
    line: u64,
    /// Nothing follows `bytes`.
    last: bool,
    /// Of the row before; empty before the first one, later never.
    previous: Vec<u8>,
    fields: Vec<Range<usize>>,
    /// What ended the last block, and what ended the reading: to be told when the rows before it are.
    refused: Option<SnapshotError>,
    broken_off: Option<SnapshotError>,
    ended: bool,
}

impl<R: io::Read> Blocks<R> {
    pub(super) fn new(input: R, file: String, block_bytes: usize) -> Self {
        Self {
            input,
            file,
            block_bytes,
            columns: Columns::default(),
            bytes: Vec::new(),
            at: 0,
            line: 1,
            last: false,
            previous: Vec::new(),
            fields: Vec::new(),
            refused: None,
            broken_off: None,
            ended: false,
        }
    }

    fn read_header(&mut self) -> Result<(), SnapshotError> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        while self.bytes.len() < BYTE_ORDER_MARK.len() && !self.last {
            self.read_on()?;
        }
        self.at = if self.bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        loop {
            if let Some(row) = self.find_row().map_err(|problem| self.unreadable(problem))? {
                split_row(&mut self.bytes, &row, &mut self.fields);
                let names: Vec<&[u8]> = self.fields.iter().map(|field| &self.bytes[field.clone()]).collect();
                self.columns = Columns::of(&names).map_err(|problem| self.unreadable(problem))?;
                self.pass(&row);
                return Ok(());
            }
            if self.last {
                return Err(self.unreadable(Problem::NoHeader));
            }
            self.read_on()?;
        }
    }

    /// The whole rows among what was read, and where there are none, among what is read on.
    fn next_block(&mut self) -> Result<Option<Block>, SnapshotError> {
        loop {
            let mut rows = Vec::new();
            let taken = self.take_rows(&mut rows).map_err(|problem| self.unreadable(problem));
            if !rows.is_empty() {
                self.refused = taken.err();
                let rest = self.bytes.split_off(self.at);
                self.at = 0;
                return Ok(Some(Block { bytes: std::mem::replace(&mut self.bytes, rest), rows }));
            }
            taken?;
            if self.last {
                return Ok(None);
            }
            self.read_on()?;
        }
    }

    fn take_rows(&mut self, rows: &mut Vec<Places>) -> Result<(), Problem> {
        while let Some(row) = self.find_row()? {
            rows.push(self.take(&row)?);
            self.pass(&row);
        }
        Ok(())
    }

    /// The next row, if all of it was read. Empty lines are none.
    fn find_row(&mut self) -> Result<Option<RawRow>, Problem> {
        while let Some(b'\r' | b'\n') = self.bytes.get(self.at) {
            self.line += u64::from(self.bytes[self.at] == b'\n');
            self.at += 1;
        }
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let found = find_row(&self.bytes, self.at, self.last)?;
        let raw_bytes = found.as_ref().map_or(self.bytes.len(), |row| row.end) - self.at;
        if raw_bytes > MAX_RAW_ROW_BYTES { Err(Problem::RowTooLong) } else { Ok(found) }
    }

    fn pass(&mut self, row: &RawRow) {
        self.at = row.end;
        self.line += row.line_feeds;
    }

    /// Finds out whether the row can be read; then it always can.
    fn take(&mut self, row: &RawRow) -> Result<Places, Problem> {
        let all_text = str::from_utf8(&self.bytes[row.text.clone()]).is_ok();
        split_row(&mut self.bytes, row, &mut self.fields);
        let places = self.columns.pick(&self.fields)?;
        let wire = WireRow { bytes: &self.bytes, places: &places };
        if !all_text {
            wire.check_text()?;
        }
        wire.check_values()?;
        let key = wire.key();
        if self.previous.as_slice() >= key {
            Problem::order(object_key(&self.previous).as_ref(), &object_key(key).ok_or(Problem::NoKey)?)?;
        }
        self.previous.clear();
        self.previous.extend_from_slice(key);
        Ok(places)
    }

    /// Reads as much again as a row has that is longer than a block: so that a long one is not looked through for each piece.
    fn read_on(&mut self) -> Result<(), SnapshotError> {
        if let Some(error) = self.broken_off.take() {
            return Err(error);
        }
        self.bytes.drain(..self.at);
        self.at = 0;
        let before = self.bytes.len();
        let wanted = self.block_bytes.max(before);
        self.bytes.reserve_exact(wanted);
        match self.input.by_ref().take(wanted as u64).read_to_end(&mut self.bytes) {
            Ok(count) => self.last = count < wanted,
            Err(source) => {
                self.broken_off = Some(SnapshotError::Io { action: "read", path: self.file.clone(), source });
            }
        }
        Ok(())
    }

    fn unreadable(&self, problem: Problem) -> SnapshotError {
        SnapshotError::Unreadable { file: self.file.clone(), line: self.line, problem }
    }
}

impl<R: io::Read> Iterator for Blocks<R> {
    type Item = Result<Block, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match self.refused.take() {
            Some(error) => Some(Err(error)),
            None => self.next_block().transpose(),
        };
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn object_key(bytes: &[u8]) -> Option<ObjectKey> {
    ObjectKey::new(String::from_utf8_lossy(bytes)).ok()
}
