//! One path, brought into line: looks again where the state is in doubt, follows the decision, records what came of it.
//! One attempt at a call is `sending`'s concern, many paths at a time are the executor's.

use super::{ApplyError, Ending};
use crate::file_manager::{FileManager, FileManagerError, FileManagerErrorKind, IdempotencyKey, SaveOperation, SaveRequest};
use crate::plan::{self, Effect, Planned, SkipReason, Verdict};
use crate::record::{FileRecord, ObjectKey};
use crate::retry::RetryPolicy;
use crate::s3::{ReadBucket, S3Error, S3ErrorKind};
use crate::state::{Intent, Lane, LookedAt, Plane, State, Work};
use crate::{failpoint, listing, mutant, telemetry};
use std::sync::Arc;
use uuid::Uuid;

/// How often one operation looks again at an object that keeps changing under it.
const LOOKS_MOST: usize = 5;

/// What the sink is told once for all paths.
#[derive(Clone, Debug)]
pub struct SinkOptions {
    /// The run that acts.
    pub run: u64,
    /// The bounds of the plan.
    pub limits: plan::Limits,
    /// For each effect and each look.
    pub retry: RetryPolicy,
    /// Whether checksums are compared; lengths always are.
    pub verify: bool,
}

/// From the bucket into the file manager.
pub struct FileManagerSink {
    pub(super) bucket: Arc<dyn ReadBucket>,
    pub(super) file_manager: Arc<dyn FileManager>,
    pub(super) state: State,
    pub(super) options: SinkOptions,
}

/// What came of one try.
pub(super) enum Step {
    /// This path is done with.
    Ended(Ending),
    /// The object is no longer what the newest look showed; with what said so, where looks alone may never agree with it.
    LookAgain(Option<ApplyError>),
}

impl FileManagerSink {
    /// Joins the doors and the state.
    pub fn new(bucket: Arc<dyn ReadBucket>, file_manager: Arc<dyn FileManager>, state: State, options: SinkOptions) -> Self {
        Self { bucket, file_manager, state, options }
    }

    /// Whether bucket and file manager can be used at all.
    pub async fn doors_open(&self) -> Result<(), ApplyError> {
        self.bucket.head_bucket().await?;
        Ok(self.file_manager.health().await?)
    }

    /// Brings one path to where it belongs. With an error the path is still pending, an open intent still open.
    pub async fn bring(&self, work: Work, lane: Lane) -> Result<Ending, ApplyError> {
        let path = work.path.clone();
        // A call of an earlier process may have had its effect: what is meant now hangs on what is there now. (In the
        // lane of the absent, the look has just been made.)
        let in_doubt =
            (work.intent.is_some() || work.permissions_intent.is_some()) && !mutant::is("an_open_intent_is_sent_again_without_a_look");
        let mut now = if in_doubt && lane != Lane::Absent { self.look_again(&path).await? } else { Ok(work) };
        let mut disagreed = None;
        for _ in 0..LOOKS_MOST {
            let work = match now {
                Ok(work) => work,
                Err(ending) => return Ok(ending),
            };
            now = match self.step(&work, lane).await? {
                Some(Step::Ended(ending)) => return Ok(ending),
                Some(Step::LookAgain(why)) => {
                    disagreed = why;
                    self.look_again(&path).await?
                }
                None => self.state.work(&path).await?.ok_or(Ending::Unchanged),
            };
        }
        let words = "the object was replaced each time that we looked";
        Err(disagreed.unwrap_or_else(|| S3Error::new("GetObject", &path, S3ErrorKind::PreconditionFailed, words).into()))
    }

    /// One try; `None` = an intent ended and the path is to be decided anew.
    async fn step(&self, work: &Work, lane: Lane) -> Result<Option<Step>, ApplyError> {
        let verdict = plan::decide(&work.path, &work.sides, self.options.limits);
        if work.intent.is_some() && mutant::is("an_open_intent_is_forgotten") {
            self.state.refused(&work.path, Plane::Content).await?;
            return Ok(None);
        }
        let mut open = work.intent.iter().chain(&work.permissions_intent);
        if open.any(|intent| !plan::still_meant(&intent.planned, &verdict)) {
            self.state.end_intents(&work.path).await?;
            return Ok(None);
        }
        match &verdict {
            Verdict::Do(planned) => telemetry::decided(planned.effect.as_str()),
            Verdict::Confirm(_) => telemetry::decided("confirm"),
            _ => {}
        }
        Ok(Some(match verdict {
            Verdict::Look => Step::LookAgain(None),
            Verdict::Do(planned) if planned.effect == Effect::Delete => Step::Ended(self.delete(work, lane).await?),
            Verdict::Do(planned) if planned.effect == Effect::SetPermissions => return self.change_permissions(work, planned).await,
            Verdict::Do(planned) => self.send(work, planned, lane).await?,
            Verdict::Confirm(planned) => self.confirm(work, planned, lane).await?,
            Verdict::Nothing => Step::Ended(self.aside(work, Ending::Unchanged).await?),
            Verdict::Skip(_) | Verdict::TooLarge => Step::Ended(self.aside(work, Ending::PutAside).await?),
        }))
    }

    async fn aside(&self, work: &Work, ending: Ending) -> Result<Ending, ApplyError> {
        self.state.settle(&work.path).await?;
        Ok(ending)
    }

    /// Looks at a path, stores it, and returns what is to be done about it now, or how it ended.
    async fn look_again(&self, path: &ObjectKey) -> Result<Result<Work, Ending>, ApplyError> {
        let look = self.state.next_look();
        let facts = listing::look_at(self.bucket.as_ref(), path, self.options.retry).await?;
        let gone = facts.is_none();
        self.state.commit_looks(vec![LookedAt { path: path.clone(), facts, look }]).await?;
        let nothing = if gone { Ending::Skipped(SkipReason::NotInBucket) } else { Ending::Unchanged };
        Ok(self.state.work(path).await?.ok_or(nothing))
    }

    /// Deletes, in the lane where a look has just found the key gone; elsewhere the path waits for that look, and for the
    /// guard. What was already sent and has no outcome is sent again where it is found.
    async fn delete(&self, work: &Work, lane: Lane) -> Result<Ending, ApplyError> {
        if lane != Lane::Absent && !(lane == Lane::Open && work.intent.is_some()) {
            return self.aside(work, Ending::Waits).await;
        }
        let intent = match &work.intent {
            Some(open) => open.clone(),
            None => self.open(vec![self.intent(&work.path, Planned::delete())]).await?.remove(0),
        };
        let mut attempts = self.options.retry.begin();
        let mut sent_before = work.intent.is_some();
        loop {
            let request = SaveRequest {
                operation: SaveOperation::Delete,
                path: work.path.clone(),
                new_path: None,
                content: None,
                metadata: serde_json::Map::new(),
                idempotency_key: Some(IdempotencyKey(intent.idempotency_key)),
            };
            match self.file_manager.save(request).await {
                Ok(_) => break,
                // Another file manager's way to say that it is done.
                Err(error) if error.kind == FileManagerErrorKind::NotFound => break,
                Err(error) => match attempts.next_wait(&error) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(self.refused((&work.path, Plane::Content), sent_before, error).await),
                },
            }
            sent_before = true;
        }
        failpoint::reach(failpoint::BETWEEN_CALL_AND_OUTCOME).await;
        self.state.deleted(&work.path).await?;
        Ok(Ending::Deleted)
    }

    /// Asks the file manager what it holds: when that is this content, no byte is sent.
    async fn confirm(&self, work: &Work, planned: Planned, lane: Lane) -> Result<Step, ApplyError> {
        let Some(content) = &planned.content else { return self.send(work, planned, lane).await };
        let answer = self.options.retry.run(|| self.file_manager.save(get(&work.path))).await;
        let saved = match answer {
            Ok(saved) => saved,
            Err(error) if error.kind == FileManagerErrorKind::NotFound => {
                return self.send(work, Planned { effect: Effect::Create, ..planned }, lane).await;
            }
            Err(error) if error.kind.is_definite_refusal() => return self.send(work, planned, lane).await,
            Err(error) => return Err(error.into()),
        };
        let etag = saved.metadata.as_ref().and_then(|metadata| metadata.get("etag")).and_then(serde_json::Value::as_str);
        if etag != Some(content.etag.as_str()) || saved.size != Some(content.size) {
            return self.send(work, planned, lane).await;
        }
        let permissions = self.with_permissions(work, &planned.permissions).await?;
        let facts = work.sides.observed.as_ref().and_then(|observed| observed.facts.as_ref());
        let old = work.sides.applied.as_ref().map(|row| &row.file);
        self.state
            .applied(FileRecord {
                file_path: work.path.clone(),
                permissions,
                size: Some(content.size),
                file_type: old.and_then(|old| old.file_type.clone()),
                last_modified: facts.and_then(|facts| facts.last_modified),
                internal_id: saved.internal_id.or_else(|| old.and_then(|old| old.internal_id.clone())),
                etag: Some(content.etag.clone()),
                storage_class: facts.and_then(|facts| facts.storage_class.clone()),
                version_id: facts.and_then(|facts| facts.version_id.clone()),
            })
            .await?;
        Ok(Step::Ended(Ending::Confirmed))
    }

    /// An effect that is meant now.
    pub(super) fn intent(&self, path: &ObjectKey, planned: Planned) -> Intent {
        let (path, run) = (path.clone(), self.options.run);
        let idempotency_key =
            if mutant::is("a_key_is_of_the_content") { mutant::key_of(&format!("{path} {planned:?}")) } else { Uuid::new_v4() };
        Intent { path, new_path: None, idempotency_key, planned, file_type: None, metadata: None, run }
    }

    /// Commits the intents of one operation: their calls may go out then.
    pub(super) async fn open(&self, intents: Vec<Intent>) -> Result<Vec<Intent>, ApplyError> {
        self.state.open_intents(intents.clone()).await?;
        failpoint::reach(failpoint::BETWEEN_INTENT_AND_CALL).await;
        Ok(intents)
    }

    /// Ends the intent of an effect that was refused for good. Where the same intent was sent before without an answer,
    /// that may have had its effect, and only a ledger could tell: its path is unconfirmed.
    pub(super) async fn refused(&self, (path, plane): (&ObjectKey, Plane), sent_before: bool, error: FileManagerError) -> ApplyError {
        if !error.kind.is_definite_refusal() {
            return error.into();
        }
        let ended = if sent_before && !mutant::is("a_refusal_after_no_answer_is_final") {
            self.state.end_intents(path).await
        } else {
            self.state.refused(path, plane).await
        };
        ended.err().map_or_else(|| error.into(), ApplyError::from)
    }
}

fn get(path: &ObjectKey) -> SaveRequest {
    SaveRequest {
        operation: SaveOperation::Get,
        path: path.clone(),
        new_path: None,
        content: None,
        metadata: serde_json::Map::new(),
        idempotency_key: None,
    }
}
