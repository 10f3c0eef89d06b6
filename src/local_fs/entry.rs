//! One name in an open directory. Its operations follow no link, and after each one that changes something is a failpoint.

use super::error::LocalFsError;
use crate::failpoint;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, Stat, openat, renameat, renameat_with, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// A name in a directory.
#[derive(Debug)]
pub(super) struct Entry {
    directory: OwnedFd,
    /// The path below the root, for messages and for [`super::directory_syncs::DirectorySyncs`].
    path: PathBuf,
    has_rename_flags: bool,
}

/// The result of a rename that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rename {
    Done,
    /// The new name exists.
    Taken,
    /// One of the names, or one of the directories, does not exist.
    Missing,
    /// The file system has no such rename.
    Unsupported,
    /// The names are on two file systems.
    OtherFileSystem,
}

impl Entry {
    pub(super) fn new(directory: OwnedFd, path: PathBuf, has_rename_flags: bool) -> Self {
        Self { directory, path, has_rename_flags }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    pub(super) fn name(&self) -> &OsStr {
        self.path.file_name().expect("invariant: a checked path has a last name")
    }

    /// Another name in the same directory.
    pub(super) fn sibling(&self, name: &str) -> Result<Self, LocalFsError> {
        let directory = self.directory.try_clone().map_err(|error| LocalFsError::io("open", &self.path, error))?;
        Ok(Self::new(directory, self.path.with_file_name(name), self.has_rename_flags))
    }

    /// What stands at the name; `None` = nothing.
    pub(super) fn stat(&self) -> Result<Option<Stat>, LocalFsError> {
        match statat(&self.directory, self.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(LocalFsError::io("stat", &self.path, error)),
        }
    }

    /// Opens for reading. Does not wait for the other end of a pipe.
    pub(super) fn open(&self) -> Result<File, LocalFsError> {
        self.open_with(OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// Opens for reading and writing.
    pub(super) fn open_writable(&self) -> Result<File, LocalFsError> {
        self.open_with(OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// Creates a file for reading and writing, or opens the one that exists.
    pub(super) fn open_or_create(&self) -> Result<File, LocalFsError> {
        self.open_with(OFlags::RDWR | OFlags::CREATE)
    }

    /// Creates a file for reading and writing. Fails if the name exists.
    pub(super) fn create(&self) -> Result<File, LocalFsError> {
        self.open_with(OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    fn open_with(&self, flags: OFlags) -> Result<File, LocalFsError> {
        let mode = Mode::from_raw_mode(0o644);
        let file = openat(&self.directory, self.name(), flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode);
        let file = file.map_err(|error| LocalFsError::io("open", &self.path, error))?;
        after_a_step();
        Ok(File::from(file))
    }

    /// Removes a file or a link; a missing one is fine.
    pub(super) fn unlink(&self) -> Result<(), LocalFsError> {
        match unlinkat(&self.directory, self.name(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {
                after_a_step();
                Ok(())
            }
            Err(error) => Err(LocalFsError::io("remove", &self.path, error)),
        }
    }

    /// Removes an empty directory. False = it is not empty, or no directory, or missing.
    pub(super) fn remove_directory(&self) -> Result<bool, LocalFsError> {
        match unlinkat(&self.directory, self.name(), AtFlags::REMOVEDIR) {
            Ok(()) => {
                after_a_step();
                Ok(true)
            }
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR | Errno::BUSY) => Ok(false),
            Err(error) => Err(LocalFsError::io("remove", &self.path, error)),
        }
    }

    /// Renames to a new name. Never replaces anything; where the file system cannot promise that, the name is checked right before.
    pub(super) fn rename_to_new(&self, to: &Self) -> Result<Rename, LocalFsError> {
        let renamed = self.rename_with(to, RenameFlags::NOREPLACE)?;
        if renamed != Rename::Unsupported {
            return Ok(renamed);
        }
        if to.stat()?.is_some() { Ok(Rename::Taken) } else { self.rename_over(to) }
    }

    /// Renames, and replaces what has the new name.
    pub(super) fn rename_over(&self, to: &Self) -> Result<Rename, LocalFsError> {
        self.outcome(renameat(&self.directory, self.name(), &to.directory, to.name()))
    }

    /// Both names exchange what they stand for.
    pub(super) fn exchange(&self, with: &Self) -> Result<Rename, LocalFsError> {
        self.rename_with(with, RenameFlags::EXCHANGE)
    }

    fn rename_with(&self, to: &Self, flags: RenameFlags) -> Result<Rename, LocalFsError> {
        if !self.has_rename_flags {
            return Ok(Rename::Unsupported);
        }
        self.outcome(renameat_with(&self.directory, self.name(), &to.directory, to.name(), flags))
    }

    fn outcome(&self, renamed: Result<(), Errno>) -> Result<Rename, LocalFsError> {
        match renamed {
            Ok(()) => {
                after_a_step();
                Ok(Rename::Done)
            }
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR) => Ok(Rename::Taken),
            Err(Errno::NOENT) => Ok(Rename::Missing),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(Rename::Unsupported),
            Err(Errno::XDEV) => Ok(Rename::OtherFileSystem),
            Err(error) => Err(LocalFsError::io("rename", &self.path, error)),
        }
    }
}

/// A crash test kills the process here.
pub(super) fn after_a_step() {
    failpoint::reach_blocking(failpoint::AFTER_A_STEP_ON_DISK);
}
