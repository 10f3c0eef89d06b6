//! What a run is asked to do, apart from where: its bounds, its guard, what it keeps.

use crate::config::{MaxDelete, SnapshotRows};
use crate::plan::Policy;
use crate::retry::RetryPolicy;
use std::num::NonZeroUsize;
use std::time::Duration;

/// What a run is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The bucket's name, for the report.
    pub bucket: String,
    /// Only keys that begin with this.
    pub prefix: String,
    /// Keys in one listing page.
    pub page_keys: u16,
    /// Operations at a time.
    pub concurrency: usize,
    /// Attempts and waits of one call.
    pub retry: RetryPolicy,
    /// Whether checksums are compared; lengths always are.
    pub verify: bool,
    /// The guard over deletes.
    pub max_delete: MaxDelete,
    /// What the operator allows for this run alone.
    pub allow_deletes: Option<u64>,
    /// Runs whose snapshots are kept.
    pub kept_snapshots: NonZeroUsize,
    /// Which rows a cycle's snapshots show.
    pub snapshot_rows: SnapshotRows,
    /// Events that may wait before no more are read from a feed.
    pub inbox_max: u64,
    /// How long what is in hand may take once the run stops.
    pub grace: Duration,
}

impl Options {
    /// What may make an operation possible that was not: in words that are equal while nothing of it changes.
    pub(super) fn that_operations_depend_on(&self, policy: Policy) -> String {
        let Self { retry, verify, .. } = self;
        format!("max_file_bytes={:?} attempts={} verify={verify}", policy.max_file_bytes, retry.attempts)
    }
}
