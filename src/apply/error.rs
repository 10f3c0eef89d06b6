//! Why an operation failed: whichever door it was, with that door's own disposition, reason and hint.

use crate::file_manager::{FileManagerError, FileManagerErrorKind};
use crate::record::Permissions;
use crate::retry::{Disposed, Disposition};
use crate::run::ErrorSummary;
use crate::s3::{S3Error, S3ErrorKind};
use crate::snapshot::SnapshotError;
use crate::state::StateError;

/// A failed operation.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// At the bucket.
    #[error(transparent)]
    S3(#[from] S3Error),
    /// At the file manager.
    #[error(transparent)]
    FileManager(#[from] FileManagerError),
    /// In the state: nothing can go on without it.
    #[error(transparent)]
    State(#[from] StateError),
    /// A snapshot could not be written: the run's record would have a gap.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl ApplyError {
    /// A short, stable name for reports.
    pub fn reason(&self) -> String {
        match self {
            Self::S3(error) => error.kind.reason().to_owned(),
            Self::FileManager(error) => error.kind.reason(),
            Self::State(_) => "state".to_owned(),
            Self::Snapshot(_) => "snapshot".to_owned(),
        }
    }

    /// What an operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::S3(error) => error.kind.hint(),
            Self::FileManager(error) => error.kind.hint(),
            Self::State(_) | Self::Snapshot(_) => "check the disk that holds DATABASE_PATH: its space, its rights",
        }
    }

    /// Whether it is the trouble of one sink, which keeps no other one from going on.
    pub(super) fn is_of_the_sink(&self) -> bool {
        match self {
            Self::FileManager(_) => true,
            Self::S3(_) | Self::State(_) | Self::Snapshot(_) => false,
        }
    }

    /// The object that was asked for is no longer that object.
    pub(super) fn says_replaced(&self) -> bool {
        matches!(self, Self::S3(error) if error.kind == S3ErrorKind::PreconditionFailed)
    }
}

impl From<&ApplyError> for ErrorSummary {
    fn from(error: &ApplyError) -> Self {
        Self { reason: error.reason(), message: error.to_string(), hint: error.hint() }
    }
}

impl Disposed for ApplyError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::S3(error) => error.disposition(),
            Self::FileManager(error) => error.disposition(),
            Self::State(_) | Self::Snapshot(_) => Disposition::Stop { transient: false },
        }
    }
}

/// Permissions beside content: refused for good, they do not keep the content back. The file's row says nothing of them then, so
/// that what was told is still a difference, is tried by itself, and fails by itself. (That there is no such file is another matter:
/// whoever says so may be right about the content, too.)
pub(super) fn not_held_back(answered: Result<Permissions, ApplyError>) -> Result<Permissions, ApplyError> {
    match answered {
        Err(ApplyError::FileManager(error)) if error.kind.is_definite_refusal() && error.kind != FileManagerErrorKind::NotFound => {
            Ok(Permissions::default())
        }
        other => other,
    }
}
