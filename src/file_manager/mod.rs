//! The door to the file manager and to the events API: the calls of their contract, one attempt each.
//! The only place that names `reqwest`. Retrying is `retry.rs`' concern.

mod error;
mod http;

mod answer;
mod attempt;
mod causes;
mod client;
mod deadlines;
mod multipart;
mod progress;
#[cfg(test)]
mod wire_tests;

pub use client::{HttpClient, HttpSetupError};
pub use deadlines::Deadlines;
pub use error::{FileManagerError, FileManagerErrorKind};
pub use http::{HttpEvents, HttpFileManager};

use crate::record::{ObjectKey, Permissions};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

/// Makes an effect happen once: the same through retries, timeouts and crashes; a random UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(pub uuid::Uuid);

/// What `saveToDisk` is asked to do with a path. Each but `Get` is an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaveOperation {
    /// New content at a new path.
    Create,
    /// New content at a known path.
    Update,
    /// Another name in the same directory.
    Rename,
    /// Another directory.
    Move,
    /// The file goes.
    Delete,
    /// A look: nothing changes.
    Get,
}

impl SaveOperation {
    /// The word on the wire, in reports and in the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Rename => "rename",
            Self::Move => "move",
            Self::Delete => "delete",
            Self::Get => "get",
        }
    }
}

/// A body on its way. An error ends it, and the request that carries it is aborted: the other side sees a cut body, never a whole one.
pub type ContentStream = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// The content of a create or an update.
pub struct Content {
    /// Exact length in bytes; the stream yields no more and no less.
    pub size: u64,
    /// MIME type.
    pub file_type: String,
    /// The bytes.
    pub body: ContentStream,
}

/// One `saveToDisk` call.
pub struct SaveRequest {
    /// What to do.
    pub operation: SaveOperation,
    /// The object key, byte for byte.
    pub path: ObjectKey,
    /// For rename and move.
    pub new_path: Option<ObjectKey>,
    /// For create and update.
    pub content: Option<Content>,
    /// A JSON object; empty = the field is left out.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Every effect carries one; a `Get` none.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// What `saveToDisk` answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The file manager's own identifier.
    pub internal_id: Option<String>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// The metadata that it keeps with the file.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What the file manager can be asked and told.
#[async_trait]
pub trait FileManager: Send + Sync {
    /// Whether it is there. Changes nothing.
    async fn health(&self) -> Result<(), FileManagerError>;
    /// A look at a path's permissions.
    async fn permissions(&self, path: &ObjectKey) -> Result<Permissions, FileManagerError>;
    /// Sets what is given; what is `None` stays as it is. At least one field must be given.
    async fn set_permissions(&self, path: &ObjectKey, wanted: &Permissions, key: IdempotencyKey) -> Result<Permissions, FileManagerError>;
    /// One `saveToDisk`.
    async fn save(&self, request: SaveRequest) -> Result<Saved, FileManagerError>;
}

/// As many events are asked for at once; the contract allows no more.
pub const FEED_EVENTS_MAX: usize = 100;

/// One answer of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// The JSON text of each event, as it was served: one that cannot be read spoils no other.
    pub events: Vec<String>,
    /// Where the next answer begins, if the feed has such a thing.
    pub next_cursor: Option<String>,
}

/// Where events can be read.
#[async_trait]
pub trait ReadFeed: Send + Sync {
    /// Which feed it is: what was read there says nothing about another.
    fn address(&self) -> String;
    /// At most [`FEED_EVENTS_MAX`] events, after the cursor if there is one. Reading them uses none of them up.
    async fn read_feed(&self, cursor: Option<&str>) -> Result<FeedPage, FileManagerError>;
}

/// Where results are told.
#[async_trait]
pub trait ReportResults: Send + Sync {
    /// Whether it is there. Changes nothing.
    async fn health(&self) -> Result<(), FileManagerError>;
    /// Posts one report, a JSON object.
    async fn report_results(&self, report: &serde_json::Value) -> Result<(), FileManagerError>;
}
