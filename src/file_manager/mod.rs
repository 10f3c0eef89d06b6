//! The file manager and the events API: the calls of their contract, one attempt each.
//! The only user of `reqwest`. Retrying is `retry.rs`' concern.

mod deadlines;
mod error;
#[cfg(feature = "file-manager")]
mod http;

#[cfg(feature = "file-manager")]
mod answer;
#[cfg(feature = "file-manager")]
mod attempt;
#[cfg(feature = "file-manager")]
mod causes;
#[cfg(feature = "file-manager")]
mod client;
#[cfg(feature = "file-manager")]
mod multipart;
#[cfg(feature = "file-manager")]
mod progress;
#[cfg(all(test, feature = "file-manager"))]
mod wire_tests;

#[cfg(feature = "file-manager")]
pub use client::{HttpClient, HttpSetupError};
pub use deadlines::Deadlines;
pub use error::{FileManagerError, FileManagerErrorKind};
#[cfg(feature = "file-manager")]
pub use http::{HttpEvents, HttpFileManager};

use crate::record::{ObjectKey, Permissions};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

/// Makes an effect happen once: the same through retries, timeouts and crashes; a random UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(pub uuid::Uuid);

/// The operations of `saveToDisk`. Each but `Get` is an effect.
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
    /// Deletes the file.
    Delete,
    /// Reads; changes nothing.
    Get,
}

impl SaveOperation {
    /// The word in requests, in reports and in the state.
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

/// A body to send. An error ends it and aborts its request: the server sees a cut body, never a whole one.
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
    /// The operation.
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

/// The response of `saveToDisk`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The file manager's own identifier.
    pub internal_id: Option<String>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// The metadata that it keeps with the file.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The calls of the file manager.
#[async_trait]
pub trait FileManager: Send + Sync {
    /// Checks that it is reachable. Changes nothing.
    async fn health(&self) -> Result<(), FileManagerError>;
    /// Reads a path's permissions.
    async fn permissions(&self, path: &ObjectKey) -> Result<Permissions, FileManagerError>;
    /// Sets the given fields; a field that is `None` is unchanged. At least one field must be given.
    async fn set_permissions(&self, path: &ObjectKey, wanted: &Permissions, key: IdempotencyKey) -> Result<Permissions, FileManagerError>;
    /// One `saveToDisk`.
    async fn save(&self, request: SaveRequest) -> Result<Saved, FileManagerError>;
}

/// Events requested at once; the contract's maximum.
pub const FEED_EVENTS_MAX: usize = 100;

/// One page of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// The JSON text of each event, as received: an unreadable event does not affect the others.
    pub events: Vec<String>,
    /// The cursor of the next page, if the feed has cursors.
    pub next_cursor: Option<String>,
}

/// Reads an event feed.
#[async_trait]
pub trait ReadFeed: Send + Sync {
    /// The feed's identity: cursors and events of one feed say nothing about another.
    fn address(&self) -> String;
    /// At most [`FEED_EVENTS_MAX`] events, after the cursor if there is one. Reading does not consume events.
    async fn read_feed(&self, cursor: Option<&str>) -> Result<FeedPage, FileManagerError>;
}

/// Receives reports.
#[async_trait]
pub trait ReportResults: Send + Sync {
    /// Checks that it is reachable. Changes nothing.
    async fn health(&self) -> Result<(), FileManagerError>;
    /// Posts one report, a JSON object.
    async fn report_results(&self, report: &serde_json::Value) -> Result<(), FileManagerError>;
}
