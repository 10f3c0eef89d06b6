//! The file manager and the events API: the calls of their contract, one attempt each. The only user of `reqwest`. `retry.rs` retries.

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

/// The idempotency key of an effect: a random UUID, reused for every attempt, so that the effect happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(pub uuid::Uuid);

/// The operations of `saveToDisk`. All except `Get` are effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaveOperation {
    /// Stores content at a new path.
    Create,
    /// Replaces the content at a known path.
    Update,
    /// Renames the file in its directory.
    Rename,
    /// Moves the file to another path.
    Move,
    /// Deletes the file.
    Delete,
    /// Returns the description of the file. Changes nothing.
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

/// A body to send. An error ends the stream and aborts the request, so that the server never receives a complete body.
pub type ContentStream = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// The content of a create or an update.
pub struct SaveContent {
    /// The exact length of the body in bytes.
    pub size: u64,
    /// MIME type.
    pub file_type: String,
    /// The body.
    pub body: ContentStream,
}

/// One `saveToDisk` call.
pub struct SaveRequest {
    /// The operation.
    pub operation: SaveOperation,
    /// The object key, byte for byte.
    pub path: ObjectKey,
    /// The new path of a rename or move.
    pub new_path: Option<ObjectKey>,
    /// The content of a create or update.
    pub content: Option<SaveContent>,
    /// The metadata, a JSON object; empty = the field is omitted.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// The idempotency key of an effect; `None` for a `Get`.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// The response of `saveToDisk`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The file manager's id of the file.
    pub internal_id: Option<String>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// The metadata that the file manager stores with the file.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The calls of the file manager.
#[async_trait]
pub trait FileManager: Send + Sync {
    /// Checks that the endpoint is reachable. Changes nothing.
    async fn health(&self) -> Result<(), FileManagerError>;
    /// Reads a path's permissions.
    async fn permissions(&self, path: &ObjectKey) -> Result<Permissions, FileManagerError>;
    /// Sets the given fields and leaves the others unchanged. At least one field must be given.
    async fn set_permissions(&self, path: &ObjectKey, wanted: &Permissions, key: IdempotencyKey) -> Result<Permissions, FileManagerError>;
    /// Makes one `saveToDisk` call.
    async fn save(&self, request: SaveRequest) -> Result<Saved, FileManagerError>;
}

/// The number of events that one call requests: the contract's maximum.
pub const MAX_FEED_EVENTS: usize = 100;

/// One page of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// The bytes of each event, as received, so that an undecodable event does not affect the others.
    pub events: Vec<Vec<u8>>,
    /// The cursor of the next page, if the feed has cursors.
    pub next_cursor: Option<String>,
}

/// Reads an event feed.
#[async_trait]
pub trait ReadFeed: Send + Sync {
    /// The address, which identifies the feed. Cursors and known events belong to one feed.
    fn address(&self) -> String;
    /// Reads at most [`MAX_FEED_EVENTS`] events, after the cursor if one is given. Reading does not consume events.
    async fn read_feed(&self, cursor: Option<&str>) -> Result<FeedPage, FileManagerError>;
}

/// Receives reports.
#[async_trait]
pub trait ReportResults: Send + Sync {
    /// Checks that the endpoint is reachable. Changes nothing.
    async fn health(&self) -> Result<(), FileManagerError>;
    /// Posts one report, a JSON object.
    async fn report_results(&self, report: &serde_json::Value) -> Result<(), FileManagerError>;
}
