//! The two sides of a run as CSV files: old = what was applied, new = that overlaid with what is known.

use super::Options;
use crate::apply::ApplyError;
use crate::config::SnapshotRows;
use crate::record::FileRecord;
use crate::snapshot::{self, SnapshotError, SnapshotName, SnapshotStore, SnapshotWriter};
use crate::state::{Side, State, StateError};
use jiff::Timestamp;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// A snapshot could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The file could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// Writes one side as CSV to `out`; `name` stands for it in errors. Returns how many rows. Blocks.
pub fn export(database: &Path, side: Side, out: impl Write, name: &str) -> Result<u64, ExportError> {
    let mut writer = SnapshotWriter::new(out, name)?;
    let mut rows = 0;
    State::visit_rows(database, side, |file: FileRecord| -> Result<(), ExportError> {
        rows += 1;
        Ok(writer.push(&file)?)
    })?;
    writer.finish()?;
    Ok(rows)
}

/// Both sides of a cycle, once everything is known and nothing is applied: its work is their difference.
pub(super) async fn write_both(state: &State, options: &Options, run: (u64, Timestamp)) -> Result<(), ApplyError> {
    for (name, side) in [(snapshot::Side::Old, Side::Applied), (snapshot::Side::New, Side::Known)] {
        write(state, (options.kept_snapshots, options.snapshot_rows), (name, side), run).await?;
    }
    Ok(())
}

/// What was applied before the run.
pub(super) async fn write_old(state: &State, kept: NonZeroUsize, run: (u64, Timestamp)) -> Result<PathBuf, ApplyError> {
    write(state, (kept, SnapshotRows::Full), (snapshot::Side::Old, Side::Applied), run).await
}

/// The same overlaid with what is known after it; the snapshots of runs long past go.
pub(super) async fn write_new(state: &State, kept: NonZeroUsize, run: (u64, Timestamp)) -> Result<PathBuf, ApplyError> {
    write(state, (kept, SnapshotRows::Full), (snapshot::Side::New, Side::Known), run).await
}

async fn write(
    state: &State,
    (kept, rows): (NonZeroUsize, SnapshotRows),
    (name, side): (snapshot::Side, Side),
    (run, at): (u64, Timestamp),
) -> Result<PathBuf, ApplyError> {
    let database = state.path().to_owned();
    let written = tokio::task::spawn_blocking(move || -> Result<PathBuf, ExportError> {
        let directory = database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let store = SnapshotStore::new(directory, kept);
        let mut pending = store.create(SnapshotName { side: name, at, run, rows })?;
        let push = |file: FileRecord| -> Result<(), ExportError> { Ok(pending.push(&file)?) };
        match rows {
            SnapshotRows::Full => State::visit_rows(&database, side, push)?,
            SnapshotRows::Changed => State::visit_pending_rows(&database, side, push)?,
        }
        let path = pending.commit()?;
        store.prune()?;
        Ok(path)
    });
    match written.await {
        Ok(Ok(path)) => Ok(path),
        Ok(Err(ExportError::State(error))) => Err(error.into()),
        Ok(Err(ExportError::Snapshot(error))) => Err(ApplyError::Snapshot(error)),
        Err(_) => Err(StateError::Gone.into()),
    }
}
