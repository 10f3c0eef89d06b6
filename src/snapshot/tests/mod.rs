//! Tests of the snapshot's parts together, one file for each property: round trip, refusals, files kept.

mod keeping;
mod refusing;
mod round_trip;
mod splitting;

use super::*;
use crate::record::{ETag, FileRecord, ObjectKey, Permissions};
use std::collections::BTreeMap;

/// A row with only a key.
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

/// Each record under its key.
fn named(rows: BTreeMap<String, FileRecord>) -> Vec<FileRecord> {
    rows.into_iter().map(|(key, record)| FileRecord { file_path: ObjectKey::new(key).expect("not empty"), ..record }).collect()
}

fn etag(tag: &str) -> Option<ETag> {
    ETag::parse(&format!("\"{tag}\""))
}
