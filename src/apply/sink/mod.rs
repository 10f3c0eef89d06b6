//! The trait of a sink: a destination of files. A sink makes one attempt at one effect, and its error says whether the effect may have
//! happened. The engine owns state, retries, order and limits.

mod capabilities;
mod file_manager;
mod local_dir;

pub use capabilities::{Capabilities, Idempotency};
pub use file_manager::FileManagerSink;
pub use local_dir::LocalDirSink;

use crate::endpoint::{ByteStream, EndpointError, EndpointId};
use crate::record::{Fingerprint, ObjectFacts, ObjectKey, PathState, Permissions};
use async_trait::async_trait;
use std::sync::Arc;
use uuid::Uuid;

/// An opaque file id (and version) that the sink assigned. The engine stores it and passes it back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SinkHandle(pub String);

impl SinkHandle {
    /// The file id from the sink's last answer about this path; `None` = the sink returned none, or the engine knows no file.
    pub fn of(sides: &PathState) -> Option<Self> {
        sides.applied.as_ref().and_then(|row| row.file.internal_id.clone()).map(Self)
    }
}

/// The part of a file that [`Sink::inspect`] asks about. A sink may need one call per part, so the engine asks for one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilePart {
    /// The content.
    Content,
    /// The permissions of the file, or those that a new file at this path would get. The engine asks only a sink that can report
    /// permissions.
    Permissions,
}

/// The file that a sink stores at a path. Fields that were not asked for are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredFile {
    /// The ETag (of the source) and the size of the stored content; `None` = the sink does not know them, or was not asked.
    pub content: Option<Fingerprint>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// The sink's id of the file.
    pub handle: Option<SinkHandle>,
    /// The permissions of the file.
    pub permissions: Option<Permissions>,
}

/// The sink's answer to a successful effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EffectResult {
    /// The sink's id of the file from now on.
    pub handle: Option<SinkHandle>,
    /// The permissions that the file has now, if the sink returned them.
    pub permissions: Option<Permissions>,
    /// The number of files that the engine did not send and that had to make way. The sink keeps them.
    pub kept: u64,
}

/// The content of a create or an update.
pub struct Content {
    /// The id of the source that the content comes from. The object's key there is the request's `path`.
    pub source: EndpointId,
    /// Size, ETag, time, storage class and version as the source reported them. An effect that is sent again carries the same values.
    pub facts: ObjectFacts,
    /// The MIME type.
    pub content_type: String,
    /// Exactly `facts.size` bytes. The stream verifies length and checksum as it is read. On a mismatch it yields an error instead of the
    /// last chunk; the sink must then discard the upload.
    pub body: ByteStream,
    /// The last checkpoint of this effect, from an earlier attempt or process; `None` = there is none. The body begins at the first byte
    /// all the same, because only a whole body can be verified: the sink discards the bytes that it has.
    pub resume: Option<String>,
    /// Stores checkpoints of this effect. Only a sink whose transfers can be resumed uses it.
    pub checkpoint: Arc<dyn Checkpoint>,
}

/// Stores how far the transfer of one effect has come.
#[async_trait]
pub trait Checkpoint: Send + Sync {
    /// Stores a short text of the sink's own, for example the id of a multipart upload. It replaces the earlier one, and is on disk when
    /// this returns. After an error the sink ends the attempt with that error.
    async fn store(&self, resume: &str) -> Result<(), EndpointError>;
}

/// An effect with its arguments.
pub enum EffectKind<'a> {
    /// Creates a file at a path where the engine knows of no file.
    Create(Content),
    /// Replaces the content of a known file. Returns `NotFound` if the path holds no file. A sink that treats create and update alike may
    /// create the file.
    Update(Content),
    /// Deletes the file. Succeeds also if there is no file.
    Delete,
    /// Renames the file in its directory. Returns `NotFound` if the file does not exist and `Taken` if another file occupies the target
    /// path.
    Rename {
        /// The new path.
        to: &'a ObjectKey,
    },
    /// Moves the file to any path. The engine also uses it for a rename in the same directory that it inferred from equal content and that
    /// no event reported. Errors as for `Rename`.
    Move {
        /// The new path.
        to: &'a ObjectKey,
    },
    /// Sets the given fields and leaves the others unchanged. At least one is given.
    SetPermissions(&'a Permissions),
}

/// One attempt at one effect.
pub struct EffectRequest<'a> {
    /// The effect.
    pub kind: EffectKind<'a>,
    /// The object key, byte for byte. The sink maps it to its own names.
    pub path: &'a ObjectKey,
    /// The file id from the sink's last answer; `None` = unknown.
    pub handle: Option<&'a SinkHandle>,
    /// The idempotency key: one random key per effect, reused for every attempt, also after a restart.
    pub idempotency_key: Uuid,
}

/// A destination of files. Each call makes one attempt.
///
/// - An error says whether the call may have had its effect. A refusal ([`EndpointError::is_refusal`]) ends the effect. After any other
///   failure the engine may send the same effect again, with the same key.
/// - If reading the body fails, the sink stores nothing and returns `BodyFailed`.
/// - The engine sends only requests that [`Capabilities`] allow.
#[async_trait]
pub trait Sink: Send + Sync {
    /// The sink's capabilities. They are constant.
    fn capabilities(&self) -> &Capabilities;

    /// Checks that the sink is reachable and accepts the credentials. Changes nothing.
    async fn check(&self) -> Result<(), EndpointError>;

    /// Returns the file that the sink stores at a path; `None` = no file. Changes nothing.
    async fn inspect(&self, path: &ObjectKey, handle: Option<&SinkHandle>, aspect: FilePart) -> Result<Option<StoredFile>, EndpointError>;

    /// Returns those of these files that the sink does not store any more as its last answers said: others changed or deleted them. The
    /// files are in the order of their keys. The engine asks about all files of a sink that [`Capabilities::notices_changes`], each time it
    /// lists the source from the start. Changes nothing.
    async fn changed(&self, files: &[(ObjectKey, Option<SinkHandle>)]) -> Result<Vec<ObjectKey>, EndpointError>;

    /// Makes one attempt at one effect.
    async fn perform(&self, request: EffectRequest<'_>) -> Result<EffectResult, EndpointError>;
}
