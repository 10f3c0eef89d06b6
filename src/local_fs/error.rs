//! The error of an operation below a root.

use super::identity::FileKind;
use crate::record::Escaped;
use std::io;
use std::path::{Path, PathBuf};

/// What failed, and at which path below the root.
#[derive(Debug, thiserror::Error)]
pub enum LocalFsError {
    /// The system refused.
    #[error("{action} {}: {source}", shown(path))]
    Io {
        /// `open`, `rename`, …
        action: &'static str,
        /// The path below the root, or the root's own.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The path could lead out of the root, or has a name that no file system takes.
    #[error(
        "{}: refused: a path below the root is relative, and its names are not empty, not `.` or `..`, without NUL and of at most 255 bytes",
        shown(path)
    )]
    InvalidPath {
        /// The refused path.
        path: PathBuf,
    },
    /// Something else stands there, and it is not ours to move.
    #[error("{} is {found}, where {wanted} must be", shown(path))]
    InTheWay {
        /// What stands in the way.
        path: PathBuf,
        /// What it is.
        found: FileKind,
        /// What must be there.
        wanted: FileKind,
    },
    /// The body ended early or late. Nothing was published.
    #[error("{written} bytes were written, and the object has {expected}")]
    WrongLength {
        /// The object's size.
        expected: u64,
        /// What was written.
        written: u64,
    },
    /// Other programs changed the path at every attempt.
    #[error("{} is being changed by another program", shown(path))]
    KeepsChanging {
        /// The path.
        path: PathBuf,
    },
}

impl LocalFsError {
    /// The system's kind of failure: `StorageFull`, `QuotaExceeded`, `ReadOnlyFilesystem`, `PermissionDenied`, …; `None` = not the system
    /// refused.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        if let Self::Io { source, .. } = self { Some(source.kind()) } else { None }
    }

    pub(super) fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.to_owned(), source: source.into() }
    }

    pub(super) fn is_missing(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::NotFound)
    }
}

/// The path, so that it cannot forge a line of the log.
fn shown(path: &Path) -> String {
    Escaped(&path.to_string_lossy()).to_string()
}
