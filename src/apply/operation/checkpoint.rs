//! The checkpoints of one upload: stored with its open intent, so that a later attempt or process resumes the transfer.

use crate::apply::sink::Checkpoint;
use crate::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind, EndpointFailure, EndpointId};
use crate::record::ObjectKey;
use crate::retry::Disposition;
use crate::state::{Intent, SinkState};
use async_trait::async_trait;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// Stores the checkpoints of one open effect.
pub(super) struct IntentCheckpoint {
    state: SinkState,
    source: EndpointId,
    path: ObjectKey,
    key: Uuid,
    latest: Mutex<Option<String>>,
}

impl IntentCheckpoint {
    /// The checkpoints of this intent, which is open.
    pub(super) fn new(state: &SinkState, source: &EndpointId, intent: &Intent) -> Self {
        let (path, key, latest) = (intent.path.clone(), intent.idempotency_key, Mutex::new(intent.resume.clone()));
        Self { state: state.clone(), source: source.clone(), path, key, latest }
    }

    /// The last checkpoint.
    pub(super) fn latest(&self) -> Option<String> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The error of a checkpoint that is not stored. The sink has no file yet, so the effect did not happen.
    fn not_stored(&self, message: String) -> EndpointError {
        EndpointError::from(EndpointFailure {
            endpoint: self.source.clone(),
            operation: "checkpoint",
            subject: self.path.to_string(),
            kind: EndpointErrorKind::Other,
            disposition: Disposition::Retry { after: None },
            effect: EffectCertainty::None,
            reason: "checkpoint_failed".into(),
            hint: "check the disk that holds DATABASE_PATH: its space, its rights",
            message,
        })
    }
}

#[async_trait]
impl Checkpoint for IntentCheckpoint {
    async fn store(&self, resume: &str) -> Result<(), EndpointError> {
        match self.state.checkpoint_record(&self.path, self.key, resume).await {
            Ok(true) => {
                *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(resume.to_owned());
                Ok(())
            }
            Ok(false) => Err(self.not_stored("the effect has ended".to_owned())),
            Err(error) => Err(self.not_stored(error.to_string())),
        }
    }
}
