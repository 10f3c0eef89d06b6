//! The errors of a snapshot: the file, the line and the value. Values are escaped and shortened before they are shown.

use super::MAX_ROW_BYTES;
use super::columns::REQUIRED_COLUMNS;
use crate::record::{Escaped, ObjectKey};
use std::io;
use std::path::Path;

/// A snapshot that could not be read, written or removed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file's content is not a snapshot.
    #[error("{file}, line {line}: {problem}")]
    Unreadable {
        /// The file's name, escaped for display.
        file: String,
        /// The line on which the row begins; the header is line 1.
        line: u64,
        /// The problem.
        problem: SnapshotProblem,
    },
    /// A row that was not written, because a reader would refuse it.
    #[error("{file}: row refused: {problem}")]
    Refused {
        /// The file's name, escaped for display.
        file: String,
        /// The problem.
        problem: SnapshotProblem,
    },
    /// The file system failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// `read`, `write`, `rename`, …
        action: &'static str,
        /// The file or the directory, escaped for display.
        path: String,
        /// The error of the file system.
        source: io::Error,
    },
}

impl SnapshotError {
    /// For `map_err`: adds the failed action and the path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = shown_path(path);
        move |source| Self::Io { action, path, source }
    }
}

/// The problem with a header or a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotProblem {
    /// The file is empty.
    #[error("there is no header; it must begin with {}", REQUIRED_COLUMNS.join(","))]
    NoHeader,
    /// One of the first six columns is missing or at another position.
    #[error("column {position} must be `{expected}`, but it is `{found}`; a snapshot begins with {}", REQUIRED_COLUMNS.join(","))]
    Column {
        /// The position, counted from 1.
        position: usize,
        /// The name expected there.
        expected: &'static str,
        /// The name found there.
        found: String,
    },
    /// A known column occurs twice, so it is ambiguous.
    #[error("column `{name}` occurs twice")]
    ColumnTwice {
        /// The name of the column.
        name: &'static str,
    },
    /// A row has more or fewer fields than the header.
    #[error("the row has {found} fields, but the header has {expected}")]
    FieldCount {
        /// The number of fields of the header.
        expected: usize,
        /// The number of fields of the row.
        found: usize,
    },
    /// A field is not UTF-8.
    #[error("{column} is not UTF-8: `{found}`")]
    NotText {
        /// The column.
        column: &'static str,
        /// The bytes of the field; those beyond ASCII as `\x..`.
        found: String,
    },
    /// A row has no key.
    #[error("file_path is empty")]
    NoKey,
    /// The size is not a plain decimal number below 2⁶⁴. `008` is refused, because it may be meant as a number or as text.
    #[error("size must be a decimal number of bytes without sign or leading zeros, but it is `{found}`")]
    Size {
        /// The value found there.
        found: String,
    },
    /// The time cannot be parsed.
    #[error("last_modified must be an ISO-8601 time, but it is `{found}`")]
    LastModified {
        /// The value found there.
        found: String,
    },
    /// A key is not in ascending order.
    #[error("key {key} comes after {previous}, but rows must be in the byte order of their keys")]
    OutOfOrder {
        /// The key of the row before.
        previous: ObjectKey,
        /// The key of this row.
        key: ObjectKey,
    },
    /// A key has two rows.
    #[error("key {key} occurs twice")]
    Duplicate {
        /// The key.
        key: ObjectKey,
    },
    /// A row is longer than [`MAX_ROW_BYTES`], most likely because a quote is never closed.
    #[error("the row is longer than {MAX_ROW_BYTES} bytes; is a quote left open?")]
    RowTooLong,
    /// A quote is not doubled, or is at a position where none is allowed, so the row is ambiguous.
    #[error("the row has an odd number of quotes; is one of them not doubled?")]
    OddQuotes,
    /// The file is truncated, or a quote is not doubled.
    #[error("the file ends inside a quoted field; was it cut off?")]
    OpenQuote,
}

impl SnapshotProblem {
    /// Checks that `key` is greater than `previous`.
    pub(super) fn order(previous: Option<&ObjectKey>, key: &ObjectKey) -> Result<(), Self> {
        match previous {
            Some(previous) if previous > key => Err(Self::OutOfOrder { previous: previous.clone(), key: key.clone() }),
            Some(previous) if previous == key => Err(Self::Duplicate { key: key.clone() }),
            _ => Ok(()),
        }
    }
}

/// The beginning of a value, escaped for a terminal.
pub(super) fn shown(value: &str) -> String {
    const SHOWN_CHARS: usize = 100;
    match value.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", Escaped(&value[..end])),
        None => Escaped(value).to_string(),
    }
}

/// A whole path, escaped for a terminal.
pub(super) fn shown_path(path: &Path) -> String {
    Escaped(&path.to_string_lossy()).to_string()
}
