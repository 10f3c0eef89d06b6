//! Reconciles one claimed path: looks it up again where the state is in doubt, follows the decision, records the outcome.
//! `effect` calls what has an open intent, `content` makes each attempt at sending content.

use crate::apply::context::ApplyContext;
use crate::apply::error::{ApplyError, not_held_back};
use crate::apply::executor::permits::Permit;
use crate::apply::sink::{Aspect, EffectKind, EffectRequest, SinkHandle};
use crate::endpoint::{ContentFault, EndpointError};
use crate::plan::{self, Effect, Planned, SkipReason, Verdict};
use crate::record::{FileRecord, ObjectKey, Observation};
use crate::run::PathOutcome;
use crate::state::{Attempts, Lane, Plane, WorkItem};
use crate::{mutant, source, telemetry};

/// The maximum number of repeated lookups in one operation, for an object that keeps changing.
const LOOKS_MOST: usize = 5;

/// The operation on one claimed path.
pub(in crate::apply) struct Operation<'a> {
    pub(super) context: &'a ApplyContext,
    /// The lane that the path was taken from.
    pub(super) lane: Lane,
    /// The permit to call the endpoints; `None` = the operation calls none any more.
    pub(super) place: Option<Permit>,
    /// The attempts so far, for the history.
    pub(in crate::apply) attempts: Attempts,
}

/// The result of one try.
pub(super) enum Step {
    /// The operation on this path has ended.
    Ended(PathOutcome),
    /// The object has changed since the newest lookup. Carries the error that showed it, where lookups alone may never agree with it.
    LookAgain(Option<ApplyError>),
}

impl<'a> Operation<'a> {
    /// Begins an operation in a lane.
    pub(in crate::apply) fn new(context: &'a ApplyContext, lane: Lane, place: Permit) -> Self {
        Self { context, lane, place: Some(place), attempts: Attempts::default() }
    }
}

impl Operation<'_> {
    /// Reconciles one path. After an error the path is still pending, and an open intent is still open.
    pub(in crate::apply) async fn bring(&mut self, work: WorkItem) -> Result<PathOutcome, ApplyError> {
        let path = work.path.clone();
        // A call of an earlier process may have had its effect: the decision depends on the present state of the object. (In the
        // lane of the absent, the lookup has just been made.)
        let in_doubt =
            (work.intent.is_some() || work.permissions_intent.is_some()) && !mutant::is("an_open_intent_is_sent_again_without_a_look");
        let mut now = if in_doubt && self.lane != Lane::Absent { self.look_again(&path).await? } else { Ok(work) };
        let mut disagreed = None;
        for _ in 0..LOOKS_MOST {
            let work = match now {
                Ok(work) => work,
                Err(ending) => return Ok(ending),
            };
            now = match self.step(&work).await? {
                Some(Step::Ended(ending)) => return Ok(ending),
                Some(Step::LookAgain(why)) => {
                    disagreed = why;
                    self.look_again(&path).await?
                }
                None => self.context.state.work_item(&path).await?.ok_or(PathOutcome::Unchanged),
            };
        }
        let words = "the object was replaced each time that we looked";
        let replaced = || EndpointError::of_content(self.context.source.id(), &path, ContentFault::Replaced, words).into();
        Err(disagreed.unwrap_or_else(replaced))
    }

    /// One try; `None` = an intent ended and the path is to be decided again.
    async fn step(&mut self, work: &WorkItem) -> Result<Option<Step>, ApplyError> {
        let verdict = plan::decide(&work.path, &work.sides, self.context.state.policy());
        if work.intent.is_some() && mutant::is("an_open_intent_is_forgotten") {
            self.context.state.intent_refuse(&work.path, Plane::Content).await?;
            return Ok(None);
        }
        let mut open = work.intent.iter().chain(&work.permissions_intent);
        if open.any(|intent| !plan::still_meant(&intent.planned, &verdict)) {
            self.context.state.intents_abandon(&work.path).await?;
            return Ok(None);
        }
        match &verdict {
            Verdict::Do(planned) => telemetry::decided(planned.effect.as_str()),
            Verdict::Confirm(_) => telemetry::decided("confirm"),
            _ => {}
        }
        Ok(Some(match verdict {
            Verdict::Look => Step::LookAgain(None),
            Verdict::Do(planned) if planned.effect == Effect::Delete => Step::Ended(self.delete(work).await?),
            Verdict::Do(planned) if planned.effect == Effect::SetPermissions => return self.change_permissions(work, planned).await,
            Verdict::Do(planned) => self.send(work, planned).await?,
            Verdict::Confirm(planned) => self.confirm(work, planned).await?,
            Verdict::Nothing => Step::Ended(self.aside(work, PathOutcome::Unchanged).await?),
            Verdict::Skip(_) | Verdict::TooLarge => Step::Ended(self.aside(work, PathOutcome::PutAside).await?),
        }))
    }

    async fn aside(&self, work: &WorkItem, ending: PathOutcome) -> Result<PathOutcome, ApplyError> {
        self.context.state.pending_requeue(&work.path).await?;
        Ok(ending)
    }

    /// Looks up a path, stores the observation and returns the work that follows, or the outcome.
    async fn look_again(&self, path: &ObjectKey) -> Result<Result<WorkItem, PathOutcome>, ApplyError> {
        let look = self.context.state.source().observation_next();
        let facts = source::look_at(self.context.source.as_ref(), path, self.context.options.retry).await?;
        let gone = facts.is_none();
        self.context.state.source().observations_record(vec![Observation { path: path.clone(), facts, look }]).await?;
        let nothing = if gone { PathOutcome::Skipped(SkipReason::NotInBucket) } else { PathOutcome::Unchanged };
        Ok(self.context.state.work_item(path).await?.ok_or(nothing))
    }

    /// Deletes in the lane where a lookup has just found the key gone. Elsewhere the path waits for that lookup and for the
    /// guard. In the open lane, a delete without an outcome is sent again.
    async fn delete(&mut self, work: &WorkItem) -> Result<PathOutcome, ApplyError> {
        if self.lane != Lane::Absent && !(self.lane == Lane::Open && work.intent.is_some()) {
            return self.aside(work, PathOutcome::Waits).await;
        }
        let mut effect = self.effect(work.intent.as_ref(), || self.context.intent(&work.path, Planned::delete())).await?;
        let (context, key, handle) = (self.context, effect.key(), SinkHandle::of(&work.sides));
        let request = || EffectRequest { kind: EffectKind::Delete, path: &work.path, handle: handle.as_ref(), key };
        self.call(&mut effect, || context.sink.perform(request())).await?;
        self.context.state.deleted_record(&work.path, self.attempts.clone()).await?;
        Ok(PathOutcome::Deleted)
    }

    /// Asks the sink what it holds: when that is this content, no byte is sent.
    async fn confirm(&mut self, work: &WorkItem, planned: Planned) -> Result<Step, ApplyError> {
        let Some(content) = &planned.content else { return self.send(work, planned).await };
        let handle = SinkHandle::of(&work.sides);
        let ask = || self.context.sink.inspect(&work.path, handle.as_ref(), Aspect::Content);
        let held = match self.context.options.retry.run(ask).await {
            Ok(Some(held)) => held,
            Ok(None) => return self.send(work, Planned { effect: Effect::Create, ..planned }).await,
            Err(error) if error.is_refusal() => return self.send(work, planned).await,
            Err(error) => return Err(error.into()),
        };
        if held.content.as_ref() != Some(content) {
            return self.send(work, planned).await;
        }
        let permissions = not_held_back(self.with_permissions(work, &planned.permissions).await)?;
        let facts = work.sides.observed.as_ref().and_then(|observed| observed.facts.as_ref());
        let old = work.sides.applied.as_ref().map(|row| &row.file);
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
        self.place = None;
        self.context.state.applied_record(file, self.attempts.clone()).await?;
        Ok(Step::Ended(PathOutcome::Confirmed))
    }
}
