//! The directory of temporary files of one instance, `.s3-sync/tmp/<instance>/`. The instance holds a lock in it, so that the next one
//! knows which directories are left over.

use super::directory_syncs::DirectorySyncs;
use super::entry::Entry;
use super::error::LocalFsError;
use super::root::{Root, file_system_of};
use std::fs::{File, TryLockError};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use uuid::Uuid;

pub(super) const TEMPORARY: &str = ".s3-sync/tmp";

/// The lock in each instance's directory.
pub(super) const LOCK: &str = "lock";

/// Held while an instance starts, so that no other takes the new directory for a left over one before its lock is held.
const START_LOCK: &str = "start.lock";

/// A directory of temporary files, and its lock.
#[derive(Debug)]
pub(super) struct Instance {
    directory: OwnedFd,
    path: PathBuf,
    entry: Entry,
    lock_entry: Entry,
    _lock: File,
}

/// Held while an instance starts.
#[derive(Debug)]
pub(super) struct StartLock(#[expect(dead_code, reason = "the lock ends when the file is closed")] File);

impl Instance {
    /// Creates the directory of a new instance. No other instance starts while the returned lock is held.
    pub(super) fn start(root: &Root) -> Result<(Self, StartLock), LocalFsError> {
        let mut syncs = DirectorySyncs::default();
        let start_lock = root.entry_in_new_directory(&Path::new(TEMPORARY).join(START_LOCK), &mut syncs)?;
        let start_file = start_lock.open_or_create()?;
        start_file.lock().map_err(|error| LocalFsError::io("lock", start_lock.path(), error))?;

        let path = Path::new(TEMPORARY).join(new_id());
        let lock_entry = root.entry_in_new_directory(&path.join(LOCK), &mut syncs)?;
        let lock = lock_entry.create()?;
        lock.try_lock().map_err(|error| LocalFsError::io("lock", lock_entry.path(), error))?;
        let Some(entry) = root.existing(&path)? else { return Err(LocalFsError::KeepsChanging { path }) };
        root.sync(syncs)?;
        let directory = root.directory(&path)?;
        Ok((Self { directory, path, entry, lock_entry, _lock: lock }, StartLock(start_file)))
    }

    /// The path of its directory below the root.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A name in its directory.
    pub(super) fn temporary(&self, root: &Root, name: &str) -> Result<Entry, LocalFsError> {
        let directory = self.directory.try_clone().map_err(|error| LocalFsError::io("open", &self.path, error))?;
        Ok(root.entry(directory, &self.path.join(name)))
    }

    /// True if a file of this directory can be renamed to that one.
    pub(super) fn shares_file_system_with(&self, root: &Root, directory: &OwnedFd) -> Result<bool, LocalFsError> {
        Ok(root.abilities.one_file_system && file_system_of(&self.directory)? == file_system_of(directory)?)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // What remains, partial downloads among it, is for the next start.
        let _ = self.lock_entry.unlink();
        let _ = self.entry.remove_directory();
    }
}

/// The name of an instance or of a temporary file.
pub(super) fn new_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// True for what [`new_id`] returns.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Locks a directory of another instance; `None` = that instance is alive, or removed its directory right now.
pub(super) fn lock_left_over(lock: &Entry) -> Result<Option<File>, LocalFsError> {
    let file = match lock.open_or_create() {
        Err(error) if error.is_missing() => return Ok(None),
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(LocalFsError::io("lock", lock.path(), error)),
    }
}
