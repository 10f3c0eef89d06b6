//! Checkpoints: how far the transfer of an open effect has come, in the sink's own words.

use crate::record::ObjectKey;
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::intents;
use uuid::Uuid;

impl SinkState {
    /// Stores the checkpoint of an open effect, which replaces an earlier one. Returns `false` if the effect has ended.
    pub async fn checkpoint_record(&self, path: &ObjectKey, key: Uuid, resume: &str) -> Result<bool, StateError> {
        let (path, resume) = (path.clone(), resume.to_owned());
        self.call(move |connection, sink| intents::write_resume(connection, sink, (&path, key), &resume)).await
    }
}
