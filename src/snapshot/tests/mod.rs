//! What the snapshot's parts promise together. A file of tests for each promise: what comes back, what is refused, what is kept.

mod keeping;
mod refusing;
mod round_trip;

use super::*;
use crate::record::{ETag, FileRecord, ObjectKey, Permissions};

/// A row with a key and nothing else.
fn bare(key: &str) -> FileRecord {
    FileRecord::at(ObjectKey::new(key).expect("a key"))
}

fn written(records: &[FileRecord]) -> Result<Vec<u8>, SnapshotError> {
    let mut writer = SnapshotWriter::new(Vec::new(), "test.csv");
    records.iter().try_for_each(|record| writer.push(record))?;
    writer.finish()
}

fn read(bytes: &[u8]) -> Result<Vec<FileRecord>, SnapshotError> {
    SnapshotReader::new(bytes, "test.csv")?.collect()
}

fn etag(tag: &str) -> Option<ETag> {
    ETag::parse(&format!("\"{tag}\""))
}
