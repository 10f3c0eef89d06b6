//! The file manager as a sink: its doors, its state, and what it is told once for all paths. What becomes of one path is the
//! operation's concern, many paths at a time are the executor's.

use super::error::ApplyError;
use crate::file_manager::FileManager;
use crate::plan::Planned;
use crate::record::ObjectKey;
use crate::retry::RetryPolicy;
use crate::s3::ReadBucket;
use crate::state::{Intent, SinkState};
use crate::{failpoint, mutant};
use std::sync::Arc;
use uuid::Uuid;

/// What the sink is told once for all paths.
#[derive(Clone, Debug)]
pub struct SinkOptions {
    /// The run that acts.
    pub run: u64,
    /// For each effect and each look.
    pub retry: RetryPolicy,
    /// Whether checksums are compared; lengths always are.
    pub verify: bool,
}

/// From the bucket into the file manager.
pub struct FileManagerSink {
    pub(super) bucket: Arc<dyn ReadBucket>,
    pub(super) file_manager: Arc<dyn FileManager>,
    pub(super) state: SinkState,
    pub(super) options: SinkOptions,
}

impl FileManagerSink {
    /// Joins the doors and the state.
    pub fn new(bucket: Arc<dyn ReadBucket>, file_manager: Arc<dyn FileManager>, state: SinkState, options: SinkOptions) -> Self {
        Self { bucket, file_manager, state, options }
    }

    /// Whether bucket and file manager can be used at all.
    pub async fn doors_open(&self) -> Result<(), ApplyError> {
        self.bucket.head_bucket().await?;
        Ok(self.file_manager.health().await?)
    }

    /// Whether the file manager answers: what the bucket does is no concern of one sink.
    pub(super) async fn answers(&self) -> Result<(), ApplyError> {
        Ok(self.file_manager.health().await?)
    }

    /// An effect that is meant now.
    pub(super) fn intent(&self, path: &ObjectKey, planned: Planned) -> Intent {
        let (path, run) = (path.clone(), self.options.run);
        let idempotency_key =
            if mutant::is("a_key_is_of_the_content") { mutant::key_of(&format!("{path} {planned:?}")) } else { Uuid::new_v4() };
        Intent { path, new_path: None, idempotency_key, planned, file_type: None, metadata: None, run }
    }

    /// Commits the intents of one operation: their calls may go out then.
    pub(super) async fn open(&self, intents: Vec<Intent>) -> Result<(), ApplyError> {
        self.state.open_intents(intents).await?;
        failpoint::reach(failpoint::BETWEEN_INTENT_AND_CALL).await;
        Ok(())
    }
}
