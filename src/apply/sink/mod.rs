//! The trait of a sink: a place where files arrive. A sink performs one attempt at one effect and says how certain the outcome is. It
//! knows no state, no retries, no order and no limits: those are the engine's.

mod capabilities;
mod file_manager;

pub use capabilities::{Capabilities, Idempotency};
pub use file_manager::FileManagerSink;

use crate::endpoint::{ByteStream, EndpointError, EndpointId};
use crate::record::{Fingerprint, ObjectFacts, ObjectKey, PathState, Permissions};
use async_trait::async_trait;
use uuid::Uuid;

/// A sink's own identifier of a file and its version. Only the sink reads it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SinkHandle(pub String);

impl SinkHandle {
    /// The sink's identifier of the file, from its last answer about this path.
    pub fn of(sides: &PathState) -> Option<Self> {
        sides.applied.as_ref().and_then(|row| row.file.internal_id.clone()).map(Self)
    }
}

/// The part of a file that a sink is asked about. They are apart because a sink may answer each by a call of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aspect {
    /// The content that it holds.
    Content,
    /// The permissions that it has, or that a file at this path would get. Only a sink that can report permissions is asked for them.
    Permissions,
}

/// The file that a sink holds at a path, as far as the sink was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The source's fingerprint of the content that was stored here; `None` = the sink does not know it, or was not asked.
    pub content: Option<Fingerprint>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// The sink's name for it.
    pub handle: Option<SinkHandle>,
    /// Its permissions.
    pub permissions: Option<Permissions>,
}

/// The result of an effect, as the sink answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Performed {
    /// The sink's name for the file from now on.
    pub handle: Option<SinkHandle>,
    /// The permissions that the file has now, if the answer says so.
    pub permissions: Option<Permissions>,
}

/// The content of a create or an update.
pub struct Content {
    /// The source that the content is in, at the key that is the effect's path.
    pub source: EndpointId,
    /// The source's facts of the content. The same effect, sent again, has the same facts.
    pub facts: ObjectFacts,
    /// The MIME type.
    pub content_type: String,
    /// Exactly `facts.size` bytes. They are verified while they pass: an error ends them before they are complete, and a sink keeps
    /// nothing of such a body.
    pub body: ByteStream,
}

/// The action of one call.
pub enum EffectKind<'a> {
    /// Stores new content where the engine knows of none.
    Create(Content),
    /// Stores other content in the place of the known one. `NotFound` where nothing is there, unless the sink makes no difference.
    Update(Content),
    /// Removes the file. Nothing there is no error.
    Delete,
    /// Gives the file another name in the same directory. `NotFound` where it is not there, `Taken` where another file is.
    Rename {
        /// Its path from now on.
        to: &'a ObjectKey,
    },
    /// Moves the file to another directory, or renames it where no source reported the rename. Errors as for a rename.
    Move {
        /// Its path from now on.
        to: &'a ObjectKey,
    },
    /// Sets the fields that are given, and leaves the others. At least one is given.
    SetPermissions(&'a Permissions),
}

/// One attempt at one effect.
pub struct EffectRequest<'a> {
    /// The action.
    pub kind: EffectKind<'a>,
    /// The object key, byte for byte. How it becomes a name in the sink is the sink's concern.
    pub path: &'a ObjectKey,
    /// The sink's identifier of the file, from its last answer.
    pub handle: Option<&'a SinkHandle>,
    /// The same for each attempt at this effect, also after a crash, and for no other effect.
    pub key: Uuid,
}

/// A place where files arrive. Each call is one attempt.
///
/// - An error says whether the call may have had its effect. A refusal ([`EndpointError::is_refusal`]) ends the effect; after any other
///   failure the same effect may be sent again, with the same key.
/// - Nothing of a body that failed becomes a file. The error is then `BodyFailed`.
/// - What [`Capabilities`] exclude is never asked for.
#[async_trait]
pub trait Sink: Send + Sync {
    /// The sink's capabilities. They do not change.
    fn capabilities(&self) -> &Capabilities;

    /// Checks that the sink is reachable and may be used. Changes nothing.
    async fn check(&self) -> Result<(), EndpointError>;

    /// The file that the sink holds at a path; `None` = nothing. Changes nothing.
    async fn inspect(&self, path: &ObjectKey, handle: Option<&SinkHandle>, aspect: Aspect) -> Result<Option<Held>, EndpointError>;

    /// Makes one attempt at one effect.
    async fn perform(&self, request: EffectRequest<'_>) -> Result<Performed, EndpointError>;
}
