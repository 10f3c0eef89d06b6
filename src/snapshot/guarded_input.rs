//! What the CSV parser does not watch for: rows without end, and a file that ends inside quotes. It does not parse.

use super::{BUFFER_BYTES, MAX_ROW_BYTES};
use std::io;

/// Bytes that one row may draw from the file: every byte may be a doubled quote, and a buffer is read ahead.
const ROW_ALLOWANCE_BYTES: usize = 2 * MAX_ROW_BYTES + 2 * BUFFER_BYTES;

/// A reader that gives at most an allowance for each row, and remembers whether the quotes seen so far are balanced.
pub(super) struct GuardedInput<R> {
    input: R,
    allowance: usize,
    overdrawn: bool,
    ended: bool,
    odd_quotes: bool,
}

impl<R: io::Read> GuardedInput<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, allowance: ROW_ALLOWANCE_BYTES, overdrawn: false, ended: false, odd_quotes: false }
    }

    /// To be called before each row.
    pub(super) fn grant_a_row(&mut self) {
        self.allowance = ROW_ALLOWANCE_BYTES;
    }

    /// Whether the last error was ours: the row was too long.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.overdrawn
    }

    /// Whether the file is over and a quote was left open. Only the last row can make it so: the parser ran into the end looking for the other quote.
    pub(super) fn ended_in_quotes(&self) -> bool {
        self.ended && self.odd_quotes
    }
}

impl<R: io::Read> io::Read for GuardedInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.allowance == 0 {
            self.overdrawn = true;
            return Err(io::Error::other("the row is too long"));
        }
        let wanted = buffer.len().min(self.allowance);
        // The parser takes an interruption by a signal for the end.
        let count = loop {
            match self.input.read(&mut buffer[..wanted]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.allowance -= count;
        self.ended |= count == 0;
        self.odd_quotes = buffer[..count].iter().fold(self.odd_quotes, |odd, &byte| odd ^ (byte == b'"'));
        Ok(count)
    }
}
