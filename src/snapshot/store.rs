//! The snapshots of one data directory: their names, and pruning. Files with other names are never touched.

use super::error::SnapshotError;
use super::pending::{PendingSnapshot, TEMP_SUFFIX, create, remove_leftover, sync_directory};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::{fs, io};

const TIME_FORMAT: &str = "%Y%m%d_%H%M%S";

/// Which rows the snapshots of a cycle show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SnapshotRows {
    /// All of them.
    Full,
    /// Those that differ and are due.
    Changed,
}

/// Whether a snapshot describes the state before or after the work of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SnapshotSide {
    /// The files that the sink had confirmed before the run.
    Old,
    /// The same files, overlaid with the known state of the bucket.
    New,
}

impl SnapshotSide {
    fn as_str(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// A file name: `sync_state_new_20261121_135200_r7.csv`, or `sync_changes_…` for a snapshot with only the rows that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotName {
    /// The side.
    pub side: SnapshotSide,
    /// The rows in the snapshot.
    pub rows: SnapshotRows,
    /// The time when the run began, in UTC and to the second; for people.
    pub at: Timestamp,
    /// The number of the run. It orders the snapshots and distinguishes two of the same second.
    pub run: u64,
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}_{}_r{}.csv", prefix(self.rows), self.side.as_str(), self.at.strftime(TIME_FORMAT), self.run)
    }
}

impl SnapshotName {
    /// Parses a name; `None` = this program does not write such a name.
    pub fn parse(name: &str) -> Option<Self> {
        let (rows, rest) =
            [SnapshotRows::Full, SnapshotRows::Changed].into_iter().find_map(|rows| Some((rows, name.strip_prefix(prefix(rows))?)))?;
        let rest = rest.strip_suffix(".csv")?;
        let (side, rest) = rest.split_once('_')?;
        let side = [SnapshotSide::Old, SnapshotSide::New].into_iter().find(|known| known.as_str() == side)?;
        let (time, run) = rest.split_once("_r")?;
        let at = DateTime::strptime(TIME_FORMAT, time).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let parsed = Self { side, rows, at, run: run.parse().ok()? };
        (parsed.to_string() == name).then_some(parsed)
    }
}

fn prefix(rows: SnapshotRows) -> &'static str {
    match rows {
        SnapshotRows::Full => "sync_state_",
        SnapshotRows::Changed => "sync_changes_",
    }
}

/// The snapshots in a data directory. Pruning keeps those of the newest runs.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    directory: PathBuf,
    kept_runs: NonZeroUsize,
}

impl SnapshotStore {
    /// A store in `directory`, which must exist when the first snapshot is written. Pruning keeps `kept_runs` runs.
    pub fn new(directory: impl Into<PathBuf>, kept_runs: NonZeroUsize) -> Self {
        Self { directory: directory.into(), kept_runs }
    }

    /// Creates the directory if it is missing. Its parent must exist.
    pub fn make_directory(&self) -> Result<(), SnapshotError> {
        match fs::create_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other.map_err(SnapshotError::io("make", &self.directory)),
        }
    }

    /// Removes the leftovers of crashed writers, and begins a snapshot. Its file appears when it is committed.
    pub fn create(&self, name: SnapshotName) -> Result<PendingSnapshot, SnapshotError> {
        self.remove_leftovers()?;
        create(&self.directory.join(name.to_string()))
    }

    /// Removes the snapshots of all runs except the newest, and returns the number of removed files. Call it after the snapshots of a run
    /// are committed.
    pub fn prune(&self) -> Result<usize, SnapshotError> {
        let snapshots: Vec<(u64, PathBuf)> = self.files(|name| SnapshotName::parse(name).map(|parsed| parsed.run))?;
        let runs: BTreeSet<u64> = snapshots.iter().map(|(run, _)| *run).collect();
        let Some(oldest_kept) = runs.iter().rev().nth(self.kept_runs.get() - 1).copied() else { return Ok(0) };
        let mut removed = 0;
        for (_, path) in snapshots.iter().filter(|(run, _)| *run < oldest_kept) {
            match fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other.map(|()| removed += 1).map_err(SnapshotError::io("remove", path))?,
            }
        }
        if removed > 0 {
            sync_directory(&self.directory).map_err(SnapshotError::io("sync", &self.directory))?;
        }
        Ok(removed)
    }

    /// Removes one snapshot, if it exists.
    pub fn remove(&self, name: SnapshotName) -> Result<(), SnapshotError> {
        let path = self.directory.join(name.to_string());
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(SnapshotError::io("remove", &path)),
        }
    }

    /// Removes the temporary files of this program that no process has locked.
    fn remove_leftovers(&self) -> Result<(), SnapshotError> {
        let leftovers = self.files(|name| name.strip_prefix('.')?.strip_suffix(TEMP_SUFFIX).and_then(SnapshotName::parse))?;
        for (_, path) in leftovers {
            match remove_leftover(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(SnapshotError::io("remove", &path)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The regular files whose names `parse` accepts.
    fn files<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<(T, PathBuf)>, SnapshotError> {
        let read = |directory: &Path| -> io::Result<Vec<(T, PathBuf)>> {
            let mut found = Vec::new();
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                if let Some(parsed) = entry.file_name().to_str().and_then(&parse)
                    && entry.file_type()?.is_file()
                {
                    found.push((parsed, entry.path()));
                }
            }
            Ok(found)
        };
        read(&self.directory).map_err(SnapshotError::io("read", &self.directory))
    }
}
