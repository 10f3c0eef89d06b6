//! A directory as a sink: each object is a file beneath it. A file is recognised by what the handle says of it (size, time, inode), so an
//! unchanged file costs one stat, and a file that another program changed is not taken for ours.

mod error;
mod standing;

use super::capabilities::{Capabilities, Idempotency};
use super::{Content, EffectKind, EffectRequest, EffectResult, FilePart, Sink, SinkHandle, StoredFile};
use crate::clock::{Clock as _, SystemClock};
use crate::endpoint::{ByteStream, EffectCertainty, EndpointError, EndpointId};
use crate::local_fs::{AtomicWriter, CompleteFile, DirectorySyncs, FileHandle, LocalFsError, Placed, Root, check_writable};
use crate::plan::{PermissionSupport, Renames};
use crate::record::{ETag, Fingerprint, ObjectFacts, ObjectKey};
use async_trait::async_trait;
use bytes::Bytes;
use error::LocalDirError;
use futures::StreamExt as _;
use jiff::SignedDuration;
use standing::Standing;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// How long files of others are kept that had to make way. Older ones are removed when a process begins to write.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Chunks between the body and the thread that writes them.
const CHUNKS_AHEAD: usize = 2;

/// The sink of a directory.
pub struct LocalDirSink {
    root: PathBuf,
    id: EndpointId,
    /// Opened by the first call that needs it, because opening creates the directory; and again if the path leads to another one.
    writer: Mutex<Option<(Standing, Arc<AtomicWriter>)>>,
    capabilities: Capabilities,
}

/// What the engine stores of a file: how the file is recognised, and the ETag of its content.
struct Handle {
    file: FileHandle,
    etag: Option<ETag>,
}

impl Handle {
    /// Parses what [`Handle::to_sink`] writes; `None` = it is none of ours.
    fn parse(handle: &SinkHandle) -> Option<Self> {
        let (file, etag) = handle.0.split_once(' ').unwrap_or((&handle.0, ""));
        Some(Self { file: FileHandle::parse(file)?, etag: ETag::of_bare(etag) })
    }

    fn to_sink(&self) -> SinkHandle {
        SinkHandle(match &self.etag {
            Some(etag) => format!("{} {}", self.file, etag.as_str()),
            None => self.file.to_string(),
        })
    }
}

impl LocalDirSink {
    /// The sink of this directory. It is created by the first write, and nothing is read or written before. Objects of more than
    /// `max_file_bytes` are not sent; `None` = no limit.
    pub fn new(root: &Path, max_file_bytes: Option<u64>) -> Self {
        let capabilities = Capabilities {
            permissions: PermissionSupport::None,
            renames: Renames::None,
            keeps_identity: false,
            idempotency: Idempotency::Natural,
            notices_changes: true,
            max_file_bytes,
            connections: None,
        };
        let id = EndpointId::new(&format!("local_dir:{}", root.display()));
        Self { root: root.to_owned(), id, writer: Mutex::new(None), capabilities }
    }

    /// The writer of the directory that stands at the path now: it may have been moved away, or a file system mounted there.
    async fn writer(&self) -> Result<Arc<AtomicWriter>, LocalDirError> {
        let before = self.standing().await;
        let mut opened = self.writer.lock().await;
        let of = |opened: &Option<(Standing, Arc<AtomicWriter>)>, now| {
            opened.as_ref().filter(|(standing, _)| Some(*standing) == now).map(|(_, writer)| writer.clone())
        };
        if let Some(writer) = of(&opened, before) {
            return Ok(writer);
        }
        // Another call may have opened it since.
        if let Some(writer) = of(&opened, self.standing().await) {
            return Ok(writer);
        }
        let writer = self.start().await?;
        *opened = self.standing().await.map(|standing| (standing, writer.clone()));
        Ok(writer)
    }

    /// What stands at the path now; `None` = nothing in which a process has written.
    async fn standing(&self) -> Option<Standing> {
        let root = self.root.clone();
        tokio::task::spawn_blocking(move || Standing::of(&root)).await.expect("invariant: the look does not panic")
    }

    async fn start(&self) -> Result<Arc<AtomicWriter>, LocalDirError> {
        let root = self.root.clone();
        let started = blocking(move || {
            std::fs::create_dir_all(&root).map_err(|source| LocalFsError::Io { action: "create", path: root.clone(), source })?;
            let started = AtomicWriter::start(Root::open(&root)?, &|_| false)?;
            let removed = started.0.root().remove_kept_before(SystemClock.now() - KEPT_FOR)?;
            Ok((started, removed))
        });
        let ((writer, left_over), expired) = started.await.map_err(LocalDirError::Unusable)?;
        if expired > 0 {
            tracing::info!(directory = %self.root.display(), files = expired, "removed kept files that are older than 30 days");
        }
        if left_over.removed > 0 {
            tracing::info!(directory = %self.root.display(), files = left_over.removed, "removed what a killed process was writing");
        }
        for kept in left_over.kept {
            tracing::warn!(file = %kept.display(), "a file that this service did not write is kept");
        }
        Ok(Arc::new(writer))
    }

    /// Writes the content to its place. The file is on disk when this returns.
    async fn write(&self, path: &ObjectKey, expected: Option<FileHandle>, content: Content) -> Result<EffectResult, LocalDirError> {
        let Content { facts, mut body, .. } = content;
        let (chunks, arriving) = mpsc::channel(CHUNKS_AHEAD);
        let writer = self.writer().await?;
        let (key, of_object) = (path.clone(), facts.clone());
        let writing = tokio::task::spawn_blocking(move || {
            let file = receive(&writer, &key, &of_object, arriving)?;
            let mut syncs = DirectorySyncs::default();
            let placed = writer.place(file, &key, expected.as_ref(), &mut syncs).and_then(|placed| writer.sync(syncs).map(|()| placed));
            placed.map_err(|source| LocalDirError::failed(EffectCertainty::Unknown, source))
        });
        let sent = send(&mut body, chunks).await;
        let written = writing.await.expect("invariant: writing does not panic");
        // If the body failed, the file was given up for that reason.
        sent?;
        let Placed { handle, path: stands_at, kept } = written?;
        for kept in &kept {
            tracing::warn!(key = %path, file = %kept.display(), "a file that this service did not write is kept: the object took its place");
        }
        tracing::debug!(key = %path, file = %stands_at.display(), "written");
        let handle = Handle { file: handle, etag: facts.etag };
        Ok(EffectResult { handle: Some(handle.to_sink()), permissions: None, kept: kept.len() as u64 })
    }

    async fn delete(&self, path: &ObjectKey, expected: Option<FileHandle>) -> Result<EffectResult, LocalDirError> {
        let (writer, key) = (self.writer().await?, path.clone());
        let removed = blocking(move || {
            let mut syncs = DirectorySyncs::default();
            let removed = writer.delete(&key, expected.as_ref(), &mut syncs)?;
            if let Some(path) = &removed.path {
                writer.root().remove_empty_parents(path, &|_| false, &mut syncs)?;
            }
            writer.sync(syncs)?;
            Ok(removed)
        });
        let removed = removed.await.map_err(|source| LocalDirError::failed(EffectCertainty::Unknown, source))?;
        if let Some(kept) = &removed.kept {
            tracing::warn!(key = %path, file = %kept.display(), "a file that this service did not write is kept: its object was deleted");
        }
        Ok(EffectResult { kept: u64::from(removed.kept.is_some()), ..EffectResult::default() })
    }

    fn error(&self, operation: &'static str, subject: &str, error: LocalDirError) -> EndpointError {
        error.of(&self.id, operation, subject)
    }
}

#[async_trait]
impl Sink for LocalDirSink {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn check(&self) -> Result<(), EndpointError> {
        let root = self.root.clone();
        let checked = blocking(move || check_writable(&root)).await;
        checked.map_err(|source| self.error("check", &self.root.display().to_string(), LocalDirError::Unusable(source)))
    }

    async fn inspect(&self, path: &ObjectKey, handle: Option<&SinkHandle>, _: FilePart) -> Result<Option<StoredFile>, EndpointError> {
        let known = handle.and_then(Handle::parse);
        let found = async {
            // A question alone must not create the directory.
            if self.standing().await.is_none() {
                let root = self.root.clone();
                return blocking(move || check_writable(&root)).await.map(|()| None).map_err(LocalDirError::Unusable);
            }
            let (writer, key, expected) = (self.writer().await?, path.clone(), known.as_ref().map(|known| known.file));
            let found = blocking(move || writer.inspect(&key, expected.as_ref())).await;
            found.map_err(|source| LocalDirError::failed(EffectCertainty::None, source))
        };
        let found = found.await.map_err(|error| self.error("stat", &path.to_string(), error))?;
        let Some(file) = found else { return Ok(None) };
        let size = file.identity.size;
        // Of a file that is another one by now, nothing is known but its size.
        let etag = known.filter(|known| known.file.identity == file.identity).and_then(|known| known.etag);
        let content = etag.clone().map(|etag| Fingerprint { etag, size });
        Ok(Some(StoredFile { content, size: Some(size), handle: Some(Handle { file, etag }.to_sink()), permissions: None }))
    }

    async fn changed(&self, files: &[(ObjectKey, Option<SinkHandle>)]) -> Result<Vec<ObjectKey>, EndpointError> {
        let files = files.iter().map(|(key, handle)| (key.clone(), handle.as_ref().and_then(Handle::parse))).collect::<Vec<_>>();
        let changed = async {
            let writer = self.writer().await?;
            let changed = blocking(move || {
                let mut changed = Vec::new();
                for (key, known) in files {
                    let Some(known) = known else {
                        changed.push(key);
                        continue;
                    };
                    // Where a file cannot be looked at, writing it again says why, and stops no other file.
                    let found = writer.inspect(&key, Some(&known.file)).ok().flatten();
                    if found.is_none_or(|found| found.identity != known.file.identity) {
                        changed.push(key);
                    }
                }
                Ok(changed)
            });
            changed.await.map_err(|source| LocalDirError::failed(EffectCertainty::None, source))
        };
        changed.await.map_err(|error| self.error("stat", &self.root.display().to_string(), error))
    }

    async fn perform(&self, request: EffectRequest<'_>) -> Result<EffectResult, EndpointError> {
        let EffectRequest { kind, path, handle, .. } = request;
        let expected = handle.and_then(Handle::parse).map(|known| known.file);
        let (operation, performed) = match kind {
            EffectKind::Create(content) => ("create", self.write(path, expected, content).await),
            EffectKind::Update(content) => ("update", self.write(path, expected, content).await),
            EffectKind::Delete => ("delete", self.delete(path, expected).await),
            EffectKind::Rename { .. } | EffectKind::Move { .. } | EffectKind::SetPermissions(_) => {
                unreachable!("invariant: the engine sends only what the capabilities allow")
            }
        };
        performed.map_err(|error| self.error(operation, &path.to_string(), error))
    }
}

/// A part of a body on its way to the thread that writes it.
enum Chunk {
    Bytes(Bytes),
    /// The body is whole, and verified.
    End,
}

/// Passes a body on.
async fn send(body: &mut ByteStream, chunks: mpsc::Sender<Chunk>) -> Result<(), LocalDirError> {
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(LocalDirError::Body)?;
        // The writer has failed: its error says why.
        if chunks.send(Chunk::Bytes(chunk)).await.is_err() {
            return Ok(());
        }
    }
    let _ = chunks.send(Chunk::End).await;
    Ok(())
}

/// Writes a body that arrives to a temporary file. Nothing is published, so a failure has no effect.
fn receive(
    writer: &AtomicWriter,
    key: &ObjectKey,
    facts: &ObjectFacts,
    mut chunks: mpsc::Receiver<Chunk>,
) -> Result<CompleteFile, LocalDirError> {
    let failed = |source| LocalDirError::failed(EffectCertainty::None, source);
    let mut file = writer.create(key).map_err(failed)?;
    loop {
        match chunks.blocking_recv() {
            Some(Chunk::Bytes(bytes)) => file
                .write_all(&bytes)
                .map_err(|source| failed(LocalFsError::Io { action: "write", path: PathBuf::from(key.as_str()), source }))?,
            Some(Chunk::End) => return file.finish(facts.size, facts.last_modified).map_err(failed),
            None => return Err(LocalDirError::Abandoned),
        }
    }
}

async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    tokio::task::spawn_blocking(work).await.expect("invariant: the work does not panic")
}
