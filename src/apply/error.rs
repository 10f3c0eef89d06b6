//! The error of a failed operation: from an endpoint, the state or a snapshot, with its disposition, reason and hint.

use crate::endpoint::{EndpointError, EndpointErrorKind};
use crate::record::Permissions;
use crate::retry::{Disposed, Disposition};
use crate::run::ErrorSummary;
use crate::snapshot::SnapshotError;
use crate::state::StateError;

/// The error of a failed operation.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The source or the sink failed.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The state failed. The run cannot continue without it.
    #[error(transparent)]
    State(#[from] StateError),
    /// A snapshot could not be written. The run stops, so that no run lacks its snapshots.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl ApplyError {
    /// A short, stable name of the error, for reports.
    pub fn reason(&self) -> String {
        match self {
            Self::Endpoint(error) => error.reason.clone().into_owned(),
            Self::State(_) => "state".to_owned(),
            Self::Snapshot(_) => "snapshot".to_owned(),
        }
    }

    /// The advice for the operator.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Endpoint(error) => error.hint,
            Self::State(StateError::Unreachable(_)) => "end the program that has DATABASE_PATH open, or wait until it is done",
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

/// Turns the sink's refusal of permissions into empty permissions, so that the refusal does not block the content. The applied row then has
/// no permissions, so the reported permissions still differ: the next operation sets them alone and fails alone. A "not found" is returned
/// as it is, because it may also apply to the content.
pub(super) fn ignore_refused_permissions(answered: Result<Permissions, ApplyError>) -> Result<Permissions, ApplyError> {
    match answered {
        Err(ApplyError::Endpoint(error)) if error.is_refusal() && error.kind != EndpointErrorKind::NotFound => Ok(Permissions::default()),
        other => other,
    }
}
