//! Reconciles one claimed path: looks it up again if the state is in doubt, follows the plan, records the outcome. Module `effect` sends an
//! effect whose intent is open. Module `content` uploads content.

use crate::apply::context::ApplyContext;
use crate::apply::error::{ApplyError, ignore_refused_permissions};
use crate::apply::executor::permits::Permit;
use crate::apply::sink::{EffectKind, EffectRequest, EffectResult, FilePart, SinkHandle};
use crate::endpoint::{ContentFault, EndpointError};
use crate::plan::{self, Effect, Planned, SkipReason, Verdict};
use crate::record::{FileRecord, Observation};
use crate::run::PathOutcome;
use crate::state::{Attempts, IntentKind, Lane, NotOpened, WorkItem};
use crate::{mutant, source, telemetry};

/// The maximum number of attempts in one operation, each with a lookup: an object may keep changing.
const MAX_ATTEMPTS: usize = 5;

/// The operation on one claimed path.
pub(in crate::apply) struct Operation<'a> {
    pub(super) context: &'a ApplyContext,
    /// The lane from which the path was claimed.
    pub(super) lane: Lane,
    /// The permit to call the endpoints; `None` = the operation makes no more calls.
    pub(super) permit: Option<Permit>,
    /// The attempts so far, for the history.
    pub(in crate::apply) attempts: Attempts,
}

/// The result of one attempt.
pub(super) enum Step {
    /// The operation on this path has ended.
    Ended(PathOutcome),
    /// A new lookup is needed, because the object has changed or its observation has no ETag. Holds the error of a
    /// failed GET. The operation returns it if no attempt succeeds, because lookups may succeed while the GET fails.
    LookUpAgain(Option<ApplyError>),
    /// The operation ended an intent, or could not open one because the state has changed: the path is read and planned again.
    PlanAgain,
}

impl From<NotOpened> for Step {
    fn from(not_opened: NotOpened) -> Self {
        match not_opened {
            NotOpened::Outdated => Self::PlanAgain,
            // The path stays due, and no lane claims it before the move is decided.
            NotOpened::MoveFirst => Self::Ended(PathOutcome::StaysPending),
        }
    }
}

impl<'a> Operation<'a> {
    /// Starts an operation for a path of this lane.
    pub(in crate::apply) fn new(context: &'a ApplyContext, lane: Lane, permit: Permit) -> Self {
        Self { context, lane, permit: Some(permit), attempts: Attempts::default() }
    }
}

impl Operation<'_> {
    /// Reconciles one path. After an error the path stays pending. An intent stays open only if one of its calls may have reached the sink.
    pub(in crate::apply) async fn reconcile(&mut self, work: WorkItem) -> Result<PathOutcome, ApplyError> {
        let path = work.path.clone();
        // An earlier run or process may have sent this effect: look the object up before deciding. The paths of `Lane::Deletion` have just
        // been looked up.
        let in_doubt =
            (work.intent.is_some() || work.permissions_intent.is_some()) && !mutant::is("an_open_intent_is_sent_again_without_a_look");
        let mut current = if in_doubt && self.lane != Lane::Deletion { self.look_up_again(&work).await? } else { Ok(work) };
        let mut get_error = None;
        for _ in 0..MAX_ATTEMPTS {
            let work = match current {
                Ok(work) => work,
                Err(outcome) => return Ok(outcome),
            };
            current = match self.attempt(&work).await? {
                Step::Ended(outcome) => return Ok(outcome),
                Step::LookUpAgain(error) => {
                    get_error = error;
                    self.look_up_again(&work).await?
                }
                Step::PlanAgain => self.context.state.work_item(&path).await?.ok_or(PathOutcome::Unchanged),
            };
        }
        let has_etag = |work: &WorkItem| {
            work.path_state.observed.as_ref().is_some_and(|observed| observed.facts.as_ref().is_some_and(|facts| facts.etag.is_some()))
        };
        let (fault, message) = match &current {
            Ok(work) if !has_etag(work) => (ContentFault::NoETag, "the answer to a HEAD has no ETag"),
            _ => (ContentFault::Replaced, "the object was replaced each time that we looked"),
        };
        Err(get_error.unwrap_or_else(|| EndpointError::of_content(self.context.source.id(), &path, fault, message).into()))
    }

    /// Makes one attempt.
    async fn attempt(&mut self, work: &WorkItem) -> Result<Step, ApplyError> {
        let verdict = plan::decide(&work.path, &work.path_state, self.context.state.policy());
        if work.intent.is_some() && mutant::is("an_open_intent_is_forgotten") {
            self.context.state.intent_refuse(&work.path, IntentKind::Content).await?;
            return Ok(Step::PlanAgain);
        }
        let mut open = work.intent.iter().chain(&work.permissions_intent);
        if open.any(|intent| !plan::is_still_planned(&intent.planned, &verdict)) {
            self.context.state.intents_abandon(&work.path).await?;
            return Ok(Step::PlanAgain);
        }
        match &verdict {
            Verdict::Do(planned) => telemetry::decided(planned.effect.as_str()),
            Verdict::Confirm(_) => telemetry::decided("confirm"),
            _ => {}
        }
        Ok(match verdict {
            Verdict::Look => Step::LookUpAgain(None),
            Verdict::Do(planned) if planned.effect == Effect::Delete => self.delete(work).await?,
            Verdict::Do(planned) if planned.effect == Effect::SetPermissions => self.change_permissions(work, planned).await?,
            Verdict::Do(planned) => self.send(work, planned).await?,
            Verdict::Confirm(planned) => self.confirm(work, planned).await?,
            Verdict::Nothing => Step::Ended(self.requeue_and_end(work, PathOutcome::Unchanged).await?),
            Verdict::Skip(_) | Verdict::TooLarge => Step::Ended(self.requeue_and_end(work, PathOutcome::NotDue).await?),
        })
    }

    async fn requeue_and_end(&self, work: &WorkItem, outcome: PathOutcome) -> Result<PathOutcome, ApplyError> {
        self.context.state.pending_requeue(&work.path).await?;
        Ok(outcome)
    }

    /// Looks up a path and stores the observation. Returns `Ok` with the work that remains, or `Err` with the outcome if none does.
    async fn look_up_again(&self, work: &WorkItem) -> Result<Result<WorkItem, PathOutcome>, ApplyError> {
        let path = &work.path;
        let seq = self.context.state.source().observation_next();
        let facts = source::look_up(self.context.source.as_ref(), path, self.context.options.retry).await?;
        let gone = facts.is_none();
        if gone && self.is_listed(work) {
            return Ok(Err(self.end_as_missing(path).await?));
        }
        self.context.state.source().observations_record(vec![Observation { path: path.clone(), facts, seq }]).await?;
        let outcome = if gone { PathOutcome::Skipped(SkipReason::NotInBucket) } else { PathOutcome::Unchanged };
        Ok(self.context.state.work_item(path).await?.ok_or(outcome))
    }

    /// Deletes the file in two cases: in `Lane::Deletion`, where a lookup has just found the key gone, and in `Lane::OpenIntent`, if the intent of
    /// a delete is open. In any other case it leaves the path pending until the lookup and the guard have released it.
    async fn delete(&mut self, work: &WorkItem) -> Result<Step, ApplyError> {
        if self.lane != Lane::Deletion && !(self.lane == Lane::OpenIntent && work.intent.is_some()) {
            return Ok(Step::Ended(self.requeue_and_end(work, PathOutcome::StaysPending).await?));
        }
        let opened = self.open_effect(work, work.intent.as_ref(), || self.context.intent(&work.path, Planned::delete())).await?;
        let mut effect = match opened {
            Ok(effect) => effect,
            Err(not_opened) => return Ok(not_opened.into()),
        };
        let (context, key, handle) = (self.context, effect.key(), SinkHandle::of(&work.path_state));
        let request = || EffectRequest { kind: EffectKind::Delete, path: &work.path, handle: handle.as_ref(), idempotency_key: key };
        let EffectResult { kept, .. } = self.call(&mut effect, || context.sink.perform(request())).await?;
        self.context.state.deleted_record(&work.path, self.attempts.clone()).await?;
        Ok(Step::Ended(PathOutcome::Deleted { kept }))
    }

    /// Asks the sink which content it has at this path. If the sink already holds the planned content, records it as applied and uploads nothing.
    async fn confirm(&mut self, work: &WorkItem, planned: Planned) -> Result<Step, ApplyError> {
        let Some(content) = &planned.content else { return self.send(work, planned).await };
        let handle = SinkHandle::of(&work.path_state);
        let ask = || self.context.sink.inspect(&work.path, handle.as_ref(), FilePart::Content);
        let held = match self.context.options.retry.run(ask).await {
            Ok(Some(held)) => held,
            Ok(None) => return self.send(work, Planned { effect: Effect::Create, ..planned }).await,
            Err(error) if error.is_refusal() => return self.send(work, planned).await,
            Err(error) => return Err(error.into()),
        };
        if held.content.as_ref() != Some(content) {
            return self.send(work, planned).await;
        }
        let permissions = match self.set_or_query_permissions(work, &planned.permissions).await {
            Ok(Err(not_opened)) => return Ok(not_opened.into()),
            Ok(Ok(permissions)) => permissions,
            Err(error) => ignore_refused_permissions(Err(error))?,
        };
        let facts = work.path_state.observed.as_ref().and_then(|observed| observed.facts.as_ref());
        let old = work.path_state.applied.as_ref().map(|row| &row.file);
        let file = FileRecord {
            file_path: work.path.clone(),
            permissions,
            size: Some(content.size),
            file_type: old.and_then(|old| old.file_type.clone()),
            last_modified: facts.and_then(|facts| facts.last_modified),
            internal_id: held.handle.map(|handle| handle.0).or_else(|| old.and_then(|old| old.internal_id.clone())),
            etag: Some(content.etag.clone()),
            storage_class: facts.and_then(|facts| facts.storage_class.clone()),
            version_id: facts.and_then(|facts| facts.version_id.clone()),
        };
        // No endpoint is called any more: free the permit before the wait for the disk.
        self.permit = None;
        self.context.state.applied_record(file, self.attempts.clone()).await?;
        Ok(Step::Ended(PathOutcome::Confirmed))
    }
}
