//! Snapshots: CSV files with one row per key. This module writes, reads and prunes them; `diff` compares two.
//!
//! The format, which other programs may also read and write:
//!
//! - UTF-8, quoted and with lines ended by CRLF as in RFC 4180. A reader also accepts LF, CR and a leading byte order mark.
//! - A header, then the rows in strictly ascending order of the key's bytes, so that two files can be compared row by row.
//! - The columns of [`COLUMNS`], in that order. A file of another program needs the first six. The others may be missing, and unknown
//!   columns after the sixth are ignored.
//! - Every field is text and is kept verbatim: `008`, `NA`, `null`, `0755`, `=1+1`, spaces, line breaks and NUL are read as they were
//!   written. Types are never inferred from values: only `size` is a decimal number, and only `last_modified` an ISO-8601 time.
//! - An empty field means missing, so `Some("")` is written as missing. No column has a meaningful empty value.
//!
//! All I/O blocks; asynchronous callers use `spawn_blocking`.

mod prefetch;
mod header;
mod error;
mod line;
mod pending;
mod read;
mod columns;
mod row;
mod split;
mod store;
mod write;

pub use columns::COLUMNS;
pub use error::{SnapshotError, SnapshotProblem};
pub use line::Line;
pub use pending::{PendingSnapshot, create};
pub use prefetch::PrefetchReader;
pub use read::{SnapshotReader, open};
pub use store::{SnapshotName, SnapshotRows, SnapshotSide, SnapshotStore};
pub use write::SnapshotWriter;

#[cfg(test)]
mod tests;

/// The maximum size of all fields of a row; S3 keys have at most 1,024 bytes. It limits the cost of reading a file with an unclosed quote.
pub const MAX_ROW_BYTES: usize = 1024 * 1024;

/// The size of the write buffer.
const BUFFER_BYTES: usize = 64 * 1024;
/// The number of bytes in one read.
const BLOCK_BYTES: usize = 128 * 1024;
