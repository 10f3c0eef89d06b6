//! The options of a run: limits, retries, the delete guard, snapshots.

use crate::plan::{MaxDelete, Policy};
use crate::retry::RetryPolicy;
use crate::snapshot::SnapshotRows;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The bucket's name, for the report.
    pub bucket: String,
    /// Only keys that begin with this prefix are synced.
    pub prefix: String,
    /// The number of keys in one page of a listing.
    pub page_keys: u16,
    /// The maximum number of concurrent operations per sink.
    pub concurrency: usize,
    /// The retry policy of one call.
    pub retry: RetryPolicy,
    /// True if the engine compares checksums. It always compares lengths.
    pub verify: bool,
    /// The limit of the delete guard.
    pub max_delete: MaxDelete,
    /// The number of deletes that the operator allows in this run (`--allow-deletes`).
    pub allow_deletes: Option<u64>,
    /// The directory of the snapshots. A sink other than the file manager has a subdirectory with its name.
    pub snapshot_directory: PathBuf,
    /// The number of runs whose snapshots are kept.
    pub kept_snapshots: NonZeroUsize,
    /// The rows in the snapshots of an incremental sync.
    pub snapshot_rows: SnapshotRows,
    /// The number of events in the inbox from which on no events are received.
    pub inbox_max: u64,
    /// The time that operations in flight have to end after the run was stopped.
    pub grace: Duration,
}

impl Options {
    /// A text of the settings on which the success of an operation depends. If it differs from the stored one, parked and skipped paths are
    /// tried again.
    pub(super) fn relevant_settings(&self, policy: Policy) -> String {
        let Self { retry, verify, .. } = self;
        format!("max_file_bytes={:?} attempts={} verify={verify}", policy.max_file_bytes, retry.attempts)
    }
}
