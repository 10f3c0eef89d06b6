//! Uploads content. One attempt is one GET, one call for the permissions, and one call that streams and verifies the content. A transient
//! failure leads to another attempt, so `RETRY_ATTEMPTS` bounds GET and upload together.

use super::checkpoint::IntentCheckpoint;
use super::effect::OpenEffect;
use super::intent_metadata;
use super::reconcile_path::{Operation, Step};
use crate::apply::error::{ApplyError, ignore_refused_permissions};
use crate::apply::sink::{Content, EffectKind, EffectRequest, EffectResult, SinkHandle};
use crate::endpoint::EndpointErrorKind;
use crate::mutant;
use crate::plan::{Effect, Planned, SkipReason};
use crate::record::{FileRecord, ObjectFacts, Observation, ObservationSeq, Permissions};
use crate::run::PathOutcome;
use crate::source::Opened;
use crate::state::{Intent, Lane, NotOpened, WorkItem};
use crate::telemetry;
use crate::transfer::{self, Verification};
use futures::future::OptionFuture;
use std::sync::Arc;

/// The MIME type of an object without one.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// The upload of one path's content, over all attempts.
struct Upload<'a, 'context> {
    operation: &'a mut Operation<'context>,
    work: &'a WorkItem,
    planned: Planned,
    /// The observation number of the last GET.
    seq: ObservationSeq,
    /// The effect on the content, once its intent is open.
    effect: Option<OpenEffect>,
    /// The effect on the permissions that are set with the content, if any are.
    permissions_effect: Option<OpenEffect>,
    /// The permissions that the sink has, once they were set or queried. Later attempts reuse them.
    permissions: Option<Permissions>,
}

impl Operation<'_> {
    /// Uploads the object's content, with the attempts of the retry policy.
    pub(super) async fn send(&mut self, work: &WorkItem, planned: Planned) -> Result<Step, ApplyError> {
        telemetry::decided(planned.effect.as_str());
        let (effect, permissions_effect) =
            (work.intent.as_ref().map(OpenEffect::resumed), work.permissions_intent.as_ref().map(OpenEffect::resumed));
        let (seq, policy) = (self.context.state.source().observation_next(), self.context.options.retry);
        let mut upload = Upload { operation: self, work, planned, seq, effect, permissions_effect, permissions: None };
        let mut attempts = policy.begin();
        loop {
            upload.operation.attempts.made += 1;
            let error = match upload.attempt().await {
                Ok(step) => return Ok(step),
                Err(error) => error,
            };
            upload.operation.record_failed_attempt(&error);
            let Some(wait) = attempts.next_wait(&error) else {
                let effects: Vec<_> = upload.permissions_effect.iter().chain(&upload.effect).collect();
                return Err(upload.operation.give_up(&effects, error).await);
            };
            tracing::debug!(key = %work.path, reason = error.reason(), %error, wait_ms = wait.as_millis(), "attempt failed");
            tokio::time::sleep(wait).await;
        }
    }
}

impl Upload<'_, '_> {
    async fn attempt(&mut self) -> Result<Step, ApplyError> {
        let Opened { facts, content_type, checksum, body } = match self.open().await? {
            Ok(opened) => opened,
            Err(step) => return Ok(step),
        };
        // A query changes nothing in the sink, so it need not wait until the intent is committed.
        let (context, work) = (self.operation.context, self.work);
        let query = OptionFuture::from(self.must_query_permissions().then(|| context.query_permissions(work)));
        let (opened, queried) = tokio::join!(self.open_intents((&facts, content_type.as_deref())), query);
        if let Err(not_opened) = opened? {
            return Ok(not_opened.into());
        }
        if let Some(queried) = queried {
            self.permissions = Some(queried?);
        }
        if self.permissions.is_none() {
            self.permissions = Some(self.permissions_of_file().await?);
        }
        if mutant::is("an_outcome_is_recorded_before_its_call") {
            self.record((facts.clone(), content_type.clone()), EffectResult::default(), true).await?;
        }
        let effect = self.effect.as_mut().expect("invariant: the content's intent is open by now");
        let checksum = checksum.filter(|_| context.options.verify && !mutant::is("a_body_is_not_verified"));
        let (body, verdict) = transfer::verified(body, (context.source.id(), &work.path), facts.size, checksum);
        let checkpoint = Arc::new(IntentCheckpoint::new(&context.state, context.source.id(), &effect.intent));
        let sent = Content {
            source: context.source.id().clone(),
            facts: intent_metadata::from_json(effect.intent.metadata.as_deref(), &facts),
            content_type: effect.intent.file_type.clone().unwrap_or_else(|| UNKNOWN_TYPE.to_owned()),
            body,
            resume: effect.intent.resume.clone(),
            checkpoint: checkpoint.clone(),
        };
        let kind = if self.planned.effect == Effect::Update { EffectKind::Update(sent) } else { EffectKind::Create(sent) };
        let handle = SinkHandle::of(&work.path_state);
        let request = EffectRequest { kind, path: effect.path(), handle: handle.as_ref(), idempotency_key: effect.key() };
        let answer = context.sink.perform(request).await;
        // The next attempt resumes what this one has transferred.
        effect.intent.resume = checkpoint.latest();
        match answer {
            Err(error) if error.kind == EndpointErrorKind::NotFound && self.planned.effect == Effect::Update => {
                self.turn_into_create().await?;
                Box::pin(self.attempt()).await
            }
            answer => {
                let performed = match self.operation.handle_answer(effect, answer).await {
                    // The source's error is more specific than the sink's.
                    Err(ApplyError::Endpoint(error)) if error.kind == EndpointErrorKind::BodyFailed => {
                        return Err(verdict.error().cloned().unwrap_or(error).into());
                    }
                    answered => answered?,
                };
                // No endpoint is called any more: free the permit before the wait for the disk.
                self.operation.permit = None;
                let verified = matches!(verdict.get(), Some(Ok(Verification::Verified(_))));
                self.record((facts, content_type), performed, verified).await
            }
        }
    }

    /// Turns the update into a create, because the sink does not have the file. The create is another effect with another key. The applied
    /// row becomes unconfirmed until the create has an outcome: the object may change back to the content of that row.
    async fn turn_into_create(&mut self) -> Result<(), ApplyError> {
        self.operation.context.state.intents_abandon(&self.work.path).await?;
        (self.effect, self.permissions_effect, self.permissions) = (None, None, None);
        if self.planned.permissions.is_empty() && self.operation.context.state.policy().has_permissions() {
            self.planned.permissions = self.work.path_state.wanted.clone();
        }
        self.planned.effect = Effect::Create;
        telemetry::decided(Effect::Create.as_str());
        Ok(())
    }

    /// Opens the object, if its content is still the planned content.
    async fn open(&mut self) -> Result<Result<Opened, Step>, ApplyError> {
        let path = &self.work.path;
        let facts = self.work.path_state.observed.as_ref().and_then(|observed| observed.facts.as_ref());
        // A listing may have no ETags. Then the expected content is the one that an earlier attempt began to send.
        let begun = self.effect.as_ref().and_then(|effect| effect.intent.planned.content.as_ref());
        let expected = facts.and_then(ObjectFacts::fingerprint).or_else(|| begun.cloned());
        self.seq = self.operation.context.state.source().observation_next();
        let opened = match self.operation.context.source.open(path, expected.as_ref(), None).await {
            Ok(opened) => opened,
            Err(error) => return self.handle_open_error(error.into()).await.map(Err),
        };
        // An observation without an ETag can be compared by size only.
        if facts.is_some_and(|facts| facts.etag.is_none() && facts.size != opened.facts.size) {
            return Ok(Err(Step::LookUpAgain(None)));
        }
        Ok(Ok(opened))
    }

    async fn handle_open_error(&self, error: ApplyError) -> Result<Step, ApplyError> {
        match error.kind() {
            Some(EndpointErrorKind::Replaced) => Ok(Step::LookUpAgain(Some(error))),
            // A lookup has just found the object, or a listing shows it. The error is kept: if lookups keep finding an object that GET does
            // not return, the operation ends with this error instead of an endless loop.
            Some(EndpointErrorKind::NotFound)
                if matches!(self.operation.lane, Lane::Deletion | Lane::OpenIntent) || self.operation.is_listed(self.work) =>
            {
                Ok(Step::LookUpAgain(Some(error)))
            }
            Some(EndpointErrorKind::NotFound) => {
                self.operation.context.state.pending_mark_possibly_deleted(&self.work.path).await?;
                Ok(Step::Ended(PathOutcome::StaysPending))
            }
            // An archived object is skipped only if the sink has no file at this path. Otherwise it is a failure, because the sink keeps
            // outdated content.
            Some(EndpointErrorKind::Archived) if self.effect.is_none() && self.work.path_state.applied.is_none() => {
                self.operation.context.state.pending_skip(&self.work.path, SkipReason::Archived).await?;
                Ok(Step::Ended(PathOutcome::Skipped(SkipReason::Archived)))
            }
            _ => Err(error),
        }
    }

    /// Opens the intents of this operation that are not open yet, with the metadata from the GET's headers.
    async fn open_intents(&mut self, (facts, content_type): (&ObjectFacts, Option<&str>)) -> Result<Result<(), NotOpened>, ApplyError> {
        let path = &self.work.path;
        let content = self.effect.is_none().then(|| {
            let planned = Planned { content: facts.fingerprint(), permissions: Permissions::default(), ..self.planned.clone() };
            Intent {
                file_type: Some(content_type.unwrap_or(UNKNOWN_TYPE).to_owned()),
                metadata: intent_metadata::to_json(facts),
                ..self.operation.context.intent(path, planned)
            }
        });
        let sets = self.permissions_effect.is_none() && !self.planned.permissions.is_empty();
        let permissions = sets.then(|| self.operation.permissions_intent(path, &self.planned.permissions));
        let missing: Vec<_> = content.iter().chain(&permissions).cloned().collect();
        if !missing.is_empty()
            && let Err(not_opened) = self.operation.context.open(self.work.into(), missing).await?
        {
            return Ok(Err(not_opened));
        }
        self.effect = self.effect.take().or(content.map(OpenEffect::new));
        self.permissions_effect = self.permissions_effect.take().or(permissions.map(OpenEffect::new));
        self.planned.effect = self.effect.as_ref().map_or(self.planned.effect, |effect| effect.intent.planned.effect);
        Ok(Ok(()))
    }

    /// True if the engine asks the sink for the permissions: for a new file for which no event reported any.
    fn must_query_permissions(&self) -> bool {
        let nothing_open = self.effect.is_none() && self.permissions_effect.is_none();
        let nothing_known = self.permissions.is_none() && self.planned.permissions.is_empty();
        nothing_open && nothing_known && self.planned.effect == Effect::Create
    }

    /// Returns the permissions that the file has with its new content, and sets them if some are planned. A confirmed file keeps its
    /// permissions. A refusal of the permissions does not block the content, unless the refusal also closed the content's intent.
    async fn permissions_of_file(&mut self) -> Result<Permissions, ApplyError> {
        match &self.work.path_state.applied {
            Some(row) if row.confirmed && self.planned.effect == Effect::Update => Ok(row.file.permissions.clone()),
            _ => {
                let answered = self.operation.attempt_permissions(self.work, self.permissions_effect.as_mut()).await;
                if self.permissions_effect.as_ref().is_some_and(OpenEffect::is_in_doubt) {
                    answered
                } else {
                    ignore_refused_permissions(answered)
                }
            }
        }
    }

    async fn record(
        &self,
        (received, content_type): (ObjectFacts, Option<String>),
        performed: EffectResult,
        verified: bool,
    ) -> Result<Step, ApplyError> {
        let observed_facts = self.work.path_state.observed.as_ref().and_then(|observed| observed.facts.as_ref());
        let old = self.work.path_state.applied.as_ref().map(|row| &row.file);
        let (bytes, kept) = (received.size, performed.kept);
        if observed_facts.is_none_or(|facts| facts.etag.is_none()) {
            // The observation has no ETag: the GET's headers complete it.
            let seen = Observation { path: self.work.path.clone(), facts: Some(received.clone()), seq: self.seq };
            self.operation.context.state.source().observations_record(vec![seen]).await?;
        }
        let file = FileRecord {
            file_path: self.work.path.clone(),
            permissions: self.permissions.clone().unwrap_or_default(),
            size: Some(bytes),
            file_type: Some(content_type.unwrap_or_else(|| UNKNOWN_TYPE.to_owned())),
            // The time of a listing is more precise than that of a header.
            last_modified: observed_facts.and_then(|facts| facts.last_modified).or(received.last_modified),
            internal_id: performed.handle.map(|handle| handle.0).or_else(|| old.and_then(|old| old.internal_id.clone())),
            etag: received.etag,
            storage_class: observed_facts.and_then(|facts| facts.storage_class.clone()).or(received.storage_class),
            version_id: received.version_id,
        };
        self.operation.context.state.applied_record(file, self.operation.attempts.clone()).await?;
        Ok(Step::Ended(PathOutcome::Sent { effect: self.planned.effect, bytes, verified, kept }))
    }
}
