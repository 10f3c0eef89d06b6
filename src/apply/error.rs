//! The error of a failed operation: from an endpoint, the state or a snapshot, with its disposition, reason and hint.

use crate::endpoint::{EndpointError, EndpointErrorKind};
use crate::record::Permissions;
use crate::retry::{Disposed, Disposition};
use crate::run::ErrorSummary;
use crate::snapshot::SnapshotError;
use crate::state::StateError;

/// A failed operation.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// At the source or at the sink.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// In the state: nothing can continue without it.
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
            Self::Endpoint(error) => error.reason.clone().into_owned(),
            Self::State(_) => "state".to_owned(),
            Self::Snapshot(_) => "snapshot".to_owned(),
        }
    }

    /// The operator's remedy.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Endpoint(error) => error.hint,
            Self::State(_) | Self::Snapshot(_) => "check the disk that holds DATABASE_PATH: its space, its rights",
        }
    }

    /// The kind of failure that an endpoint reported; `None` = no endpoint failed.
    pub(super) fn kind(&self) -> Option<EndpointErrorKind> {
        match self {
            Self::Endpoint(error) => Some(error.kind),
            Self::State(_) | Self::Snapshot(_) => None,
        }
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
            Self::Endpoint(error) => error.disposition(),
            Self::State(_) | Self::Snapshot(_) => Disposition::Stop { transient: false },
        }
    }
}

/// Permissions beside content: a definite refusal of them does not block the content. The file's row then records none, so that
/// the reported permissions are still a difference, are tried on their own and fail on their own. (A "not found" is different:
/// it may be true of the content, too.)
pub(super) fn not_held_back(answered: Result<Permissions, ApplyError>) -> Result<Permissions, ApplyError> {
    match answered {
        Err(ApplyError::Endpoint(error)) if error.is_refusal() && error.kind != EndpointErrorKind::NotFound => Ok(Permissions::default()),
        other => other,
    }
}
