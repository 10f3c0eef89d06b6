//! A snapshot file that is created atomically: temporary file, fsync, rename, fsync of the directory.

use super::error::{SnapshotError, shown_path};
use super::write::SnapshotWriter;
use crate::record::FileRow;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The suffix of a temporary file. Its name is a dot, the name of the snapshot, and this suffix.
pub(super) const TEMP_SUFFIX: &str = ".s3-sync-partial";

/// A snapshot that is being written. Dropping it without [`PendingSnapshot::commit`] removes its file.
pub struct PendingSnapshot {
    // Fields are dropped in this order: the file is closed, then removed.
    writer: SnapshotWriter<File>,
    temp: TempFile,
    path: PathBuf,
}

/// Begins a snapshot that will replace the file at `path`. Only its owner can read it (0600).
pub fn create(path: &Path) -> Result<PendingSnapshot, SnapshotError> {
    let temp = temp_path(path).map_err(SnapshotError::io("create", path))?;
    let file = create_locked(&temp).map_err(SnapshotError::io("create", &temp))?;
    let temp = TempFile(Some(temp));
    let writer = SnapshotWriter::named(file, shown_path(path));
    Ok(PendingSnapshot { writer, temp, path: path.to_owned() })
}

impl PendingSnapshot {
    /// Adds a row. Its key must be greater than that of the previous row.
    pub fn push<'r>(&mut self, row: impl Into<FileRow<'r>>) -> Result<(), SnapshotError> {
        self.writer.push(row)
    }

    /// Moves the snapshot durably to its path, and returns the path.
    pub fn commit(self) -> Result<PathBuf, SnapshotError> {
        let Self { writer, temp, path } = self;
        writer.finish()?.sync_all().map_err(SnapshotError::io("sync", &path))?;
        temp.rename(&path).map_err(SnapshotError::io("rename to", &path))?;
        sync_directory(directory_of(&path)).map_err(SnapshotError::io("sync the directory of", &path))?;
        Ok(path)
    }
}

/// The temporary file. It is removed on drop, unless it was renamed.
struct TempFile(Option<PathBuf>);

impl TempFile {
    fn rename(mut self, to: &Path) -> io::Result<()> {
        let from = self.0.as_ref().expect("invariant: it is renamed once");
        fs::rename(from, to)?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // The caller already returns another error. The next snapshot removes a file that cannot be removed now.
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes a temporary file that a crash left. Returns false if a process holds its lock, so is still writing it, or if it is no file.
///
/// On a file system without locks, a leftover cannot be distinguished from a file in use, and nothing is removed.
pub(super) fn remove_leftover(temp: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(temp)?.is_file() {
        return Ok(false);
    }
    let file = OpenOptions::new().write(true).open(temp)?;
    match file.try_lock() {
        Ok(()) => fs::remove_file(temp).map(|()| true),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Ok(false),
    }
}

/// Makes a rename or a removal in `directory` durable. Directories can be synced on unix only.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

fn create_locked(temp: &Path) -> io::Result<File> {
    let file = match create_private(temp) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            remove_leftover(temp)?;
            create_private(temp)?
        }
        other => other?,
    };
    match file.try_lock() {
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "another process is at it")),
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn temp_path(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut temp = OsString::from(".");
    temp.push(name);
    temp.push(TEMP_SUFFIX);
    Ok(path.with_file_name(temp))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
