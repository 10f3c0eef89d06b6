//! The doors to the file manager and to the place where results are told, in a simulation: calls that take their time, meet
//! trouble before and after their effect, and whose deletes are judged.

use super::files::{Answer, Request, saved};
use super::op::ApiTrouble;
use super::world::World;
use async_trait::async_trait;
use futures::TryStreamExt as _;
use s3_sync::file_manager::{
    Content, FileManager, FileManagerError, FileManagerErrorKind, IdempotencyKey, ReportResults, SaveOperation, SaveRequest, Saved,
};
use s3_sync::record::{ObjectKey, Permissions};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The door.
pub(crate) struct Api(pub(crate) Arc<World>);

/// Frees the key of a request that was dropped before its end.
struct Reservation<'a>(&'a World, Uuid);

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.0.lock().files.release(self.1);
    }
}

impl Api {
    /// The trouble that this call meets, if any.
    fn trouble(&self) -> Option<ApiTrouble> {
        let mut inner = self.0.lock();
        let trouble = inner.api_trouble.pop_front();
        if let Some(trouble) = trouble {
            inner.counts.add(format!("API {trouble:?}"));
        }
        trouble
    }

    /// A call without an effect: what trouble there is strikes before the answer.
    pub(crate) async fn look<T>(
        &self,
        call: &str,
        answer: impl FnOnce() -> Result<T, FileManagerErrorKind>,
    ) -> Result<T, FileManagerError> {
        self.0.point().await;
        let answer = match self.trouble().and_then(instead) {
            Some(kind) => Err(kind),
            None => answer(),
        };
        self.tell(call, answer.as_ref().err());
        self.0.point().await;
        answer.map_err(error)
    }

    /// A call with an effect.
    async fn effect(&self, key: IdempotencyKey, request: Request, content: Option<Content>) -> Answer {
        self.0.point().await;
        if request.operation == "delete" {
            self.0.lock().deletes_sent.insert(key.0);
        }
        let trouble = self.trouble();
        if let Some(kind) = trouble.and_then(without_effect) {
            return Err(kind);
        }
        self.0.lock().files.start(key.0)?;
        let _reservation = Reservation(&self.0, key.0);
        let content = match content {
            None => None,
            Some(content) => Some(whole(content).await?),
        };
        self.0.point().await;
        let mut inner = self.0.lock();
        let inner = &mut *inner;
        if request.operation == "delete"
            && !inner.files.is_finished(key.0)
            && let Some(why) = inner.evidence.against_a_delete(&request.path)
        {
            inner.violated(why);
        }
        let (answer, wrong) = inner.files.handle(key.0, Request { content, ..request });
        if let Some(wrong) = wrong {
            inner.violated(wrong);
        }
        trouble.and_then(after_effect).map_or(answer, Err)
    }

    async fn answered(&self, key: IdempotencyKey, request: Request, content: Option<Content>) -> Result<Saved, FileManagerError> {
        let call = format!("{} {:?} {}", request.operation, request.path, request.new_path.as_deref().unwrap_or_default());
        let answer = self.effect(key, request, content).await;
        self.tell(&call, answer.as_ref().err());
        self.0.point().await;
        answer.map_err(error)
    }

    fn tell(&self, call: &str, failed: Option<&FileManagerErrorKind>) {
        let outcome = failed.map_or_else(|| "ok".to_owned(), FileManagerErrorKind::reason);
        self.0.lock().tell(format_args!("     api {call} -> {outcome}"));
    }
}

/// The bytes, if they are as many as were announced.
async fn whole(content: Content) -> Result<bytes::Bytes, FileManagerErrorKind> {
    let failed = |_| FileManagerErrorKind::BodyFailed;
    let chunks: Vec<bytes::Bytes> = content.body.try_collect().await.map_err(failed)?;
    let bytes: bytes::Bytes = chunks.concat().into();
    if bytes.len() as u64 == content.size { Ok(bytes) } else { Err(FileManagerErrorKind::BodyFailed) }
}

fn error(kind: FileManagerErrorKind) -> FileManagerError {
    FileManagerError { call: "model", subject: String::new(), message: kind.reason(), kind }
}

pub(crate) fn without_effect(trouble: ApiTrouble) -> Option<FileManagerErrorKind> {
    match trouble {
        ApiTrouble::Busy => Some(FileManagerErrorKind::Busy { status: 503, after: Some(Duration::from_secs(2)) }),
        ApiTrouble::Reset => Some(FileManagerErrorKind::Interrupted),
        ApiTrouble::Timeout => Some(FileManagerErrorKind::Timeout),
        ApiTrouble::Unreachable => Some(FileManagerErrorKind::Unreachable),
        ApiTrouble::Refused => Some(FileManagerErrorKind::Refused { status: 400 }),
        _ => None,
    }
}

fn after_effect(trouble: ApiTrouble) -> Option<FileManagerErrorKind> {
    match trouble {
        ApiTrouble::EffectThenReset => Some(FileManagerErrorKind::Interrupted),
        ApiTrouble::EffectThenServerError => Some(FileManagerErrorKind::Busy { status: 500, after: None }),
        ApiTrouble::EffectThenTimeout => Some(FileManagerErrorKind::Timeout),
        ApiTrouble::EffectThenBadAnswer => Some(FileManagerErrorKind::BadAnswer),
        _ => None,
    }
}

fn instead(trouble: ApiTrouble) -> Option<FileManagerErrorKind> {
    without_effect(trouble).or_else(|| after_effect(trouble))
}

fn request(operation: &'static str, path: &ObjectKey) -> Request {
    let (path, permissions) = (path.as_str().to_owned(), Permissions::default());
    Request { operation, path, new_path: None, content: None, metadata: serde_json::Map::new(), permissions }
}

#[async_trait]
impl FileManager for Api {
    async fn health(&self) -> Result<(), FileManagerError> {
        self.look("health", || Ok(())).await
    }

    async fn permissions(&self, path: &ObjectKey) -> Result<Permissions, FileManagerError> {
        self.look(&format!("permissions {path:?}"), || Ok(self.0.lock().files.permissions_of(path.as_str()))).await
    }

    async fn set_permissions(&self, path: &ObjectKey, wanted: &Permissions, key: IdempotencyKey) -> Result<Permissions, FileManagerError> {
        let request = Request { permissions: wanted.clone(), ..request("set", path) };
        self.answered(key, request, None).await?;
        Ok(self.0.lock().files.permissions_of(path.as_str()))
    }

    async fn save(&self, save: SaveRequest) -> Result<Saved, FileManagerError> {
        let path = save.path.as_str();
        if save.operation == SaveOperation::Get {
            let answer = || self.0.lock().files.by_path.get(path).map(saved).ok_or(FileManagerErrorKind::NotFound);
            let answer = self.look(&format!("get {path:?}"), answer).await;
            if matches!(&answer, Err(error) if matches!(error.kind, FileManagerErrorKind::Refused { .. })) {
                self.0.lock().files.may_be_sent_again.insert(path.to_owned());
            }
            return answer;
        }
        let Some(key) = save.idempotency_key else {
            self.0.lock().violated(format!("{:?} of {path:?} without a key", save.operation));
            return Err(error(FileManagerErrorKind::Refused { status: 400 }));
        };
        let new_path = save.new_path.as_ref().map(|path| path.as_str().to_owned());
        let request = Request { new_path, metadata: save.metadata, ..request(save.operation.as_str(), &save.path) };
        self.answered(key, request, save.content).await
    }
}

#[async_trait]
impl ReportResults for Api {
    async fn health(&self) -> Result<(), FileManagerError> {
        self.look("events health", || Ok(())).await
    }

    async fn report_results(&self, _: &serde_json::Value) -> Result<(), FileManagerError> {
        self.look("report", || Ok(())).await
    }
}
