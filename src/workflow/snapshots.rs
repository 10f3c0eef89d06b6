//! The two snapshots of a run as CSV files. Old: the applied rows. New: the applied rows overlaid with the known state.

use super::options::Options;
use crate::apply::ApplyError;
use crate::record::{FileRow, SinkName};
use crate::snapshot::{self, PendingSnapshot, SnapshotError, SnapshotName, SnapshotRows, SnapshotStore, SnapshotWriter};
use crate::state::{SinkSide, SinkState, StateError, Views};
use jiff::Timestamp;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

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

/// Writes one side of a sink as CSV to `out`. Errors name the output as `name`. Returns the number of rows. Blocks.
pub fn export(views: &Views, (sink, side): (&SinkName, SinkSide), out: impl Write, name: &str) -> Result<u64, ExportError> {
    let mut writer = SnapshotWriter::new(out, name);
    let mut rows = 0;
    views.snapshot_rows((sink, side), |file: FileRow<'_>| -> Result<(), ExportError> {
        rows += 1;
        Ok(writer.push(file)?)
    })?;
    writer.finish()?;
    Ok(rows)
}

/// Writes both snapshots of an incremental sync, concurrently. The caller calls it after the replay and before the first effect, so the
/// difference of the snapshots is the work of the run.
pub(super) async fn write_both(state: &SinkState, options: &Options, run: (u64, Timestamp)) -> Result<(), ApplyError> {
    write(state, (options, options.snapshot_rows), vec![OLD, NEW], run).await
}

/// Writes the old snapshot: the rows that were applied before the run.
pub(super) async fn write_old(state: &SinkState, options: &Options, run: (u64, Timestamp)) -> Result<(), ApplyError> {
    write(state, (options, SnapshotRows::Full), vec![OLD], run).await
}

/// Removes the old snapshot of a run that changed nothing.
pub(super) async fn remove_old(state: &SinkState, options: &Options, (run, at): (u64, Timestamp)) -> Result<(), ApplyError> {
    let name = SnapshotName { side: OLD.0, at, run, rows: SnapshotRows::Full };
    let store = snapshot_store(state, options);
    run_blocking(move || Ok(store.remove(name)?)).await
}

/// Writes the new snapshot, with the state known after the run, and removes the snapshots of old runs.
pub(super) async fn write_new(state: &SinkState, options: &Options, run: (u64, Timestamp)) -> Result<(), ApplyError> {
    write(state, (options, SnapshotRows::Full), vec![NEW], run).await
}

const OLD: (snapshot::SnapshotSide, SinkSide) = (snapshot::SnapshotSide::Old, SinkSide::Applied);
const NEW: (snapshot::SnapshotSide, SinkSide) = (snapshot::SnapshotSide::New, SinkSide::Known);

async fn write(
    state: &SinkState,
    (options, rows): (&Options, SnapshotRows),
    sides: Vec<(snapshot::SnapshotSide, SinkSide)>,
    (run, at): (u64, Timestamp),
) -> Result<(), ApplyError> {
    let (views, name) = (state.views(), state.name().clone());
    let store = snapshot_store(state, options);
    run_blocking(move || {
        // A new sink has no directory yet.
        store.make_directory()?;
        // Only a run that completes a pair removes older snapshots.
        let whole = sides.contains(&NEW);
        // Create all files before writing to one: creating a snapshot removes the temporary files that no process holds.
        let mut created = Vec::new();
        for (name, side) in sides {
            created.push((side, store.create(SnapshotName { side: name, at, run, rows })?));
        }
        thread::scope(|scope| {
            let (views, sink) = (&views, &name);
            let writers: Vec<_> =
                created.into_iter().map(|(side, pending)| scope.spawn(move || write_rows(views, (sink, side, rows), pending))).collect();
            writers.into_iter().try_for_each(|writer| writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        if whole {
            store.prune()?;
        }
        Ok(())
    })
    .await
}

/// Removes the snapshots of old runs of each of these sinks, and returns the number of removed files. Blocks. If it fails for a sink, it
/// returns the first error after it has done the others.
pub fn prune_snapshots<'n>(
    directory: &Path,
    kept_runs: NonZeroUsize,
    sinks: impl IntoIterator<Item = &'n SinkName>,
) -> Result<usize, SnapshotError> {
    // A sink without any snapshot has no directory.
    let directories = sinks.into_iter().map(|sink| directory_of(sink, directory)).filter(|directory| directory.exists());
    let pruned: Vec<_> = directories.map(|directory| SnapshotStore::new(directory, kept_runs).prune()).collect();
    pruned.into_iter().sum()
}

fn snapshot_store(sink: &SinkState, options: &Options) -> SnapshotStore {
    SnapshotStore::new(directory_of(sink.name(), &options.snapshot_directory), options.kept_snapshots)
}

/// The directory of a sink's snapshots. Those of the file manager have always been in the data directory itself.
fn directory_of(sink: &SinkName, directory: &Path) -> PathBuf {
    if *sink == SinkName::file_manager() { directory.to_owned() } else { directory.join(sink.as_str()) }
}

async fn run_blocking(work: impl FnOnce() -> Result<(), ExportError> + Send + 'static) -> Result<(), ApplyError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(ExportError::State(error))) => Err(error.into()),
        Ok(Err(ExportError::Snapshot(error))) => Err(ApplyError::Snapshot(error)),
        Err(_) => Err(StateError::Gone.into()),
    }
}

fn write_rows(
    views: &Views,
    (sink, side, rows): (&SinkName, SinkSide, SnapshotRows),
    mut pending: PendingSnapshot,
) -> Result<(), ExportError> {
    let push = |file: FileRow<'_>| -> Result<(), ExportError> { Ok(pending.push(file)?) };
    match rows {
        SnapshotRows::Full => views.snapshot_rows((sink, side), push)?,
        SnapshotRows::Changed => views.due_snapshot_rows((sink, side), push)?,
    }
    pending.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Hourly retention pruned the file manager's snapshots only: those of another sink stayed until a run of its own wrote the next pair.
    #[test]
    fn retention_prunes_the_snapshots_of_each_sink_and_nothing_else() {
        let root = tempfile::tempdir().expect("a directory");
        let names: Vec<SinkName> = ["file_manager", "mirror", "new"].map(|name| name.parse().expect("a name")).into();
        fs::create_dir(root.path().join("mirror")).expect("a directory");
        fs::create_dir(root.path().join("other")).expect("a directory");
        for directory in ["", "mirror", "other"] {
            for name in
                ["sync_state_old_20261121_135200_r1.csv", "sync_state_new_20261121_135200_r1.csv", "sync_state_old_20261121_135201_r2.csv"]
            {
                fs::write(root.path().join(directory).join(name), "").expect("a file");
            }
        }
        let left = |directory: &str| {
            let files = fs::read_dir(root.path().join(directory)).expect("a directory").map(|entry| entry.expect("an entry"));
            files.filter(|entry| entry.file_type().expect("a type").is_file()).count()
        };
        assert_eq!(prune_snapshots(root.path(), NonZeroUsize::MIN, &names).expect("pruned"), 4);
        assert_eq!(["", "mirror", "other"].map(left), [1, 1, 3], "a directory of no sink is left alone");
    }
}
