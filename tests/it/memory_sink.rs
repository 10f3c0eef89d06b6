//! A sink in memory, with configurable capabilities and trouble. It follows the contract of `Sink` and knows no engine.

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt as _;
use s3_sync::apply::sink::{
    Capabilities, Content, EffectKind, EffectRequest, EffectResult, FilePart, Idempotency, Sink, SinkHandle, StoredFile,
};
use s3_sync::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind, EndpointFailure, EndpointId};
use s3_sync::plan::{PermissionSupport, Renames};
use s3_sync::record::{Fingerprint, ObjectKey, Permissions};
use s3_sync::retry::Disposition;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use uuid::Uuid;

/// The trouble of one effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SinkTrouble {
    /// The effect is refused for good.
    Refuses,
    /// The connection breaks before the effect.
    BreaksBefore,
    /// The connection breaks after the effect.
    BreaksAfter,
    /// No answer, and no effect.
    Hangs,
}

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct MemoryFile {
    pub(crate) bytes: Bytes,
    content: Option<Fingerprint>,
    handle: SinkHandle,
}

/// The sink.
pub(crate) struct MemorySink {
    id: EndpointId,
    capabilities: Capabilities,
    state: Mutex<State>,
    hanging: Notify,
}

#[derive(Default)]
struct State {
    files: BTreeMap<ObjectKey, MemoryFile>,
    permissions: BTreeMap<ObjectKey, Permissions>,
    /// The result of each key, if the sink keeps a ledger.
    ledger: BTreeMap<Uuid, Result<EffectResult, EndpointError>>,
    trouble: VecDeque<SinkTrouble>,
    unreachable: bool,
    numbers: u64,
    calls: Vec<String>,
    /// The next uploads store these checkpoints, and then meet the trouble.
    checkpoints: VecDeque<(String, SinkTrouble)>,
}

/// All capabilities. A test may remove some.
pub(crate) fn all_capabilities() -> Capabilities {
    Capabilities {
        permissions: PermissionSupport::SetAndAsk,
        renames: Renames::Any,
        keeps_identity: true,
        notices_changes: true,
        idempotency: Idempotency::Ledger,
        max_file_bytes: None,
        connections: None,
    }
}

impl MemorySink {
    /// An empty sink with these capabilities.
    pub(crate) fn new(capabilities: Capabilities) -> Self {
        Self { id: EndpointId::new("memory:sink"), capabilities, state: Mutex::default(), hanging: Notify::new() }
    }

    /// Orders this trouble for the next effect.
    pub(crate) fn order(&self, trouble: SinkTrouble) {
        self.state().trouble.push_back(trouble);
    }

    /// The next upload stores this checkpoint, and then hangs or breaks off. Either way it certainly had no effect.
    pub(crate) fn stop_after_checkpoint(&self, resume: &str, trouble: SinkTrouble) {
        self.state().checkpoints.push_back((resume.to_owned(), trouble));
    }

    /// Waits until a call hangs.
    pub(crate) async fn hangs(&self) {
        self.hanging.notified().await;
    }

    /// Makes the sink unreachable, or reachable again.
    pub(crate) fn set_unreachable(&self, unreachable: bool) {
        self.state().unreachable = unreachable;
    }

    /// The contents of its files.
    pub(crate) fn contents(&self) -> BTreeMap<String, Bytes> {
        self.state().files.iter().map(|(path, file)| (path.as_str().to_owned(), file.bytes.clone())).collect()
    }

    /// The calls with their paths: `create a`, `create a after <checkpoint>`, `rename a>b`, `ask a`, `get a`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, path: Option<&ObjectKey>, kind: EndpointErrorKind, disposition: Disposition, effect: EffectCertainty) -> EndpointError {
        EndpointError::from(EndpointFailure {
            endpoint: self.id.clone(),
            operation: "memory",
            subject: path.map_or_else(|| self.id.to_string(), ToString::to_string),
            kind,
            disposition,
            effect,
            reason: format!("memory_{kind:?}").to_lowercase().into(),
            hint: "ordered by a test",
            message: "ordered".to_owned(),
        })
    }

    fn refusal(&self, path: &ObjectKey, kind: EndpointErrorKind) -> EndpointError {
        self.error(Some(path), kind, Disposition::Fail, EffectCertainty::None)
    }

    fn broken(&self, path: &ObjectKey, kind: EndpointErrorKind) -> EndpointError {
        self.error(Some(path), kind, Disposition::Retry { after: None }, EffectCertainty::Unknown)
    }

    fn reached(&self) -> Result<(), EndpointError> {
        let stop = Disposition::Stop { transient: true };
        if self.state().unreachable { Err(self.error(None, EndpointErrorKind::Other, stop, EffectCertainty::None)) } else { Ok(()) }
    }

    /// All bytes of a body, if their number is the announced one.
    async fn whole(&self, path: &ObjectKey, content: Content) -> Result<(Bytes, Option<Fingerprint>), EndpointError> {
        let failed = || self.broken(path, EndpointErrorKind::BodyFailed);
        let chunks: Vec<Bytes> = content.body.try_collect().await.map_err(|_| failed())?;
        let bytes = Bytes::from(chunks.concat());
        if bytes.len() as u64 == content.facts.size { Ok((bytes, content.facts.fingerprint())) } else { Err(failed()) }
    }

    fn store(&self, path: &ObjectKey, (bytes, content): (Bytes, Option<Fingerprint>)) -> EffectResult {
        let mut state = self.state();
        state.numbers += 1;
        let new = SinkHandle(format!("file-{}", state.numbers));
        let old = state.files.get(path).map(|file| file.handle.clone()).filter(|_| self.capabilities.keeps_identity);
        let handle = old.unwrap_or(new);
        state.files.insert(path.clone(), MemoryFile { bytes, content, handle: handle.clone() });
        EffectResult { handle: Some(handle), ..EffectResult::default() }
    }

    fn rename(&self, from: &ObjectKey, to: &ObjectKey) -> Result<EffectResult, EndpointError> {
        let mut state = self.state();
        if state.files.contains_key(to) {
            return Err(self.refusal(from, EndpointErrorKind::Taken));
        }
        let Some(file) = state.files.remove(from) else { return Err(self.refusal(from, EndpointErrorKind::NotFound)) };
        if let Some(permissions) = state.permissions.remove(from) {
            state.permissions.insert(to.clone(), permissions);
        }
        let handle = Some(file.handle.clone());
        state.files.insert(to.clone(), file);
        Ok(EffectResult { handle, ..EffectResult::default() })
    }

    /// Applies the effect. Only reading the body may wait.
    async fn done(&self, kind: EffectKind<'_>, path: &ObjectKey) -> Result<EffectResult, EndpointError> {
        match kind {
            EffectKind::Update(_) if self.capabilities.idempotency != Idempotency::Natural && !self.state().files.contains_key(path) => {
                Err(self.refusal(path, EndpointErrorKind::NotFound))
            }
            EffectKind::Create(content) | EffectKind::Update(content) => {
                let whole = self.whole(path, content).await?;
                Ok(self.store(path, whole))
            }
            EffectKind::Delete => {
                let mut state = self.state();
                state.files.remove(path);
                state.permissions.remove(path);
                Ok(EffectResult::default())
            }
            EffectKind::Rename { to } | EffectKind::Move { to } => self.rename(path, to),
            EffectKind::SetPermissions(wanted) => {
                let mut state = self.state();
                let set = wanted.clone().over(state.permissions.remove(path).unwrap_or_default());
                state.permissions.insert(path.clone(), set.clone());
                Ok(EffectResult { permissions: Some(set), ..EffectResult::default() })
            }
        }
    }
}

fn resumed(content: &Content) -> String {
    content.resume.as_ref().map(|resume| format!(" after {resume}")).unwrap_or_default()
}

fn name_of(kind: &EffectKind<'_>, path: &ObjectKey) -> String {
    let path = path.as_str();
    match kind {
        EffectKind::Create(content) => format!("create {path}{}", resumed(content)),
        EffectKind::Update(content) => format!("update {path}{}", resumed(content)),
        EffectKind::Delete => format!("delete {path}"),
        EffectKind::Rename { to } => format!("rename {path}>{}", to.as_str()),
        EffectKind::Move { to } => format!("move {path}>{}", to.as_str()),
        EffectKind::SetPermissions(_) => format!("set {path}"),
    }
}

#[async_trait]
impl Sink for MemorySink {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn check(&self) -> Result<(), EndpointError> {
        self.reached()
    }

    async fn changed(&self, files: &[(ObjectKey, Option<SinkHandle>)]) -> Result<Vec<ObjectKey>, EndpointError> {
        self.reached()?;
        let state = self.state();
        let stored = |path: &ObjectKey| state.files.get(path).map(|file| file.handle.clone());
        Ok(files.iter().filter(|(path, handle)| stored(path) != *handle).map(|(path, _)| path.clone()).collect())
    }

    async fn inspect(&self, path: &ObjectKey, _: Option<&SinkHandle>, aspect: FilePart) -> Result<Option<StoredFile>, EndpointError> {
        self.reached()?;
        let mut state = self.state();
        match aspect {
            FilePart::Content => {
                state.calls.push(format!("get {}", path.as_str()));
                let file = state.files.get(path).cloned();
                Ok(file.map(|file| StoredFile {
                    size: Some(file.bytes.len() as u64),
                    content: file.content,
                    handle: Some(file.handle),
                    permissions: None,
                }))
            }
            FilePart::Permissions => {
                state.calls.push(format!("ask {}", path.as_str()));
                let permissions = state.permissions.get(path).cloned().unwrap_or_default();
                Ok(Some(StoredFile { permissions: Some(permissions), ..StoredFile::default() }))
            }
        }
    }

    async fn perform(&self, request: EffectRequest<'_>) -> Result<EffectResult, EndpointError> {
        let EffectRequest { kind, path, idempotency_key, .. } = request;
        self.reached()?;
        let trouble = {
            let mut state = self.state();
            state.calls.push(name_of(&kind, path));
            state.trouble.pop_front()
        };
        match trouble {
            Some(SinkTrouble::Refuses) => return Err(self.refusal(path, EndpointErrorKind::Other)),
            Some(SinkTrouble::BreaksBefore) => return Err(self.broken(path, EndpointErrorKind::Other)),
            Some(SinkTrouble::Hangs) => {
                self.hanging.notify_one();
                return std::future::pending().await;
            }
            Some(SinkTrouble::BreaksAfter) | None => {}
        }
        if let EffectKind::Create(content) | EffectKind::Update(content) = &kind {
            let ordered = self.state().checkpoints.pop_front();
            if let Some((resume, trouble)) = ordered {
                content.checkpoint.store(&resume).await?;
                if trouble == SinkTrouble::Hangs {
                    self.hanging.notify_one();
                    return std::future::pending().await;
                }
                return Err(self.error(Some(path), EndpointErrorKind::Other, Disposition::Retry { after: None }, EffectCertainty::None));
            }
        }
        let known = self.state().ledger.get(&idempotency_key).cloned();
        if let Some(known) = known {
            return known;
        }
        let done = self.done(kind, path).await;
        let final_word = done.as_ref().err().is_none_or(EndpointError::is_refusal);
        if final_word && self.capabilities.idempotency == Idempotency::Ledger {
            self.state().ledger.insert(idempotency_key, done.clone());
        }
        match trouble {
            Some(SinkTrouble::BreaksAfter) => Err(self.broken(path, EndpointErrorKind::Other)),
            _ => done,
        }
    }
}
