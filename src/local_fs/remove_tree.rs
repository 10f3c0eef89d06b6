//! Removes a directory with everything in it. Holds one directory open at a time, however deep the tree is.

use super::error::LocalFsError;
use super::identity::{FileKind, kind_of};
use super::root::Root;
use rustix::fs::Dir;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

/// Removes the tree and returns the number of its files. A missing tree is fine.
pub(super) fn remove_tree(root: &Root, top: &Path) -> Result<u64, LocalFsError> {
    let (mut removed, mut at) = (0, top.to_owned());
    loop {
        let directory = match root.directory(&at) {
            Err(error) if error.is_missing() => return Ok(removed),
            opened => opened?,
        };
        if let Some(inner) = remove_files(root, &directory, &at, &mut removed)? {
            at.push(inner);
            continue;
        }
        if let Some(entry) = root.existing(&at)?
            && !entry.remove_directory()?
            && entry.stat()?.is_some()
        {
            return Err(LocalFsError::KeepsChanging { path: at });
        }
        if at == top || !at.pop() {
            return Ok(removed);
        }
    }
}

/// Removes files up to the first directory, and returns its name.
fn remove_files(root: &Root, directory: &OwnedFd, at: &Path, removed: &mut u64) -> Result<Option<OsString>, LocalFsError> {
    for name in names_in(directory, at)? {
        let name = name?;
        let path = at.join(&name);
        let entry = root.entry(directory.try_clone().map_err(|error| LocalFsError::io("open", at, error))?, &path);
        match entry.stat()?.map(|stat| kind_of(&stat)) {
            None => {}
            Some(FileKind::Directory) => return Ok(Some(name)),
            Some(_) => {
                entry.unlink()?;
                *removed += 1;
            }
        }
    }
    Ok(None)
}

/// The names in a directory, without `.` and `..`.
pub(super) fn names_in(
    directory: &OwnedFd,
    path: &Path,
) -> Result<impl Iterator<Item = Result<OsString, LocalFsError>> + use<>, LocalFsError> {
    let path = path.to_owned();
    let entries = Dir::read_from(directory).map_err(|error| LocalFsError::io("read", &path, error))?;
    let names = entries.map(move |entry| {
        let entry = entry.map_err(|error| LocalFsError::io("read", &path, error))?;
        Ok(OsString::from_vec(entry.file_name().to_bytes().to_vec()))
    });
    Ok(names.filter(|name| name.as_ref().map_or(true, |name| name != "." && name != "..")))
}
