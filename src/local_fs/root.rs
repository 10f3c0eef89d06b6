//! A directory that is opened once, and everything below it. No path leads out of it and no link is followed, whatever other programs do
//! meanwhile.

use super::directory_syncs::DirectorySyncs;
use super::entry::{Entry, after_a_step};
use super::error::LocalFsError;
use super::identity::{FileIdentity, FileKind, identity_of, kind_of};
use super::key_path::{MAX_NAME_BYTES, OWN_DIRECTORY};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, StatxFlags, fstat, fsync, mkdirat, openat, openat2, statat, statx};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// A file, a directory, …
    pub kind: FileKind,
    /// What it is recognised by.
    pub identity: FileIdentity,
}

/// An open root directory.
///
/// Its methods take paths relative to it and refuse all others. A link below the root is an entry like any other: it is seen, renamed and
/// removed, and never followed.
#[derive(Debug)]
pub struct Root {
    directory: OwnedFd,
    path: PathBuf,
    pub(super) abilities: Abilities,
}

/// What the system offers. Tests switch abilities off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abilities {
    /// `openat2`. Kernels before 5.6 lack it, and old seccomp profiles of container engines refuse it. Without it, the root walks name by
    /// name, each without following a link: the same guarantee, with one call for each name.
    pub(super) openat2: bool,
    /// Renames that do not replace, and exchanges. Some file systems (NFS, older FUSE) lack them: that is found out at each call.
    pub(super) rename_flags: bool,
    /// Renames between the root and any directory below it. False in tests of mount points.
    pub(super) one_file_system: bool,
}

/// Attempts to walk a path, each of which fails only if a file on the way becomes a directory at that moment.
const MAX_WALKS: u32 = 16;

const OPEN_DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Root {
    /// Opens the directory. It must exist, and may be a link to one.
    pub fn open(path: &Path) -> Result<Self, LocalFsError> {
        let directory = rustix::fs::open(path, OPEN_DIRECTORY, Mode::empty()).map_err(|error| LocalFsError::io("open", path, error))?;
        let openat2 = open_beneath(&directory, Path::new(".")).is_ok();
        let abilities = Abilities { openat2, rename_flags: true, one_file_system: true };
        Ok(Self { directory, path: path.to_owned(), abilities })
    }

    /// The path that the root was opened by, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands at a path; `None` = nothing, also because a file stands where a directory of the path would be.
    pub fn stat(&self, path: &Path) -> Result<Option<FileStat>, LocalFsError> {
        let Some(entry) = self.existing(path)? else { return Ok(None) };
        Ok(entry.stat()?.map(|stat| FileStat { kind: kind_of(&stat), identity: identity_of(&stat) }))
    }

    /// Opens a file for reading; `None` = nothing stands there. Only a regular file is opened.
    pub fn open_file(&self, path: &Path) -> Result<Option<File>, LocalFsError> {
        let Some(entry) = self.existing(path)? else { return Ok(None) };
        let Some(stat) = entry.stat()? else { return Ok(None) };
        let must_be_a_file = |found| match found {
            FileKind::File => Ok(()),
            found => Err(LocalFsError::InTheWay { path: path.to_owned(), found, wanted: FileKind::File }),
        };
        must_be_a_file(kind_of(&stat))?;
        let file = match entry.open() {
            Err(error) if error.is_missing() => return Ok(None),
            opened => opened?,
        };
        // Another program may have replaced it since.
        let stat = fstat(&file).map_err(|error| LocalFsError::io("stat", path, error))?;
        must_be_a_file(kind_of(&stat))?;
        Ok(Some(file))
    }

    /// Creates a directory and those above it, where they are missing.
    pub fn make_directories(&self, path: &Path, syncs: &mut DirectorySyncs) -> Result<(), LocalFsError> {
        self.directory_or_make(path, syncs).map(drop)
    }

    /// Removes the directories of a file that was removed, upwards, while they are empty and `is_wanted` is false. So it removes only
    /// directories that became empty by the removal, unless `path` never existed. A directory with a marker in the bucket is wanted.
    pub fn remove_empty_parents(
        &self,
        path: &Path,
        is_wanted: &dyn Fn(&Path) -> bool,
        syncs: &mut DirectorySyncs,
    ) -> Result<(), LocalFsError> {
        let parents = path.ancestors().skip(1).take_while(|parent| !parent.as_os_str().is_empty());
        for parent in parents {
            if is_wanted(parent) {
                break;
            }
            let Some(entry) = self.existing(parent)? else { continue };
            if !entry.remove_directory()? {
                break;
            }
            syncs.add_parent_of(parent);
        }
        Ok(())
    }

    /// Writes the changes of all these directories to the disk.
    pub fn sync(&self, syncs: DirectorySyncs) -> Result<(), LocalFsError> {
        for path in syncs.into_paths() {
            let directory = match self.directory(&path) {
                // It was removed since, and the directory above it is in the list.
                Err(error) if error.is_missing() => continue,
                opened => opened?,
            };
            match fsync(&directory) {
                // Some file systems have no sync of directories.
                Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => {}
                Err(error) => return Err(LocalFsError::io("sync", &path, error)),
            }
        }
        Ok(())
    }

    /// The entry of a path; `None` = its directory does not exist.
    pub(super) fn existing(&self, path: &Path) -> Result<Option<Entry>, LocalFsError> {
        check(path)?;
        match self.directory(parent_of(path)) {
            Ok(directory) => Ok(Some(self.entry(directory, path))),
            Err(error) if error.is_missing() => Ok(None),
            Err(LocalFsError::InTheWay { found: FileKind::File, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The entry of a path, whose directory is created if it is missing.
    pub(super) fn entry_in_new_directory(&self, path: &Path, syncs: &mut DirectorySyncs) -> Result<Entry, LocalFsError> {
        check(path)?;
        Ok(self.entry(self.directory_or_make(parent_of(path), syncs)?, path))
    }

    /// The lowest directory above a path that exists, with its path. New directories for the path will be on its file system.
    pub(super) fn nearest_directory(&self, path: &Path) -> Result<(OwnedFd, PathBuf), LocalFsError> {
        check(path)?;
        for parent in path.ancestors().skip(1) {
            match self.directory(parent) {
                Err(error) if error.is_missing() => {}
                Err(LocalFsError::InTheWay { found: FileKind::File, .. }) => {}
                opened => return Ok((opened?, parent.to_owned())),
            }
        }
        Err(LocalFsError::io("open", &self.path, Errno::NOENT))
    }

    pub(super) fn entry(&self, directory: OwnedFd, path: &Path) -> Entry {
        Entry::new(directory, path.to_owned(), self.abilities.rename_flags)
    }

    /// Opens a directory; the root itself for an empty path.
    pub(super) fn directory(&self, path: &Path) -> Result<OwnedFd, LocalFsError> {
        if path.as_os_str().is_empty() {
            return self.directory.try_clone().map_err(|error| LocalFsError::io("open", &self.path, error));
        }
        check(path)?;
        if !self.abilities.openat2 {
            return self.walk(path, None);
        }
        match open_beneath(&self.directory, path) {
            // The walk takes longer paths, and reports what stands in the way.
            Err(Errno::NAMETOOLONG | Errno::LOOP | Errno::NOTDIR) => self.walk(path, None),
            opened => opened.map_err(|error| LocalFsError::io("open", path, error)),
        }
    }

    fn directory_or_make(&self, path: &Path, syncs: &mut DirectorySyncs) -> Result<OwnedFd, LocalFsError> {
        match self.directory(path) {
            Err(error) if error.is_missing() => self.walk(path, Some(syncs)),
            opened => opened,
        }
    }

    /// Opens one name after the other, each in the directory before it. With `make`, it creates those that are missing.
    fn walk(&self, path: &Path, mut make: Option<&mut DirectorySyncs>) -> Result<OwnedFd, LocalFsError> {
        for _ in 0..MAX_WALKS {
            match self.walk_once(path, make.as_deref_mut()) {
                Err(LocalFsError::KeepsChanging { .. }) => {}
                opened => return opened,
            }
        }
        Err(LocalFsError::KeepsChanging { path: path.to_owned() })
    }

    /// [`LocalFsError::KeepsChanging`] = what was no directory became one at this moment.
    fn walk_once(&self, path: &Path, mut make: Option<&mut DirectorySyncs>) -> Result<OwnedFd, LocalFsError> {
        let mut directory = self.directory.try_clone().map_err(|error| LocalFsError::io("open", &self.path, error))?;
        let mut so_far = PathBuf::new();
        for name in path {
            so_far.push(name);
            let failed = |action, error: Errno| LocalFsError::io(action, &so_far, error);
            let open = || openat(&directory, name, OPEN_DIRECTORY | OFlags::NOFOLLOW, Mode::empty());
            let mut opened = open();
            if let (Err(Errno::NOENT), Some(syncs)) = (&opened, make.as_deref_mut()) {
                // What other users must not read is kept in our own directory for a while.
                let mode = if so_far.as_os_str() == OWN_DIRECTORY { 0o700 } else { 0o755 };
                match mkdirat(&directory, name, Mode::from_raw_mode(mode)) {
                    Ok(()) | Err(Errno::EXIST) => syncs.add_parent_of(&so_far),
                    Err(error) => return Err(failed("create", error)),
                }
                after_a_step();
                opened = open();
            }
            directory = match opened {
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    let stat = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| failed("stat", error))?;
                    return Err(match kind_of(&stat) {
                        FileKind::Directory => LocalFsError::KeepsChanging { path: so_far },
                        found => LocalFsError::InTheWay { path: so_far, found, wanted: FileKind::Directory },
                    });
                }
                opened => opened.map_err(|error| failed("open", error))?,
            };
        }
        Ok(directory)
    }
}

fn open_beneath(directory: &OwnedFd, path: &Path) -> Result<OwnedFd, Errno> {
    openat2(directory, path, OPEN_DIRECTORY, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)
}

/// The file system of a directory, and the mount by which it was reached: files cannot be renamed across either.
pub(super) fn file_system_of(directory: &OwnedFd) -> Result<(u32, u32, u64), LocalFsError> {
    let stat =
        statx(directory, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).map_err(|error| LocalFsError::io("stat", Path::new(""), error))?;
    Ok((stat.stx_dev_major, stat.stx_dev_minor, stat.stx_mnt_id))
}

fn parent_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Refuses what could lead out of the root, before the system is asked. The system refuses it, too.
fn check(path: &Path) -> Result<(), LocalFsError> {
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0) && name.len() <= MAX_NAME_BYTES;
    let names_only = path.as_os_str().as_bytes().split(|byte| *byte == b'/').all(is_name);
    if names_only { Ok(()) } else { Err(LocalFsError::InvalidPath { path: path.to_owned() }) }
}

#[cfg(test)]
mod tests;
