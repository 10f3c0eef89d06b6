//! The context of every operation: source, sink, state and options. The executor limits the number of concurrent operations.

use super::error::ApplyError;
use super::sink::Sink;
use crate::plan::Planned;
use crate::record::ObjectKey;
use crate::retry::RetryPolicy;
use crate::run::OwnListing;
use crate::source::Source;
use crate::state::{DecidedOn, Intent, NotOpened, SinkState};
use crate::{failpoint, mutant};
use std::sync::Arc;
use uuid::Uuid;

/// The options of all operations of a run.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// The number of the run.
    pub run: u64,
    /// The retry policy of each effect and each lookup.
    pub retry: RetryPolicy,
    /// True if the engine compares checksums. It always compares lengths.
    pub verify: bool,
}

/// Everything that the operations of one sink share.
pub struct ApplyContext {
    pub(super) source: Arc<dyn Source>,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) state: SinkState,
    pub(super) options: ApplyOptions,
    /// The listing of the run.
    pub(super) listing: OwnListing,
}

impl ApplyContext {
    /// Combines source, sink, the sink's state, the options and the listing of the run.
    pub fn new(source: Arc<dyn Source>, sink: Arc<dyn Sink>, state: SinkState, options: ApplyOptions, listing: OwnListing) -> Self {
        Self { source, sink, state, options, listing }
    }

    /// Probes the source and then the sink. Returns the error of the first that cannot be used.
    pub(super) async fn check_endpoints(&self) -> Result<(), ApplyError> {
        self.source.check().await?;
        self.check_sink().await
    }

    /// True if the sink caused the error. Then the other sinks of the run continue. An error of the source or of the state stops all of
    /// them.
    pub(super) fn is_caused_by_sink(&self, error: &ApplyError) -> bool {
        matches!(error, ApplyError::Endpoint(error) if error.endpoint != *self.source.id())
    }

    /// Probes the sink only.
    pub(super) async fn check_sink(&self) -> Result<(), ApplyError> {
        Ok(self.sink.check().await?)
    }

    /// Creates the intent of a planned effect, with a new idempotency key.
    pub(super) fn intent(&self, path: &ObjectKey, planned: Planned) -> Intent {
        let (path, run) = (path.clone(), self.options.run);
        let idempotency_key =
            if mutant::is("a_key_is_of_the_content") { mutant::key_of(&format!("{path} {planned:?}")) } else { Uuid::new_v4() };
        Intent { path, new_path: None, idempotency_key, planned, file_type: None, metadata: None, resume: None, run }
    }

    /// Commits the intents of one operation on a path, if the facts on which it was decided still hold. Their calls may be sent only after
    /// this returns without a [`NotOpened`].
    pub(super) async fn open(&self, decided_on: DecidedOn, intents: Vec<Intent>) -> Result<Result<(), NotOpened>, ApplyError> {
        let opened = self.state.intents_open(decided_on, intents).await?;
        failpoint::reach(failpoint::BETWEEN_INTENT_AND_CALL).await;
        Ok(opened)
    }

    /// Commits the intent of a rename or a move, as [`ApplyContext::open`]. Returns `false` if it is not planned any more.
    pub(super) async fn open_move(&self, intent: Intent) -> Result<bool, ApplyError> {
        let is_open = self.state.move_intent_open(intent).await?;
        failpoint::reach(failpoint::BETWEEN_INTENT_AND_CALL).await;
        Ok(is_open)
    }
}
