//! The options of a run, apart from its endpoints: its bounds, its guard, what it keeps.

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
    /// The prefix: only keys that begin with it are synced.
    pub prefix: String,
    /// Keys in one listing page.
    pub page_keys: u16,
    /// Operations at a time.
    pub concurrency: usize,
    /// Attempts and waits of one call.
    pub retry: RetryPolicy,
    /// True if checksums are compared; lengths always are.
    pub verify: bool,
    /// The guard over deletes.
    pub max_delete: MaxDelete,
    /// The number of deletes that the operator allows for this run alone.
    pub allow_deletes: Option<u64>,
    /// Where the snapshots go; a sink other than the file manager has a subdirectory of its name.
    pub snapshot_directory: PathBuf,
    /// The number of runs whose snapshots are kept.
    pub kept_snapshots: NonZeroUsize,
    /// The rows that a cycle's snapshots show.
    pub snapshot_rows: SnapshotRows,
    /// The number of events that may wait before the run stops reading a feed.
    pub inbox_max: u64,
    /// The time that operations in flight may take once the run stops.
    pub grace: Duration,
}

impl Options {
    /// A text of the options that can make an impossible operation possible. It is equal as long as none of them changes.
    pub(super) fn that_operations_depend_on(&self, policy: Policy) -> String {
        let Self { retry, verify, .. } = self;
        format!("max_file_bytes={:?} attempts={} verify={verify}", policy.max_file_bytes, retry.attempts)
    }
}
