//! What instances that died left in their directories of temporary files.

use super::directory_syncs::DirectorySyncs;
use super::entry::{Entry, Rename};
use super::error::LocalFsError;
use super::identity::{FileIdentity, FileKind, identity_of, kind_of};
use super::instance::{Instance, LOCK, TEMPORARY, is_id, lock_left_over};
use super::kept::keep;
use super::remove_tree::{names_in, remove_tree};
use super::root::Root;
use super::temp_file::{BESIDE_TARGET, NOTE, OUT};
use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// What a start found of instances that died.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LeftOver {
    /// The number of temporary files that were removed.
    pub removed: u64,
    /// The names of unfinished files that the caller wanted, for [`super::AtomicWriter::resume`].
    pub resumable: Vec<String>,
    /// Where files of other programs are kept that a crash left between their place and `.s3-sync/kept`. Their paths are not known.
    pub kept: Vec<PathBuf>,
}

/// The removal of what is left over, by a new instance.
pub(super) struct Cleaner<'a> {
    root: &'a Root,
    instance: &'a Instance,
    is_wanted: &'a dyn Fn(&str) -> bool,
    syncs: DirectorySyncs,
    left_over: LeftOver,
}

impl<'a> Cleaner<'a> {
    pub(super) fn new(root: &'a Root, instance: &'a Instance, is_wanted: &'a dyn Fn(&str) -> bool) -> Self {
        Self { root, instance, is_wanted, syncs: DirectorySyncs::default(), left_over: LeftOver::default() }
    }

    /// Cleans up after every instance that does not live. The caller holds the lock of the start.
    pub(super) fn clean(mut self) -> Result<LeftOver, LocalFsError> {
        let temporary = Path::new(TEMPORARY);
        for name in names_in(&self.root.directory(temporary)?, temporary)? {
            let path = temporary.join(name?);
            let is_directory = self.root.stat(&path)?.is_some_and(|stat| stat.kind == FileKind::Directory);
            if is_directory && path != self.instance.path() {
                self.clean_instance(&path)?;
            }
        }
        self.root.sync(self.syncs)?;
        Ok(self.left_over)
    }

    fn clean_instance(&mut self, path: &Path) -> Result<(), LocalFsError> {
        let Some(lock_entry) = self.root.existing(&path.join(LOCK))? else { return Ok(()) };
        let Some(_lock) = lock_left_over(&lock_entry)? else { return Ok(()) };
        for name in names_in(&self.root.directory(path)?, path)? {
            let name = name?;
            // What has no name of ours is removed with the directory.
            let Some(name) = name.to_str().filter(|name| name.split('.').next().is_some_and(is_id)) else { continue };
            let Some(entry) = self.root.existing(&path.join(name))? else { continue };
            match name.strip_suffix(NOTE) {
                Some(id) => self.clean_beside_target(id, &entry)?,
                None => self.clean_file(name, &entry, &entry)?,
            }
        }
        remove_tree(self.root, path).map(drop)
    }

    /// The temporary file that stands on another file system, in the directory that the note names.
    fn clean_beside_target(&mut self, id: &str, note: &Entry) -> Result<(), LocalFsError> {
        let directory_path = read_note(note)?;
        let directory = match self.root.directory(&directory_path) {
            // Its directory was removed or replaced, so the file is gone.
            Err(error) if error.is_missing() || matches!(error, LocalFsError::InTheWay { .. } | LocalFsError::InvalidPath { .. }) => {
                return Ok(());
            }
            opened => opened?,
        };
        for name in names_in(&directory, &directory_path)? {
            let name = name?;
            let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(BESIDE_TARGET)) else { continue };
            if rest.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with(OUT))
                && let Some(entry) = self.root.existing(&directory_path.join(&name))?
            {
                self.clean_file(rest, &entry, note)?;
            }
        }
        Ok(())
    }

    /// `name` is the id and what follows; `marker` is the entry in the instance's directory: the file itself, or its note.
    fn clean_file(&mut self, name: &str, entry: &Entry, marker: &Entry) -> Result<(), LocalFsError> {
        let Some(stat) = entry.stat()? else { return Ok(()) };
        let (id, out) = name.split_once(OUT).map_or((name, None), |(id, out)| (id, Some(out)));
        let identity = identity_of(&stat);
        let (is_unpublished, is_replaced) = match out.and_then(|out| out.split_once('.')) {
            None => (out.is_none(), false),
            Some((own, expected)) => {
                let is_expected = kind_of(&stat) == FileKind::File && FileIdentity::parse(expected) == Some(identity);
                (own.parse() == Ok(identity.inode), is_expected)
            }
        };
        if is_unpublished && (self.is_wanted)(id) {
            return self.carry_over(id, entry, marker);
        }
        if is_unpublished || is_replaced {
            entry.unlink()?;
            self.left_over.removed += 1;
        } else {
            let kept = keep(self.root, entry, &Path::new("recovered").join(id), &mut self.syncs)?;
            self.left_over.kept.push(kept);
        }
        Ok(())
    }

    /// Takes an unfinished file into the new instance's directory, or its note if it stands elsewhere.
    fn carry_over(&mut self, id: &str, entry: &Entry, marker: &Entry) -> Result<(), LocalFsError> {
        if marker.path() == entry.path() {
            self.take(marker, id)?;
        } else {
            entry.rename_over(&entry.sibling(&format!("{BESIDE_TARGET}{id}"))?)?;
            self.take(marker, &format!("{id}{NOTE}"))?;
        }
        self.left_over.resumable.push(id.to_owned());
        Ok(())
    }

    fn take(&mut self, marker: &Entry, name: &str) -> Result<(), LocalFsError> {
        let own = self.instance.temporary(self.root, name)?;
        match marker.rename_over(&own)? {
            Rename::Done => {
                self.syncs.add_parent_of(own.path());
                Ok(())
            }
            _ => Err(LocalFsError::KeepsChanging { path: marker.path().to_owned() }),
        }
    }
}

/// The directory that a note names.
pub(super) fn read_note(note: &Entry) -> Result<PathBuf, LocalFsError> {
    let mut path = Vec::new();
    note.open()?.read_to_end(&mut path).map_err(|error| LocalFsError::io("read", note.path(), error))?;
    Ok(PathBuf::from(OsString::from_vec(path)))
}
