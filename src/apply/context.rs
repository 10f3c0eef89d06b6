//! The context of every operation: source, sink, state and options. The executor decides how many operations go on at a time.

use super::error::ApplyError;
use super::sink::Sink;
use crate::plan::Planned;
use crate::record::ObjectKey;
use crate::retry::RetryPolicy;
use crate::source::Source;
use crate::state::{Intent, SinkState};
use crate::{failpoint, mutant};
use std::sync::Arc;
use uuid::Uuid;

/// The options of all operations of a run.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// The run that acts.
    pub run: u64,
    /// The retry policy of each effect and each lookup.
    pub retry: RetryPolicy,
    /// True if checksums are compared; lengths always are.
    pub verify: bool,
}

/// From one source into one sink.
pub struct ApplyContext {
    pub(super) source: Arc<dyn Source>,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) state: SinkState,
    pub(super) options: ApplyOptions,
}

impl ApplyContext {
    /// Joins the endpoints and the sink's state.
    pub fn new(source: Arc<dyn Source>, sink: Arc<dyn Sink>, state: SinkState, options: ApplyOptions) -> Self {
        Self { source, sink, state, options }
    }

    /// Checks that source and sink can be used at all.
    pub(super) async fn endpoints_answer(&self) -> Result<(), ApplyError> {
        self.source.check().await?;
        self.sink_answers().await
    }

    /// True if only the sink failed: the other sinks of a run continue. A source that fails stops them all.
    pub(super) fn is_of_the_sink(&self, error: &ApplyError) -> bool {
        matches!(error, ApplyError::Endpoint(error) if error.endpoint != *self.source.id())
    }

    /// Probes the sink alone.
    pub(super) async fn sink_answers(&self) -> Result<(), ApplyError> {
        Ok(self.sink.check().await?)
    }

    /// A new intent for a planned effect.
    pub(super) fn intent(&self, path: &ObjectKey, planned: Planned) -> Intent {
        let (path, run) = (path.clone(), self.options.run);
        let idempotency_key =
            if mutant::is("a_key_is_of_the_content") { mutant::key_of(&format!("{path} {planned:?}")) } else { Uuid::new_v4() };
        Intent { path, new_path: None, idempotency_key, planned, file_type: None, metadata: None, run }
    }

    /// Commits the intents of one operation: their calls may go out then.
    pub(super) async fn open(&self, intents: Vec<Intent>) -> Result<(), ApplyError> {
        self.state.intents_open(intents).await?;
        failpoint::reach(failpoint::BETWEEN_INTENT_AND_CALL).await;
        Ok(())
    }
}
