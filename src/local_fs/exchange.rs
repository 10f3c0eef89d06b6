//! What stands at a path comes out of it, and is looked at after that: so a late change by another program is seen and kept.

use super::attributes::keep_attributes;
use super::directory_syncs::DirectorySyncs;
use super::entry::{Entry, Rename};
use super::error::LocalFsError;
use super::identity::{FileIdentity, FileKind, identity_of, kind_of};
use super::kept::keep;
use super::root::Root;
use super::same_content::have_same_content;
use super::temp_file::CompleteFile;
use rustix::fs::Stat;
use std::path::PathBuf;

/// One attempt to get what stands at `target` out of its place.
pub(super) struct Exchange<'a> {
    pub(super) root: &'a Root,
    pub(super) target: &'a Entry,
    /// The file that the caller last placed there.
    pub(super) expected: Option<FileIdentity>,
    pub(super) syncs: &'a mut DirectorySyncs,
    /// Receives the path of a file that is kept.
    pub(super) kept: &'a mut Vec<PathBuf>,
}

impl Exchange<'_> {
    /// Exchanges the file with what stands at its place, `old`. After [`Rename::Done`] the file's temporary name stands for nothing.
    pub(super) fn put(self, file: &mut CompleteFile, old: &Stat) -> Result<Rename, LocalFsError> {
        if kind_of(old) == FileKind::File {
            keep_attributes(self.target, old, &file.file);
        }
        let for_exchange = file.temp.name_for_exchange(file.identity.inode, self.expected.as_ref())?;
        if file.temp.entry.path() != for_exchange.path() {
            file.temp.entry.rename_over(&for_exchange)?;
            file.temp.entry = for_exchange;
        }
        match file.temp.entry.exchange(self.target)? {
            // From here on, an error leaves what came out for the next start, which keeps it.
            Rename::Done => file.temp.disarm(),
            Rename::Unsupported => return self.put_after_a_check(file),
            not_done => return Ok(not_done),
        }
        match file.temp.entry.stat()? {
            // A directory appeared at this moment.
            Some(stat) if kind_of(&stat) == FileKind::Directory => {
                if file.temp.entry.exchange(self.target)? == Rename::Done {
                    file.temp.arm();
                    return Ok(Rename::Taken);
                }
                self.put_back(&file.temp.entry)?;
                Err(LocalFsError::KeepsChanging { path: self.target.path().to_owned() })
            }
            Some(stat) => {
                self.remove_or_keep(&file.temp.entry, &stat, Some(file))?;
                Ok(Rename::Done)
            }
            None => Ok(Rename::Done),
        }
    }

    /// Where the file system cannot exchange: the check comes right before the rename.
    fn put_after_a_check(self, file: &CompleteFile) -> Result<Rename, LocalFsError> {
        match self.target.stat()? {
            None => {}
            Some(stat) if kind_of(&stat) == FileKind::Directory => return Ok(Rename::Taken),
            Some(stat) if self.is_expendable(self.target, &stat, Some(file))? => {}
            Some(_) => self.kept.push(keep(self.root, self.target, self.target.path(), self.syncs)?),
        }
        file.temp.entry.rename_over(self.target)
    }

    /// Removes what came out if it is the expected file or has the content of the new one; else keeps it.
    pub(super) fn remove_or_keep(self, out: &Entry, stat: &Stat, new: Option<&CompleteFile>) -> Result<(), LocalFsError> {
        if self.is_expendable(out, stat, new)? {
            return out.unlink();
        }
        self.kept.push(keep(self.root, out, self.target.path(), self.syncs)?);
        Ok(())
    }

    /// Puts a directory back that came out in place of a file.
    pub(super) fn put_back(&self, out: &Entry) -> Result<(), LocalFsError> {
        match out.rename_to_new(self.target)? {
            Rename::Done => Ok(()),
            _ => Err(LocalFsError::KeepsChanging { path: self.target.path().to_owned() }),
        }
    }

    /// True for the expected file, and for one with the content of the new one.
    fn is_expendable(&self, entry: &Entry, stat: &Stat, new: Option<&CompleteFile>) -> Result<bool, LocalFsError> {
        let identity = identity_of(stat);
        if kind_of(stat) != FileKind::File || self.expected == Some(identity) {
            return Ok(kind_of(stat) == FileKind::File);
        }
        new.filter(|new| new.identity.size == identity.size).map_or(Ok(false), |new| have_same_content(&new.file, entry))
    }
}
