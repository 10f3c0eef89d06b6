//! The simulated sinks and the receiver of reports: calls take time, meet trouble before and after their effect, and deletes are
//! judged.

use super::files::{Answer, Request, saved};
use super::op::{ApiTrouble, Condition};
use super::sinks::Sink;
use super::world::{Inner, World};
use async_trait::async_trait;
use futures::TryStreamExt as _;
use s3_sync::file_manager::{
    FileManager, FileManagerError, FileManagerErrorKind, IdempotencyKey, ReportResults, SaveContent, SaveOperation, SaveRequest, Saved,
};
use s3_sync::plan::Renames;
use s3_sync::record::{ObjectKey, Permissions};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

/// How long a caller waits for a missing answer.
const DEADLINE: Duration = Duration::from_secs(30);

/// An endpoint.
pub(crate) struct Api {
    pub(crate) world: Arc<World>,
    /// The sink's number; `None` = the API that serves events and receives reports.
    sink: Option<usize>,
    places: Semaphore,
}

/// Frees the key if its request is dropped before the end.
struct Reservation<'a>(&'a Api, Uuid);

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.0.with_sink(|sink| sink.files.release(self.1));
    }
}

impl Api {
    /// The API that serves events and receives reports.
    pub(crate) fn of_events(world: &Arc<World>) -> Self {
        Self { world: world.clone(), sink: None, places: Semaphore::new(Semaphore::MAX_PERMITS) }
    }

    /// The sink of this number.
    pub(crate) fn of_sink(world: &Arc<World>, number: usize) -> Self {
        let connections = world.lock().sinks[number].connections;
        Self { world: world.clone(), sink: Some(number), places: Semaphore::new(connections.unwrap_or(Semaphore::MAX_PERMITS)) }
    }

    fn with_sink<T>(&self, with: impl FnOnce(&mut Sink) -> T) -> T {
        with(self.sink_in(&mut self.world.lock()))
    }

    fn sink_in<'a>(&self, inner: &'a mut Inner) -> &'a mut Sink {
        &mut inner.sinks[self.sink.expect("it is a sink that is asked")]
    }

    /// The trouble that this call meets, if any.
    fn trouble(&self) -> Option<ApiTrouble> {
        let mut inner = self.world.lock();
        let (trouble, whose) = match self.sink {
            None | Some(0) => (inner.api_trouble.pop_front(), "API"),
            Some(number) => (inner.sinks[number].trouble.pop_front(), "second sink"),
        };
        if let Some(trouble) = trouble {
            inner.counts.add(format!("{whose} {trouble:?}"));
        }
        trouble
    }

    /// The error caused by the sink's condition; such a call has no effect.
    async fn condition(&self) -> Option<FileManagerErrorKind> {
        let number = self.sink?;
        let condition = self.world.lock().sinks[number].condition;
        let (kind, name) = match condition {
            Condition::Up => return None,
            Condition::Unreachable => (FileManagerErrorKind::Unreachable, "calls of an unreachable sink"),
            Condition::Failing => (FileManagerErrorKind::Busy { status: 503, after: None }, "calls of a failing sink"),
            Condition::Hanging => {
                tokio::time::sleep(DEADLINE).await;
                (FileManagerErrorKind::Timeout, "calls of a hanging sink")
            }
        };
        let mut inner = self.world.lock();
        inner.counts.add(name);
        inner.sinks[number].failed_calls += 1;
        Some(kind)
    }

    /// A place among the sink's calls. At a sink that hangs, no call waits for one: a caller's deadline includes its wait.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        let hangs = self.sink.is_some_and(|number| self.world.lock().sinks[number].condition == Condition::Hanging);
        if hangs { None } else { self.places.acquire().await.ok() }
    }

    /// Makes a call without an effect. Trouble strikes before the answer.
    pub(crate) async fn read<T>(
        &self,
        call: &str,
        answer: impl FnOnce() -> Result<T, FileManagerErrorKind>,
    ) -> Result<T, FileManagerError> {
        let _place = self.place().await;
        self.world.point().await;
        let instead = match self.trouble().and_then(instead) {
            Some(kind) => Some(kind),
            None => self.condition().await,
        };
        let answer = match instead {
            Some(kind) => Err(kind),
            None => answer(),
        };
        self.note(call, answer.as_ref().err());
        self.world.point().await;
        answer.map_err(error)
    }

    /// Makes a call with an effect.
    async fn effect(&self, key: IdempotencyKey, request: Request, content: Option<SaveContent>) -> Answer {
        let _place = self.place().await;
        self.world.point().await;
        if request.operation == "delete" {
            self.with_sink(|sink| sink.deletes_sent.insert(key.0));
        }
        let trouble = self.trouble();
        if let Some(kind) = trouble.and_then(without_effect) {
            return Err(kind);
        }
        if let Some(kind) = self.condition().await {
            return Err(kind);
        }
        self.with_sink(|sink| sink.files.start(key.0))?;
        let _reservation = Reservation(self, key.0);
        let content = match content {
            None => None,
            Some(content) => Some(whole(content).await?),
        };
        self.world.point().await;
        let mut inner = self.world.lock();
        let (sinks, elapsed) = (inner.sinks.len(), inner.run_began.map(|began| began.elapsed()).unwrap_or_default());
        let evidence = inner.evidence.against_a_delete(&request.path, sinks);
        let sink = self.sink_in(&mut inner);
        sink.last_effect = elapsed;
        let beyond = beyond(sink, &request);
        let unfounded = evidence.filter(|_| request.operation == "delete" && !sink.files.is_finished(key.0));
        let (answer, wrong) = sink.files.handle(key.0, Request { content, ..request });
        for wrong in [unfounded, beyond, wrong].into_iter().flatten() {
            inner.violated(wrong);
        }
        trouble.and_then(after_effect).map_or(answer, Err)
    }

    async fn answered(&self, key: IdempotencyKey, request: Request, content: Option<SaveContent>) -> Result<Saved, FileManagerError> {
        let call = format!("{} {:?} {}", request.operation, request.path, request.new_path.as_deref().unwrap_or_default());
        let answer = self.effect(key, request, content).await;
        self.note(&call, answer.as_ref().err());
        self.world.point().await;
        answer.map_err(error)
    }

    fn note(&self, call: &str, failed: Option<&FileManagerErrorKind>) {
        let outcome = failed.map_or_else(|| "ok".to_owned(), FileManagerErrorKind::reason);
        let whose = if self.sink.is_some_and(|number| number > 0) { "second" } else { "api" };
        self.world.lock().note(format_args!("     {whose} {call} -> {outcome}"));
    }
}

/// A request beyond the sink's capabilities, described.
fn beyond(sink: &Sink, request: &Request) -> Option<String> {
    let directory = |path: &str| path.rsplit_once('/').map_or(String::new(), |(directory, _)| directory.to_owned());
    let can = match request.operation {
        "set" => sink.policy.has_permissions(),
        "rename" | "move" => match sink.policy.renames {
            Renames::None => false,
            Renames::SameDirectory => request.new_path.as_ref().is_some_and(|to| directory(to) == directory(&request.path)),
            Renames::Any => true,
        },
        _ => true,
    };
    (!can).then(|| format!("{} is asked for {} of {:?}, and cannot do it", sink.name, request.operation, request.path))
}

/// The bytes, if their number is the announced one.
async fn whole(content: SaveContent) -> Result<bytes::Bytes, FileManagerErrorKind> {
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
        self.read("health", || Ok(())).await
    }

    async fn permissions(&self, path: &ObjectKey) -> Result<Permissions, FileManagerError> {
        if !self.with_sink(|sink| sink.policy.has_permissions()) {
            self.world.lock().violated(format!("a sink without permissions is asked for those of {path:?}"));
        }
        self.read(&format!("permissions {path:?}"), || Ok(self.with_sink(|sink| sink.files.permissions_of(path.as_str())))).await
    }

    async fn set_permissions(&self, path: &ObjectKey, wanted: &Permissions, key: IdempotencyKey) -> Result<Permissions, FileManagerError> {
        let request = Request { permissions: wanted.clone(), ..request("set", path) };
        self.answered(key, request, None).await?;
        Ok(self.with_sink(|sink| sink.files.permissions_of(path.as_str())))
    }

    async fn save(&self, save: SaveRequest) -> Result<Saved, FileManagerError> {
        let path = save.path.as_str();
        if save.operation == SaveOperation::Get {
            let held = |sink: &mut Sink| sink.files.by_path.get(path).map(saved);
            let answer = self.read(&format!("get {path:?}"), || self.with_sink(held).ok_or(FileManagerErrorKind::NotFound)).await;
            if matches!(&answer, Err(error) if matches!(error.kind, FileManagerErrorKind::Refused { .. })) {
                self.with_sink(|sink| sink.files.may_be_sent_again.insert(path.to_owned()));
            }
            return answer;
        }
        let Some(key) = save.idempotency_key else {
            self.world.lock().violated(format!("{:?} of {path:?} without a key", save.operation));
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
        self.read("events health", || Ok(())).await
    }

    async fn report_results(&self, _: &serde_json::Value) -> Result<(), FileManagerError> {
        self.read("report", || Ok(())).await
    }
}
