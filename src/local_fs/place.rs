//! A key's file at its place: placed, replaced, deleted, looked at. What other programs put there is never lost.

use super::atomic_write::AtomicWriter;
use super::directory_syncs::DirectorySyncs;
use super::entry::{Entry, Rename};
use super::error::LocalFsError;
use super::exchange::Exchange;
use super::folded_name::is_another_name;
use super::identity::{FileHandle, FileIdentity, FileKind, StandsAt, identity_of, kind_of};
use super::kept::keep;
use super::key_path::{KeyOfPath, escaped_path_of, key_of};
use super::temp_file::{CompleteFile, TempEntry};
use crate::record::ObjectKey;
use rustix::fs::Stat;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// Attempts, each of which fails only if another program changes the path at that moment.
const MAX_ATTEMPTS: u32 = 64;

/// Where a file stands now, and what made way for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What the caller stores, and passes to the next call for this key.
    pub handle: FileHandle,
    /// The path below the root.
    pub path: PathBuf,
    /// Where files are kept that the caller did not expect.
    pub kept: Vec<PathBuf>,
}

/// What a delete found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The path at which a file stood, for [`super::Root::remove_empty_parents`]; `None` = there was none.
    pub path: Option<PathBuf>,
    /// Where the file is kept, if it is not the one that the caller expected.
    pub kept: Option<PathBuf>,
}

impl AtomicWriter {
    /// The file of a key. If it still is the file that the handle describes, the result equals the handle. `None` = no file. Without a
    /// handle, the file at the key's own path, else at its escaped path.
    pub fn inspect(&self, key: &ObjectKey, handle: Option<&FileHandle>) -> Result<Option<FileHandle>, LocalFsError> {
        let recorded = handle.map_or(StandsAt::OwnPath, |handle| handle.at);
        let other = if recorded == StandsAt::OwnPath { StandsAt::EscapedPath } else { StandsAt::OwnPath };
        let is_expected = |file: &FileHandle| handle.is_some_and(|handle| handle.identity == file.identity);
        let at_recorded = self.file_at(key, recorded, handle)?;
        if at_recorded.as_ref().is_some_and(is_expected) {
            return Ok(at_recorded);
        }
        // It may have made way for a directory since, or the directory went.
        let at_other = self.file_at(key, other, handle)?.filter(|file| is_expected(file) || handle.is_none());
        Ok(if at_other.as_ref().is_some_and(is_expected) { at_other } else { at_recorded.or(at_other) })
    }

    /// What stands at one of the key's paths, if it is neither a directory nor the file of another key.
    fn file_at(&self, key: &ObjectKey, at: StandsAt, handle: Option<&FileHandle>) -> Result<Option<FileHandle>, LocalFsError> {
        let Some(entry) = self.root.existing(&at.path(key))? else { return Ok(None) };
        let Some(stat) = entry.stat()? else { return Ok(None) };
        let expected = handle.map(|handle| handle.identity);
        let is_of_this_key = !belongs_to_another_path(&entry, &stat, expected.as_ref())?;
        Ok(is_of_this_key.then_some(FileHandle { identity: identity_of(&stat), at }))
    }

    /// Puts a file at its key's place, and what stood there out of it.
    ///
    /// `expected` is the handle of the file that the caller last placed there; `None` = the caller knows of none. Another file, or one that
    /// changed since, is kept, unless it has the same content. The file takes the escaped path where a directory, or on a file system that
    /// folds case a file with another name, has its own path. A file that stands where a directory of the path must be moves to its escaped
    /// path. After an error the file may be at its place all the same; placing it again is safe.
    pub fn place(
        &self,
        mut file: CompleteFile,
        key: &ObjectKey,
        expected: Option<&FileHandle>,
        syncs: &mut DirectorySyncs,
    ) -> Result<Placed, LocalFsError> {
        let mut kept = Vec::new();
        let found = expected.map(|handle| self.inspect(key, Some(handle))).transpose()?.flatten();
        let mut at = found.map_or(StandsAt::OwnPath, |found| found.at);
        let expected = expected.map(|handle| handle.identity);
        for _ in 0..MAX_ATTEMPTS {
            let path = at.path(key);
            let Some(target) = self.target(&path, syncs, &mut kept)? else { continue };
            let _ways = self.ways.read().unwrap_or_else(PoisonError::into_inner);
            let is_placed = match target.stat()? {
                None => file.temp.entry.rename_to_new(&target)?,
                Some(stat) if belongs_to_another_path(&target, &stat, expected.as_ref())? => {
                    if at == StandsAt::EscapedPath || escaped_path_of(key) == path {
                        return Err(LocalFsError::InTheWay { path, found: kind_of(&stat), wanted: FileKind::File });
                    }
                    at = StandsAt::EscapedPath;
                    continue;
                }
                Some(stat) => {
                    let exchange = Exchange { root: &self.root, target: &target, expected, syncs, kept: &mut kept };
                    exchange.put(&mut file, &stat)?
                }
            };
            match is_placed {
                Rename::Done => {
                    syncs.add_parent_of(&path);
                    file.temp.done()?;
                    return Ok(Placed { handle: FileHandle { identity: file.identity, at }, path, kept });
                }
                Rename::OtherFileSystem => {
                    return Err(LocalFsError::io("rename", &path, std::io::Error::from(std::io::ErrorKind::CrossesDevices)));
                }
                Rename::Taken | Rename::Missing | Rename::Unsupported => {}
            }
        }
        Err(LocalFsError::KeepsChanging { path: at.path(key) })
    }

    /// Deletes the file of a key. One that is not `expected` is kept.
    pub fn delete(&self, key: &ObjectKey, expected: Option<&FileHandle>, syncs: &mut DirectorySyncs) -> Result<Removed, LocalFsError> {
        for _ in 0..MAX_ATTEMPTS {
            let Some(found) = self.inspect(key, expected)? else { return Ok(Removed { path: None, kept: None }) };
            let path = found.at.path(key);
            let expected = expected.map(|handle| handle.identity);
            let _ways = self.ways.read().unwrap_or_else(PoisonError::into_inner);
            let Some(target) = self.root.existing(&path)? else { continue };
            let mut temp = TempEntry::new(&self.root, &self.instance, &path)?;
            temp.entry = temp.name_for_exchange(0, expected.as_ref())?;
            // From here on, an error leaves what came out for the next start, which keeps it.
            temp.disarm();
            if target.rename_to_new(&temp.entry)? != Rename::Done {
                temp.arm();
                continue;
            }
            syncs.add_parent_of(&path);
            let mut kept = Vec::new();
            let exchange = Exchange { root: &self.root, target: &target, expected, syncs, kept: &mut kept };
            match temp.entry.stat()? {
                Some(stat) if kind_of(&stat) == FileKind::Directory => exchange.put_back(&temp.entry)?,
                Some(stat) => {
                    exchange.remove_or_keep(&temp.entry, &stat, None)?;
                    temp.done()?;
                    return Ok(Removed { path: Some(path), kept: kept.pop() });
                }
                None => {}
            }
            temp.done()?;
        }
        Err(LocalFsError::KeepsChanging { path: StandsAt::OwnPath.path(key) })
    }

    /// Creates a directory and those above it: that of a directory marker, for example. A file in its place moves to its escaped path.
    /// Returns where files are kept that could not move there.
    pub fn make_directory(&self, path: &Path, syncs: &mut DirectorySyncs) -> Result<Vec<PathBuf>, LocalFsError> {
        let mut kept = Vec::new();
        for _ in 0..MAX_ATTEMPTS {
            match self.root.make_directories(path, syncs) {
                Err(LocalFsError::InTheWay { path, found: FileKind::File, .. }) => self.clear_the_way(&path, syncs, &mut kept)?,
                made => return made.map(|()| kept),
            }
        }
        Err(LocalFsError::KeepsChanging { path: path.to_owned() })
    }

    /// The entry of a path, in a directory that exists. `None` = another program changes the directories right now.
    fn target(&self, path: &Path, syncs: &mut DirectorySyncs, kept: &mut Vec<PathBuf>) -> Result<Option<Entry>, LocalFsError> {
        match self.root.entry_in_new_directory(path, syncs) {
            Err(LocalFsError::InTheWay { path, found: FileKind::File, .. }) => {
                self.clear_the_way(&path, syncs, kept)?;
                Ok(None)
            }
            Err(error) if error.is_missing() => Ok(None),
            entry => entry.map(Some),
        }
    }

    /// Moves a file from where a directory must be to its escaped path. If that is taken, the file is not of a key, and is kept.
    fn clear_the_way(&self, path: &Path, syncs: &mut DirectorySyncs, kept: &mut Vec<PathBuf>) -> Result<(), LocalFsError> {
        let _ways = self.ways.write().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = self.root.existing(path)? else { return Ok(()) };
        if entry.stat()?.is_none_or(|stat| kind_of(&stat) != FileKind::File) {
            return Ok(());
        }
        syncs.add_parent_of(path);
        if let Some(KeyOfPath::Ordinary(key)) = path.to_str().map(key_of) {
            let escaped = escaped_path_of(&key);
            match self.root.entry_in_new_directory(&escaped, syncs) {
                Err(LocalFsError::InTheWay { .. }) => {}
                target => {
                    let renamed = entry.rename_to_new(&target?)?;
                    syncs.add_parent_of(&escaped);
                    if matches!(renamed, Rename::Done | Rename::Missing) {
                        return Ok(());
                    }
                }
            }
        }
        kept.push(keep(&self.root, &entry, path, syncs)?);
        Ok(())
    }
}

/// True for a directory, and for the file of another key on a file system that folds case.
fn belongs_to_another_path(target: &Entry, stat: &Stat, expected: Option<&FileIdentity>) -> Result<bool, LocalFsError> {
    if kind_of(stat) == FileKind::Directory {
        return Ok(true);
    }
    Ok(expected != Some(&identity_of(stat)) && is_another_name(target, stat)?)
}
