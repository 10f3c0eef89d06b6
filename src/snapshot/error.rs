//! The errors of a snapshot: which file, which line, which value. Values are escaped and cut before they are shown.

use super::MAX_ROW_BYTES;
use super::names::REQUIRED_COLUMNS;
use crate::record::{Escaped, ObjectKey};
use std::io;
use std::path::Path;

/// A snapshot that could not be read, written or kept.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file's content is not a snapshot.
    #[error("{file}, line {line}: {problem}")]
    Unreadable {
        /// The file's name, escaped for display.
        file: String,
        /// The line on which the row begins; the header is line 1.
        line: u64,
        /// The problem on that line.
        problem: Problem,
    },
    /// A row that must not be written.
    #[error("{file}: row refused: {problem}")]
    Refused {
        /// The file's name, escaped for display.
        file: String,
        /// The problem with it.
        problem: Problem,
    },
    /// The file system failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// `read`, `write`, `rename`, …
        action: &'static str,
        /// The file or the directory, escaped for display.
        path: String,
        /// The file system's own error.
        source: io::Error,
    },
}

impl SnapshotError {
    /// For `map_err`: the action and the path that failed.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = shown_path(path);
        move |source| Self::Io { action, path, source }
    }
}

/// The problem with a header or a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file is empty.
    #[error("there is no header; it must begin with {}", REQUIRED_COLUMNS.join(","))]
    NoHeader,
    /// One of the first six columns is missing or elsewhere.
    #[error("column {position} must be `{expected}`, but it is `{found}`; a snapshot begins with {}", REQUIRED_COLUMNS.join(","))]
    Column {
        /// Counted from 1.
        position: usize,
        /// The name expected there.
        expected: &'static str,
        /// The name found there.
        found: String,
    },
    /// A known column occurs twice: it is ambiguous.
    #[error("column `{name}` occurs twice")]
    ColumnTwice {
        /// Its name.
        name: &'static str,
    },
    /// A row with more or fewer fields than the header.
    #[error("the row has {found} fields, but the header has {expected}")]
    FieldCount {
        /// The number of fields of the header.
        expected: usize,
        /// The number of fields of the row.
        found: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("{column} is not UTF-8: `{found}`")]
    NotText {
        /// The column.
        column: &'static str,
        /// Its bytes, those beyond ASCII as `\x..`.
        found: String,
    },
    /// A row without a key.
    #[error("file_path is empty")]
    NoKey,
    /// Not a plain decimal number below 2⁶⁴. `008` is refused: it may mean `8` or the text.
    #[error("size must be a decimal number of bytes without sign or leading zeros, but it is `{found}`")]
    Size {
        /// The value found there.
        found: String,
    },
    /// Not a time.
    #[error("last_modified must be an ISO-8601 time, but it is `{found}`")]
    LastModified {
        /// The value found there.
        found: String,
    },
    /// A key that should have come earlier.
    #[error("key {key} comes after {previous}, but rows must be in the byte order of their keys")]
    OutOfOrder {
        /// The key of the row before.
        previous: ObjectKey,
        /// The key of this row.
        key: ObjectKey,
    },
    /// A key that has a row already.
    #[error("key {key} occurs twice")]
    Duplicate {
        /// The key.
        key: ObjectKey,
    },
    /// More than [`MAX_ROW_BYTES`]: most likely a quote that is never closed.
    #[error("the row is longer than {MAX_ROW_BYTES} bytes; is a quote left open?")]
    RowTooLong,
    /// A quote was not doubled, or is at a place where none is allowed: its meaning is ambiguous.
    #[error("the row has an odd number of quotes; is one of them not doubled?")]
    OddQuotes,
    /// The file was cut off, or a quote was not doubled.
    #[error("the file ends inside a quoted field; was it cut off?")]
    OpenQuote,
}

impl Problem {
    /// Ok if `key` may follow `previous`: only greater keys may.
    pub(super) fn order(previous: Option<&ObjectKey>, key: &ObjectKey) -> Result<(), Self> {
        match previous {
            Some(previous) if previous > key => Err(Self::OutOfOrder { previous: previous.clone(), key: key.clone() }),
            Some(previous) if previous == key => Err(Self::Duplicate { key: key.clone() }),
            _ => Ok(()),
        }
    }
}

/// The beginning of a value, fit for a terminal.
pub(super) fn shown(value: &str) -> String {
    const SHOWN_CHARS: usize = 100;
    match value.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", Escaped(&value[..end])),
        None => Escaped(value).to_string(),
    }
}

/// A path, whole, fit for a terminal.
pub(super) fn shown_path(path: &Path) -> String {
    Escaped(&path.to_string_lossy()).to_string()
}
