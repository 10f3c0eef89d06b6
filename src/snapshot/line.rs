//! A row as bytes of its file. It is checked when it is read, and converted into a record only if a caller needs one. Most rows of two
//! snapshots are equal and dropped after the comparison, so rows share blocks and are not allocated one by one.

use super::row::{Places, WireRow};
use crate::record::FileRecord;
use std::sync::Arc;

/// Consecutive rows of a file, with their bytes.
#[derive(Default)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) rows: Vec<Places>,
}

/// One row.
pub struct Line {
    block: Arc<Block>,
    row: usize,
}

impl Line {
    /// The bytes of the key.
    pub fn key(&self) -> &[u8] {
        self.wire().key()
    }

    /// The texts of size and `ETag`; empty = missing.
    pub fn content(&self) -> [&[u8]; 2] {
        let wire = self.wire();
        let [_, _, size, _, _, _, etag, ..] = wire.places;
        [size, etag].map(|place| wire.field(place))
    }

    /// The texts of permissions, owner and group; empty = missing.
    pub fn permissions(&self) -> [&[u8]; 3] {
        let wire = self.wire();
        let [_, permissions, _, _, _, _, _, _, _, owner, group] = wire.places;
        [permissions, owner, group].map(|place| wire.field(place))
    }

    /// The row as a record.
    ///
    /// # Panics
    ///
    /// Never: every row is checked when it is read.
    pub fn into_record(self) -> FileRecord {
        FileRecord::try_from(self.wire()).expect("invariant: it was found readable when it was read")
    }

    fn wire(&self) -> WireRow<'_> {
        WireRow { bytes: &self.block.bytes, places: &self.block.rows[self.row] }
    }
}

/// An iterator over the rows of a block.
#[derive(Default)]
pub(super) struct BlockLines {
    block: Arc<Block>,
    next: usize,
}

impl From<Block> for BlockLines {
    fn from(block: Block) -> Self {
        Self { block: Arc::new(block), next: 0 }
    }
}

impl Iterator for BlockLines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let row = self.next;
        self.next += 1;
        (row < self.block.rows.len()).then(|| Line { block: self.block.clone(), row })
    }
}
