//! Compares two files byte for byte.

use super::entry::Entry;
use super::error::LocalFsError;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;

const BLOCK_BYTES: usize = 64 * 1024;

/// True if both files have the same bytes. A file that must not be read counts as another one.
pub(super) fn have_same_content(new: &File, old: &Entry) -> Result<bool, LocalFsError> {
    match old.open() {
        Err(error) if error.io_kind() == Some(io::ErrorKind::PermissionDenied) => Ok(false),
        opened => compare(new, opened?).map_err(|error| LocalFsError::io("compare", old.path(), error)),
    }
}

fn compare(new: &File, mut old: File) -> io::Result<bool> {
    let (mut of_new, mut of_old) = (vec![0; BLOCK_BYTES], vec![0; BLOCK_BYTES]);
    let mut offset = 0;
    loop {
        let read = old.read(&mut of_old)?;
        if read == 0 {
            return Ok(new.read_at(&mut of_new[..1], offset)? == 0);
        }
        match new.read_exact_at(&mut of_new[..read], offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            done => done?,
        }
        if of_new[..read] != of_old[..read] {
            return Ok(false);
        }
        offset += u64::try_from(read).map_err(io::Error::other)?;
    }
}
