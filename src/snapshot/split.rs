//! Splits bytes into rows and unquotes their fields, with `csv-core`. This file adds what `csv-core` does not report: the line on which a
//! row begins, unpaired quotes, and rows that are too long.

use super::MAX_ROW_BYTES;
use super::error::SnapshotProblem;
use csv_core::ReadRecordResult;
use std::ops::Range;

/// The maximum size of one row in a file: every byte may be a doubled quote, and the row may have unknown columns.
const MAX_RAW_ROW_BYTES: usize = 2 * MAX_ROW_BYTES + 64 * 1024;

/// The unquoted fields of one row, concatenated.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) text: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Fields<'a> {
    pub(super) fn len(self) -> usize {
        self.ends.len()
    }

    /// The range of a field in `text`.
    pub(super) fn place(self, field: usize) -> Range<usize> {
        let begin = field.checked_sub(1).map_or(0, |before| self.ends[before]);
        begin..self.ends[field]
    }

    pub(super) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(move |field| &self.text[self.place(field)])
    }
}

/// Splits a file that arrives in pieces. Holds one row.
pub(super) struct Splitter {
    core: csv_core::Reader,
    /// The line on which the current row begins.
    line: u64,
    whole: bool,
    raw_bytes: usize,
    odd_quotes: bool,
    /// Buffers for a row. `text_bytes` and `fields` say how much of them is in use.
    text: Vec<u8>,
    ends: Vec<usize>,
    text_bytes: usize,
    fields: usize,
}

impl Splitter {
    pub(super) fn new() -> Self {
        const TEXT_BYTES: usize = 4096;
        const FIELDS: usize = 16;
        let (mut core, mut text, mut ends) = (csv_core::Reader::new(), vec![0; TEXT_BYTES], vec![0; FIELDS]);
        // `csv-core` drops a byte order mark from its first input. Give it another first input, because the caller handles the mark.
        core.read_record(b"\n", &mut text, &mut ends);
        core.set_line(1);
        Self { core, line: 1, whole: false, raw_bytes: 0, odd_quotes: false, text, ends, text_bytes: 0, fields: 0 }
    }

    /// The line on which the current row begins, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The fields of the row whose end [`Splitter::split`] has found.
    pub(super) fn fields(&self) -> Fields<'_> {
        Fields { text: &self.text[..self.text_bytes], ends: &self.ends[..self.fields] }
    }

    /// Consumes bytes from `input` up to the end of the next row. Returns true if it has found the end. Empty lines are ignored.
    pub(super) fn split(&mut self, input: &mut &[u8]) -> Result<bool, SnapshotProblem> {
        if self.whole {
            (self.whole, self.raw_bytes, self.odd_quotes, self.text_bytes, self.fields) = (false, 0, false, 0, 0);
        }
        while !input.is_empty() {
            let line = self.core.line();
            let (result, taken, text_bytes, fields) =
                self.core.read_record(input, &mut self.text[self.text_bytes..], &mut self.ends[self.fields..]);
            let (taken, rest) = input.split_at(taken);
            *input = rest;
            self.text_bytes += text_bytes;
            self.fields += fields;
            self.note(taken, line)?;
            match result {
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
                ReadRecordResult::Record if self.odd_quotes => return Err(SnapshotProblem::OddQuotes),
                ReadRecordResult::Record => {
                    self.whole = true;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Ends the last row of a file without a final line end. Returns true if there is such a row.
    pub(super) fn finish(&mut self) -> Result<bool, SnapshotProblem> {
        let begun = !self.whole && self.raw_bytes > 0;
        // Only an open quote keeps a row from ending at a line end.
        if begun && !self.split(&mut b"\n".as_slice())? { Err(SnapshotProblem::OpenQuote) } else { Ok(begun) }
    }

    /// Inspects bytes that `csv-core` has consumed. The first of them is on `line`.
    fn note(&mut self, taken: &[u8], line: u64) -> Result<(), SnapshotProblem> {
        let empty_lines = if self.raw_bytes == 0 { taken.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count() } else { 0 };
        let (empty_lines, of_row) = taken.split_at(empty_lines);
        if self.raw_bytes == 0 {
            self.line = empty_lines.iter().fold(line, |line, &byte| line + u64::from(byte == b'\n'));
        }
        self.raw_bytes += of_row.len();
        // Visit every byte without an early exit, so that the compiler vectorises the loop.
        self.odd_quotes ^= of_row.iter().fold(false, |odd, &byte| odd ^ (byte == b'"'));
        if self.raw_bytes > MAX_RAW_ROW_BYTES { Err(SnapshotProblem::RowTooLong) } else { Ok(()) }
    }
}
