//! Names that differ in case alone. On a file system that folds case they lead to one file, whose own name is the earlier one.

use super::entry::Entry;
use super::error::LocalFsError;
use super::remove_tree::names_in;
use rustix::fs::Stat;
use std::path::Path;

/// True if the entry leads to a file whose own name is another one. `stat` is what the entry shows.
///
/// The directory is read only if the name in the other case leads to the same file: elsewhere this costs one lookup.
pub(super) fn is_another_name(entry: &Entry, stat: &Stat) -> Result<bool, LocalFsError> {
    let Some(name) = entry.name().to_str() else { return Ok(false) };
    let swapped: String = name.chars().map(in_other_case).collect();
    if swapped == name {
        return Ok(false);
    }
    let other = entry.sibling(&swapped)?.stat()?;
    if other.is_none_or(|other| (other.st_dev, other.st_ino) != (stat.st_dev, stat.st_ino)) {
        return Ok(false);
    }
    let directory = entry.path().parent().unwrap_or(Path::new(""));
    for found in names_in(entry.directory(), directory)? {
        if found? == entry.name() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A character whose other case is more than one character stays.
fn in_other_case(char: char) -> char {
    let single = |mut cases: Box<dyn Iterator<Item = char>>| cases.next().filter(|_| cases.next().is_none());
    let other = if char.is_lowercase() { single(Box::new(char.to_uppercase())) } else { single(Box::new(char.to_lowercase())) };
    other.unwrap_or(char)
}
