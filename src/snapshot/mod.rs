//! The snapshot of a bucket: a CSV file of one row for each key. This module writes, reads and keeps them; `diff` compares two.
//!
//! The format, which other programs read and write as well:
//!
//! - UTF-8, quoted and with lines ended by CRLF as in RFC 4180. A reader also accepts LF, CR and a leading byte order mark.
//! - A header always, then the rows in strictly ascending order of the key's bytes, so that two files can be compared row by row.
//! - The columns of [`COLUMNS`], in that order. A file from elsewhere needs the first six; the others may be missing, and unknown
//!   ones after the sixth are ignored.
//! - Every field is text and is kept verbatim: `008`, `NA`, `null`, `0755`, `=1+1`, spaces, line breaks and NUL come back unchanged.
//!   No type is ever inferred: `size` is a decimal number and `last_modified` an ISO-8601 time because their columns say so.
//! - An empty field means missing. `Some("")` is therefore written as missing: no column has a meaningful empty value.
//!
//! All of it is blocking `std::io`: asynchronous callers use `spawn_blocking`.

mod ahead;
mod columns;
mod error;
mod line;
mod pending;
mod read;
mod names;
mod row;
mod split;
mod store;
mod write;

pub use ahead::PrefetchReader;
pub use error::{Problem, SnapshotError};
pub use line::Line;
pub use names::COLUMNS;
pub use pending::{PendingSnapshot, create};
pub use read::{SnapshotReader, open};
pub use store::{Side, SnapshotName, SnapshotRows, SnapshotStore};
pub use write::SnapshotWriter;

#[cfg(test)]
mod tests;

/// The most bytes of a row's fields together; S3 keys end at 1,024 bytes. It bounds the cost of reading a file with an open quote.
pub const MAX_ROW_BYTES: usize = 1024 * 1024;

/// Bytes held between the rows and the file.
const BUFFER_BYTES: usize = 64 * 1024;
/// Bytes read from a file at a time.
const BLOCK_BYTES: usize = 128 * 1024;
