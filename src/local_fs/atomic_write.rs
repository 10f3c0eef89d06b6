//! Writes files whole or not at all: into a temporary file, which is synced and then takes its place by one rename.

use super::directory_syncs::DirectorySyncs;
use super::error::LocalFsError;
use super::instance::{Instance, is_id};
use super::key_path::path_of;
use super::left_over::{Cleaner, LeftOver, read_note};
use super::root::Root;
use super::temp_file::{BESIDE_TARGET, NOTE, TempEntry, TempFile};
use crate::record::ObjectKey;
use std::sync::{Arc, RwLock};

/// Writes files below one root. Any number of threads may use it, for different keys at a time.
///
/// Several writers may share a root, in one process or in many.
#[derive(Debug)]
pub struct AtomicWriter {
    pub(super) root: Root,
    pub(super) instance: Arc<Instance>,
    /// Written while a file makes way for a directory, so that no other thread of ours replaces that file meanwhile.
    pub(super) ways: RwLock<()>,
}

impl AtomicWriter {
    /// Starts to write below a root, and removes what instances left that died. The names of unfinished files for which `is_wanted` is true
    /// are left to be resumed.
    pub fn start(root: Root, is_wanted: &dyn Fn(&str) -> bool) -> Result<(Self, LeftOver), LocalFsError> {
        let (instance, _start_lock) = Instance::start(&root)?;
        let left_over = Cleaner::new(&root, &instance, is_wanted).clean()?;
        Ok((Self { root, instance: Arc::new(instance), ways: RwLock::new(()) }, left_over))
    }

    /// The root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Creates a temporary file for the content of this key, on the file system of its path.
    pub fn create(&self, key: &ObjectKey) -> Result<TempFile, LocalFsError> {
        TempFile::create(TempEntry::new(&self.root, &self.instance, &path_of(key))?)
    }

    /// Opens an unfinished file by the name that [`TempFile::leave`] returned; `None` = it is gone.
    pub fn resume(&self, name: &str) -> Result<Option<TempFile>, LocalFsError> {
        if !is_id(name) {
            return Ok(None);
        }
        let entry = self.instance.temporary(&self.root, name)?;
        if entry.stat()?.is_some() {
            return TempFile::resume(TempEntry::existing(entry, None, name, &self.instance)).map(Some);
        }
        let note = self.instance.temporary(&self.root, &format!("{name}{NOTE}"))?;
        if note.stat()?.is_none() {
            return Ok(None);
        }
        let beside_target = read_note(&note)?.join(format!("{BESIDE_TARGET}{name}"));
        match self.root.existing(&beside_target)? {
            Some(entry) if entry.stat()?.is_some() => {
                TempFile::resume(TempEntry::existing(entry, Some(note), name, &self.instance)).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Writes the changes of all these directories to the disk. A group of files shares this: all are placed, then their directories are
    /// synced, then their rows are committed.
    pub fn sync(&self, syncs: DirectorySyncs) -> Result<(), LocalFsError> {
        self.root.sync(syncs)
    }
}

#[cfg(test)]
mod tests;
