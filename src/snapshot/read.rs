//! Reads the rows of a snapshot, one block at a time. A row that cannot be read exactly is an error.

use super::BLOCK_BYTES;
use super::error::{SnapshotError, SnapshotProblem, shown_path};
use super::header::Columns;
use super::line::{Block, BlockLines, Line};
use super::row::WireRow;
use super::split::Splitter;
use crate::record::{Escaped, FileRecord, ObjectKey};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Opens a snapshot file and checks its header.
pub fn open(path: &Path) -> Result<SnapshotReader<File>, SnapshotError> {
    let file = File::open(path).map_err(SnapshotError::io("open", path))?;
    SnapshotReader::begin(Blocks::new(file, shown_path(path), BLOCK_BYTES))
}

/// The records of a snapshot, in the byte order of their keys. The iterator ends after the first error.
pub struct SnapshotReader<R> {
    pub(super) blocks: Blocks<R>,
    pub(super) lines: BlockLines,
}

impl<R: io::Read> SnapshotReader<R> {
    /// Reads the header. Errors name the input as `file`.
    pub fn new(input: R, file: &str) -> Result<Self, SnapshotError> {
        Self::begin(Blocks::new(input, Escaped(file).to_string(), BLOCK_BYTES))
    }

    pub(super) fn begin(mut blocks: Blocks<R>) -> Result<Self, SnapshotError> {
        blocks.read_header()?;
        Ok(Self { blocks, lines: BlockLines::default() })
    }

    /// The next row, checked but not parsed: the caller can convert it into a record.
    pub fn next_line(&mut self) -> Option<Result<Line, SnapshotError>> {
        loop {
            if let Some(line) = self.lines.next() {
                return Some(Ok(line));
            }
            match self.blocks.next()? {
                Ok(block) => self.lines = BlockLines::from(block),
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

/// The rows of a file in blocks. The rows before an error are returned before the error.
pub(super) struct Blocks<R> {
    input: R,
    pub(super) file: String,
    block_bytes: usize,
    columns: Columns,
    splitter: Splitter,
    /// The bytes of the last read. Those from `at` on are not split yet.
    bytes: Vec<u8>,
    at: usize,
    /// True if the file ends after `bytes`.
    last: bool,
    /// The key of the previous row; empty before the first row only.
    previous: Vec<u8>,
    /// The error after the last block. It is returned after the rows of the block.
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
            splitter: Splitter::new(),
            bytes: Vec::new(),
            at: 0,
            last: false,
            previous: Vec::new(),
            refused: None,
            broken_off: None,
            ended: false,
        }
    }

    fn read_header(&mut self) -> Result<(), SnapshotError> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        self.read_on()?;
        self.at = if self.bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        while !self.split_row().map_err(|problem| self.unreadable(problem))? {
            if self.last {
                return Err(self.unreadable(SnapshotProblem::NoHeader));
            }
            self.read_on()?;
        }
        let names: Vec<&[u8]> = self.splitter.fields().iter().collect();
        self.columns = Columns::of(&names).map_err(|problem| self.unreadable(problem))?;
        Ok(())
    }

    /// The rows that end in the bytes read so far. Reads more bytes if none does.
    fn next_block(&mut self) -> Result<Option<Block>, SnapshotError> {
        loop {
            let mut block = Block { bytes: Vec::with_capacity(self.bytes.len()), rows: Vec::new() };
            let taken = self.take_rows(&mut block).map_err(|problem| self.unreadable(problem));
            if !block.rows.is_empty() {
                self.refused = taken.err();
                return Ok(Some(block));
            }
            taken?;
            if self.last {
                return Ok(None);
            }
            self.read_on()?;
        }
    }

    fn take_rows(&mut self, block: &mut Block) -> Result<(), SnapshotProblem> {
        while self.split_row()? {
            self.take(block)?;
        }
        Ok(())
    }

    /// True if another row ends in the bytes read so far.
    fn split_row(&mut self) -> Result<bool, SnapshotProblem> {
        let mut rest = &self.bytes[self.at..];
        let found = self.splitter.split(&mut rest);
        self.at = self.bytes.len() - rest.len();
        match found? {
            false if self.last => self.splitter.finish(),
            found => Ok(found),
        }
    }

    /// Checks that the row can be converted into a record, and adds it to the block.
    fn take(&mut self, block: &mut Block) -> Result<(), SnapshotProblem> {
        let fields = self.splitter.fields();
        let places = self.columns.pick(fields, block.bytes.len())?;
        block.bytes.extend_from_slice(fields.text);
        let row = WireRow { bytes: &block.bytes, places: &places };
        if !fields.text.is_ascii() {
            row.check_text()?;
        }
        row.check_values()?;
        let key = row.key();
        if self.previous.as_slice() >= key {
            SnapshotProblem::order(object_key(&self.previous).as_ref(), &object_key(key).ok_or(SnapshotProblem::NoKey)?)?;
        }
        self.previous.clear();
        self.previous.extend_from_slice(key);
        block.rows.push(places);
        Ok(())
    }

    /// Reads more bytes. Call it only when all bytes of the last read are split.
    fn read_on(&mut self) -> Result<(), SnapshotError> {
        if let Some(error) = self.broken_off.take() {
            return Err(error);
        }
        self.bytes.clear();
        self.at = 0;
        match self.input.by_ref().take(self.block_bytes as u64).read_to_end(&mut self.bytes) {
            Ok(count) => self.last = count < self.block_bytes,
            Err(source) => {
                self.broken_off = Some(SnapshotError::Io { action: "read", path: self.file.clone(), source });
            }
        }
        Ok(())
    }

    fn unreadable(&self, problem: SnapshotProblem) -> SnapshotError {
        SnapshotError::Unreadable { file: self.file.clone(), line: self.splitter.line(), problem }
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
