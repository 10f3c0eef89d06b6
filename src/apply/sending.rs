//! Content on its way: one GET, one permissions call, one `saveToDisk`, streamed and verified; and another attempt where
//! a failure may pass.

use super::sink::{FileManagerSink, Step};
use super::{ApplyError, Ending};
use crate::file_manager::{Content, FileManagerErrorKind, IdempotencyKey, SaveOperation, SaveRequest, Saved};
use crate::plan::{Effect, Planned, SkipReason};
use crate::record::{ETag, FileRecord, Look, ObjectFacts, Permissions};
use crate::s3::{GetObject, GetRequest, ObjectHead, S3Error, S3ErrorKind};
use crate::state::{Intent, Lane, LookedAt, Plane, Work};
use crate::telemetry;
use crate::transfer::{self, Verification};
use crate::{failpoint, mutant};
use serde_json::{Map, Value, json};

/// What a MIME type is when the object has none.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// One path's content, over all its attempts.
struct Sending<'a> {
    sink: &'a FileManagerSink,
    work: Work,
    planned: Planned,
    lane: Lane,
    /// The number of the last GET.
    look: Look,
    /// Whether the open intent went out before and was not answered.
    sent_before: bool,
    /// The same of the permissions that go with it.
    permissions_sent_before: bool,
    /// Set or asked once.
    permissions: Option<Permissions>,
}

impl FileManagerSink {
    /// Sends the object's content, with as many attempts as the policy gives.
    pub(super) async fn send(&self, work: &Work, planned: Planned, lane: Lane) -> Result<Step, ApplyError> {
        telemetry::decided(planned.effect.as_str());
        let (sent_before, permissions_sent_before) = (work.intent.is_some(), work.permissions_intent.is_some());
        let look = self.state.next_look();
        let mut sending =
            Sending { sink: self, work: work.clone(), planned, lane, look, sent_before, permissions_sent_before, permissions: None };
        let mut attempts = self.options.retry.begin();
        loop {
            let error = match sending.attempt().await {
                Ok(step) => return Ok(step),
                Err(error) => error,
            };
            let Some(wait) = attempts.next_wait(&error) else { return Err(error) };
            tracing::debug!(key = %work.path, reason = error.reason(), %error, wait_ms = wait.as_millis(), "attempt failed");
            tokio::time::sleep(wait).await;
        }
    }
}

impl Sending<'_> {
    async fn attempt(&mut self) -> Result<Step, ApplyError> {
        let GetObject { head, body } = match self.open().await? {
            Ok(object) => object,
            Err(step) => return Ok(step),
        };
        let intent = self.intents(&head).await?;
        if self.permissions.is_none() {
            self.permissions = Some(self.permissions().await?);
        }
        let checksum = head.checksum.clone().filter(|_| self.sink.options.verify && !mutant::is("a_body_is_not_verified"));
        let (body, verdict) = transfer::verified(body, &self.work.path, head.facts.size, checksum);
        let request = SaveRequest {
            operation: if self.planned.effect == Effect::Update { SaveOperation::Update } else { SaveOperation::Create },
            path: self.work.path.clone(),
            new_path: None,
            content: Some(Content {
                size: head.facts.size,
                file_type: intent.file_type.clone().unwrap_or_else(|| UNKNOWN_TYPE.to_owned()),
                body: transfer::into_content_stream(body),
            }),
            metadata: intent.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
            idempotency_key: Some(IdempotencyKey(intent.idempotency_key)),
        };
        if mutant::is("an_outcome_is_recorded_before_its_call") {
            self.record(head.clone(), Saved::default(), true).await?;
        }
        match self.sink.file_manager.save(request).await {
            Ok(saved) => {
                failpoint::reach(failpoint::BETWEEN_CALL_AND_OUTCOME).await;
                let verified = matches!(verdict.get(), Some(Ok(Verification::Verified(_))));
                self.record(head, saved, verified).await
            }
            Err(error) if error.kind == FileManagerErrorKind::NotFound && self.planned.effect == Effect::Update => {
                // It does not have the path after all: a create, which is another effect.
                self.sink.state.refused(&self.work.path, Plane::Content).await?;
                self.work.intent = None;
                self.sent_before = false;
                if self.planned.permissions.is_empty() {
                    (self.planned.permissions, self.permissions) = (self.work.sides.wanted.clone(), None);
                }
                self.planned.effect = Effect::Create;
                telemetry::decided(Effect::Create.as_str());
                Box::pin(self.attempt()).await
            }
            Err(error) if error.kind == FileManagerErrorKind::BodyFailed => {
                Err(verdict.error().cloned().map_or_else(|| error.into(), ApplyError::from))
            }
            Err(error) => {
                let sent_before = std::mem::replace(&mut self.sent_before, true);
                Err(self.sink.refused((&self.work.path, Plane::Content), sent_before, error).await)
            }
        }
    }

    /// Opens the object, if it still is the one that was decided about.
    async fn open(&mut self) -> Result<Result<GetObject, Step>, ApplyError> {
        let key = self.work.path.clone();
        let facts = self.work.sides.observed.as_ref().and_then(|observed| observed.facts.as_ref());
        // A listing may come without ETags: then what an earlier attempt began to send is what this one goes on with.
        let begun = self.work.intent.as_ref().and_then(|intent| intent.planned.content.as_ref());
        let if_match = facts.and_then(|facts| facts.etag.clone()).or_else(|| begun.map(|content| content.etag.clone()));
        self.look = self.sink.state.next_look();
        let object = match self.sink.bucket.get_object(GetRequest { key, if_match: if_match.clone() }).await {
            Ok(object) => object,
            Err(error) => return self.not_opened(error.into()).await.map(Err),
        };
        // Not every store heeds If-Match. Without an ETag in the listing, the GET's own is what becomes known.
        let got = &object.head.facts;
        if got.etag.is_none() {
            let words = "the answer has no ETag: without one, no later change of the object could be seen";
            return Err(S3Error::new("GetObject", &self.work.path, S3ErrorKind::Other, words).into());
        }
        if if_match.is_some_and(|expected| got.etag != Some(expected)) && !mutant::is("the_etag_of_a_get_is_not_compared") {
            return Ok(Err(Step::LookAgain(None)));
        }
        match facts {
            Some(facts) if facts.size != got.size && facts.etag.is_none() => Ok(Err(Step::LookAgain(None))),
            Some(facts) if facts.size != got.size => {
                let words = format!("the answer promises {} bytes, the object of this ETag has {}", got.size, facts.size);
                Err(S3Error::new("GetObject", &self.work.path, S3ErrorKind::ChecksumMismatch, &words).into())
            }
            _ => Ok(Ok(object)),
        }
    }

    async fn not_opened(&self, error: ApplyError) -> Result<Step, ApplyError> {
        if error.says_replaced() {
            return Ok(Step::LookAgain(None));
        }
        match &error {
            // A look has just found it. A store that goes on showing what it does not give is not to keep us busy for ever.
            ApplyError::S3(inner) if inner.kind == S3ErrorKind::NoSuchKey && matches!(self.lane, Lane::Absent | Lane::Open) => {
                Ok(Step::LookAgain(Some(error)))
            }
            ApplyError::S3(inner) if inner.kind == S3ErrorKind::NoSuchKey => {
                self.sink.state.suspect(&self.work.path).await?;
                Ok(Step::Ended(Ending::Waits))
            }
            // Of a file that the file manager has, or may have, an archived object is a failure: it keeps what is outdated.
            ApplyError::S3(inner)
                if inner.kind == S3ErrorKind::Archived && self.work.intent.is_none() && self.work.sides.applied.is_none() =>
            {
                self.sink.state.skip(&self.work.path, SkipReason::Archived).await?;
                Ok(Step::Ended(Ending::Skipped(SkipReason::Archived)))
            }
            _ => Err(error),
        }
    }

    /// The intents of this operation: the open ones, word for word, or new ones with what the GET's headers say; returns that
    /// of the content.
    async fn intents(&mut self, head: &ObjectHead) -> Result<Intent, ApplyError> {
        let mut missing = Vec::new();
        if self.work.intent.is_none() {
            let planned = Planned { content: head.facts.fingerprint(), permissions: Permissions::default(), ..self.planned.clone() };
            missing.push(Intent {
                file_type: Some(head.content_type.clone().unwrap_or_else(|| UNKNOWN_TYPE.to_owned())),
                metadata: Some(Value::Object(metadata(&head.facts)).to_string()),
                ..self.sink.intent(&self.work.path, planned)
            });
        }
        if self.work.permissions_intent.is_none() && !self.planned.permissions.is_empty() {
            missing.push(self.sink.permissions_intent(&self.work, &self.planned.permissions));
        }
        for opened in if missing.is_empty() { missing } else { self.sink.open(missing).await? } {
            let plane =
                if Plane::of(opened.planned.effect) == Plane::Content { &mut self.work.intent } else { &mut self.work.permissions_intent };
            *plane = Some(opened);
        }
        let intent = self.work.intent.clone().expect("invariant: the content's intent is open by now");
        self.planned.effect = intent.planned.effect;
        Ok(intent)
    }

    /// What the file manager is to hold beside the content. A known file keeps what it has.
    async fn permissions(&mut self) -> Result<Permissions, ApplyError> {
        match &self.work.sides.applied {
            Some(row) if row.confirmed && self.planned.effect == Effect::Update => Ok(row.file.permissions.clone()),
            _ => {
                let sent_before = std::mem::replace(&mut self.permissions_sent_before, true);
                self.sink.permissions(&self.work, sent_before).await
            }
        }
    }

    async fn record(&self, head: ObjectHead, saved: Saved, verified: bool) -> Result<Step, ApplyError> {
        let looked = self.work.sides.observed.as_ref().and_then(|observed| observed.facts.as_ref());
        let old = self.work.sides.applied.as_ref().map(|row| &row.file);
        let bytes = head.facts.size;
        if looked.is_none_or(|facts| facts.etag.is_none()) {
            // The listing told no ETag: this GET was the look that completes it.
            let seen = LookedAt { path: self.work.path.clone(), facts: Some(head.facts.clone()), look: self.look };
            self.sink.state.commit_looks(vec![seen]).await?;
        }
        let file = FileRecord {
            file_path: self.work.path.clone(),
            permissions: self.permissions.clone().unwrap_or_default(),
            size: Some(bytes),
            file_type: Some(head.content_type.unwrap_or_else(|| UNKNOWN_TYPE.to_owned())),
            // The listing's time is finer than the header's.
            last_modified: looked.and_then(|facts| facts.last_modified).or(head.facts.last_modified),
            internal_id: saved.internal_id.or_else(|| old.and_then(|old| old.internal_id.clone())),
            etag: head.facts.etag,
            storage_class: looked.and_then(|facts| facts.storage_class.clone()).or(head.facts.storage_class),
            version_id: head.facts.version_id,
        };
        self.sink.state.applied(file).await?;
        Ok(Step::Ended(Ending::Sent { effect: self.planned.effect, bytes, verified }))
    }
}

/// What the file manager keeps with the file: what a later `get` is compared with, and where it came from.
fn metadata(facts: &ObjectFacts) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert("etag".to_owned(), json!(facts.etag.as_ref().map(ETag::as_str)));
    // S3 names the class of a GET only when it is another.
    metadata.insert("storage_class".to_owned(), json!(facts.storage_class.as_deref().unwrap_or("STANDARD")));
    metadata.insert("source".to_owned(), json!("customer_s3"));
    if let Some(time) = facts.last_modified {
        metadata.insert("last_modified".to_owned(), json!(time.to_string()));
    }
    if let Some(version) = &facts.version_id {
        metadata.insert("version_id".to_owned(), json!(version));
    }
    metadata
}
