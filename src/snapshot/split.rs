//! Where a row ends and what its fields are, by RFC 4180 and as the `csv` crate reads it, which judges this in a test. It knows no
//! columns and no files. It is our own because most rows of a comparison are found the same and dropped: here no row is copied, and
//! of a row without quotes only the commas are looked for byte by byte.

use super::error::Problem;
use std::io::BufRead as _;
use std::ops::Range;

/// Where in some bytes a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawRow {
    /// Without its line end.
    pub(super) text: Range<usize>,
    /// Behind its line end. A line feed that follows a carriage return may be left for the next row.
    pub(super) end: usize,
    /// Whether there is any quote in it.
    pub(super) quoted: bool,
    /// Line feeds up to its end.
    pub(super) line_feeds: u64,
}

/// Finds the row that begins at `at`, where no line end stands. `None` = its end is not among the bytes; `last`: no others follow them.
pub(super) fn find_row(bytes: &[u8], at: usize, last: bool) -> Result<Option<RawRow>, Problem> {
    match plain_row(bytes, at) {
        Some(row) => Ok(Some(row)),
        None => find_end(bytes, at, last),
    }
}

/// A row without quotes that a line feed ends, as nearly all are.
fn plain_row(bytes: &[u8], at: usize) -> Option<RawRow> {
    let mut rest = &bytes[at..];
    let line_bytes = rest.skip_until(b'\n').expect("invariant: memory can be read");
    let text = bytes[at..at + line_bytes].strip_suffix(b"\n")?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    // All of them, without a stop at the first: so many bytes are looked at together.
    let quotes_or_returns = text.iter().fold(0, |found, &byte| found | u8::from(byte == b'"') | u8::from(byte == b'\r'));
    (quotes_or_returns == 0).then_some(RawRow { text: at..at + text.len(), end: at + line_bytes, quoted: false, line_feeds: 1 })
}

/// Byte by byte.
fn find_end(bytes: &[u8], begin: usize, last: bool) -> Result<Option<RawRow>, Problem> {
    let (mut place, mut quotes, mut line_feeds) = (Place::FieldStart, 0_u64, 0);
    for (at, byte) in bytes.iter().copied().enumerate().skip(begin) {
        quotes += u64::from(byte == b'"');
        line_feeds += u64::from(byte == b'\n');
        match place.after(byte) {
            Some(next) => place = next,
            None if quotes % 2 == 1 => return Err(Problem::OddQuotes),
            None => return Ok(Some(RawRow { text: begin..at, end: at + 1, quoted: quotes > 0, line_feeds })),
        }
    }
    match (last, place) {
        (false, _) => Ok(None),
        (true, Place::Quoted) => Err(Problem::OpenQuote),
        (true, _) if quotes % 2 == 1 => Err(Problem::OddQuotes),
        (true, _) => Ok(Some(RawRow { text: begin..bytes.len(), end: bytes.len(), quoted: quotes > 0, line_feeds })),
    }
}

/// Where in a row a byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote in a quoted field: it ends the quotes, unless another one follows.
    QuoteInQuoted,
}

impl Place {
    /// `None` = the row ended.
    fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Quoted, b'"') => Some(Self::QuoteInQuoted),
            (Self::FieldStart | Self::QuoteInQuoted, b'"') | (Self::Quoted, _) => Some(Self::Quoted),
            (_, b'\r' | b'\n') => None,
            (_, b',') => Some(Self::FieldStart),
            _ => Some(Self::Plain),
        }
    }
}

/// Tells `fields` where in `bytes` the fields of a row stand. What is in quotes is unquoted where it stands.
pub(super) fn split_row(bytes: &mut [u8], row: &RawRow, fields: &mut Vec<Range<usize>>) {
    fields.clear();
    if row.quoted {
        return split_quoted(bytes, row.text.clone(), fields);
    }
    let mut begun = row.text.start;
    for (at, byte) in row.text.clone().zip(&bytes[row.text.clone()]) {
        if *byte == b',' {
            fields.push(begun..at);
            begun = at + 1;
        }
    }
    fields.push(begun..row.text.end);
}

fn split_quoted(bytes: &mut [u8], text: Range<usize>, fields: &mut Vec<Range<usize>>) {
    let (mut place, mut begun, mut end) = (Place::FieldStart, text.start, text.start);
    for at in text {
        let byte = bytes[at];
        let next = place.after(byte).expect("invariant: the row's end is not in its text");
        match (place, next) {
            // Only a comma leads there.
            (_, Place::FieldStart) => {
                fields.push(begun..end);
                (begun, end) = (at + 1, at + 1);
            }
            // A quote that begins a quoted field, or may end it.
            (Place::FieldStart, Place::Quoted) | (_, Place::QuoteInQuoted) => {}
            _ => {
                bytes[end] = byte;
                end += 1;
            }
        }
        place = next;
    }
    fields.push(begun..end);
}
