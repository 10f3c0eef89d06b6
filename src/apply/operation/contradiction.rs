//! A contradiction of the store: the run's own listing shows a key, and a lookup says that it does not exist. That is no evidence for a
//! delete. The first time it may be a race, so the path is skipped until a listing shows the key again; from then on it is a failure.

use super::reconcile_path::Operation;
use crate::apply::error::ApplyError;
use crate::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind, EndpointFailure};
use crate::mutant;
use crate::plan::SkipReason;
use crate::record::ObjectKey;
use crate::retry::Disposition;
use crate::run::PathOutcome;
use crate::state::{Lane, WorkItem};

impl Operation<'_> {
    /// True if a 404 for the path contradicts a listing: that of this run, or the one after which the path was parked for this reason. The
    /// paths of `Lane::Deletion` were not listed, and those of `Lane::OpenIntent` are looked up before the listing.
    pub(super) fn is_listed(&self, work: &WorkItem) -> bool {
        let shown = self.context.listing.showed(work.path_state.observed.as_ref());
        matches!(self.lane, Lane::Small | Lane::Large)
            && (shown || work.listed_but_missing)
            && !mutant::is("a_404_of_a_listed_key_is_believed")
    }

    /// Handles a 404 for a path that is listed: skips it the first time, and fails later. The observation of the listing stays.
    pub(super) async fn end_as_missing(&self, path: &ObjectKey) -> Result<PathOutcome, ApplyError> {
        let state = &self.context.state;
        let Some(work) = state.work_item(path).await? else { return Ok(PathOutcome::Unchanged) };
        if work.intent.is_some() || work.permissions_intent.is_some() {
            // An attempt before the 404 may have reached the sink. A later run confirms the file, or deletes it with its object.
            state.intents_abandon(path).await?;
        }
        if work.listed_but_missing {
            return Err(self.missing(path).into());
        }
        state.pending_skip(path, SkipReason::ListedButMissing).await?;
        Ok(PathOutcome::Skipped(SkipReason::ListedButMissing))
    }

    fn missing(&self, path: &ObjectKey) -> EndpointError {
        EndpointError::from(EndpointFailure {
            endpoint: self.context.source.id().clone(),
            operation: "look up",
            subject: path.to_string(),
            kind: EndpointErrorKind::Other,
            disposition: Disposition::Fail,
            effect: EffectCertainty::None,
            reason: SkipReason::ListedButMissing.as_str().into(),
            hint: "check the store: it lists the object, and does not find it; what the sink has of it stays as it is",
            message: "listings show the object, and lookups say that it does not exist".to_owned(),
        })
    }
}
