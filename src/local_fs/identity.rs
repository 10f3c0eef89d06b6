//! What a file is recognised by: its identity, and the handle that a sink stores.

use super::key_path::{escaped_path_of, path_of};
use crate::record::ObjectKey;
use rustix::fs::{FileType, Stat};
use std::fmt;
use std::path::PathBuf;

/// The kind of an entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, a pipe or a socket.
    Other,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a link",
            Self::Other => "a device, a pipe or a socket",
        })
    }
}

/// Size, time and inode of a file. A program that writes to the file, or replaces it, changes one of them. Renaming changes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// Length in bytes.
    pub size: u64,
    /// Time of the last modification, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// The number of the file in its file system.
    pub inode: u64,
}

impl FileIdentity {
    /// Parses what `Display` writes: `size,mtime_ns,inode`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(',');
        let (size, mtime_ns, inode) = (fields.next()?, fields.next()?, fields.next()?);
        let identity = Self { size: size.parse().ok()?, mtime_ns: mtime_ns.parse().ok()?, inode: inode.parse().ok()? };
        (identity.to_string() == text).then_some(identity)
    }
}

impl fmt::Display for FileIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.size, self.mtime_ns, self.inode)
    }
}

/// Which of its two paths a key's file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StandsAt {
    /// The path of the key.
    OwnPath,
    /// The escaped path of an ordinary key, because a directory, or a file whose name differs in case alone, has the own path.
    EscapedPath,
}

impl StandsAt {
    /// The path below the root.
    pub fn path(self, key: &ObjectKey) -> PathBuf {
        match self {
            Self::OwnPath => path_of(key),
            Self::EscapedPath => escaped_path_of(key),
        }
    }
}

/// A file as a sink stores it: what it is recognised by, and where it stands. It names no path of its own, so a changed text cannot lead
/// to another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileHandle {
    /// What the file is recognised by.
    pub identity: FileIdentity,
    /// Where it stands.
    pub at: StandsAt,
}

const ESCAPED: &str = ",escaped";

impl FileHandle {
    /// Parses what `Display` writes: the identity, and `,escaped` if the file stands at its escaped path.
    pub fn parse(text: &str) -> Option<Self> {
        let (identity, at) = match text.strip_suffix(ESCAPED) {
            Some(identity) => (identity, StandsAt::EscapedPath),
            None => (text, StandsAt::OwnPath),
        };
        Some(Self { identity: FileIdentity::parse(identity)?, at })
    }
}

impl fmt::Display for FileHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.identity, if self.at == StandsAt::EscapedPath { ESCAPED } else { "" })
    }
}

pub(super) fn kind_of(stat: &Stat) -> FileKind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Link,
        _ => FileKind::Other,
    }
}

pub(super) fn identity_of(stat: &Stat) -> FileIdentity {
    let mtime_ns = i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
    FileIdentity { size: u64::try_from(stat.st_size).unwrap_or_default(), mtime_ns, inode: stat.st_ino }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_read_as_it_was_written() {
        let identity = FileIdentity { size: 4096, mtime_ns: -1, inode: u64::MAX };
        for at in [StandsAt::OwnPath, StandsAt::EscapedPath] {
            let handle = FileHandle { identity, at };
            assert_eq!(FileHandle::parse(&handle.to_string()), Some(handle));
        }
        assert_eq!(identity.to_string(), "4096,-1,18446744073709551615");
    }

    #[test]
    fn another_text_is_no_handle() {
        for text in ["", "1,2", "1,2,3,4", "1,2,3,other", "+1,2,3", " 1,2,3", "01,2,3", "1,2,-3", "1,2,3,escaped,escaped"] {
            assert_eq!(FileHandle::parse(text), None, "{text}");
        }
    }
}
