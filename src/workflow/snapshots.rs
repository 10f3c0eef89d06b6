//! The two sides of a run as CSV files: old = what was applied before it, new = that overlaid with what is known after it.

use crate::apply::ApplyError;
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

/// What was applied before the run.
pub(super) async fn write_old(state: &State, kept: NonZeroUsize, run: (u64, Timestamp)) -> Result<PathBuf, ApplyError> {
    write(state, kept, (snapshot::Side::Old, Side::Applied), run).await
}

/// The same overlaid with what is known after it; the snapshots of runs long past go.
pub(super) async fn write_new(state: &State, kept: NonZeroUsize, run: (u64, Timestamp)) -> Result<PathBuf, ApplyError> {
    write(state, kept, (snapshot::Side::New, Side::Known), run).await
}

async fn write(
    state: &State,
    kept: NonZeroUsize,
    (name, side): (snapshot::Side, Side),
    (run, at): (u64, Timestamp),
) -> Result<PathBuf, ApplyError> {
    let database = state.path().to_owned();
    let written = tokio::task::spawn_blocking(move || -> Result<PathBuf, ExportError> {
        let directory = database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let store = SnapshotStore::new(directory, kept);
        let mut pending = store.create(SnapshotName { side: name, at, run })?;
        State::visit_rows(&database, side, |file: FileRecord| -> Result<(), ExportError> { Ok(pending.push(&file)?) })?;
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
