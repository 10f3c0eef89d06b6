//! The calls of the contract over HTTP, with their fields. `attempt.rs` sends an attempt; `answer.rs` parses a response.

use super::attempt::{ApiCall, ApiEndpoint, MAX_FEED_BYTES};
use super::multipart::{Multipart, sendable_file_type};
use super::progress::AttemptProgress;
use super::{Deadlines, FeedPage, FileManager, FileManagerError, HttpClient, HttpSetupError, IdempotencyKey, MAX_FEED_EVENTS, SaveContent};
use super::{ReadFeed, ReportResults, SaveOperation, SaveRequest, Saved, answer};
use crate::record::{ObjectKey, Permissions};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use reqwest::{Body, Method, RequestBuilder, Url};
use secrecy::SecretString;
use serde_json::Value;
use std::fmt;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A file manager at a base URL.
pub struct HttpFileManager(ApiEndpoint);

/// An events API at a base URL.
pub struct HttpEvents(ApiEndpoint);

impl HttpFileManager {
    /// Creates the client and sends nothing. A path in `base` is kept, a trailing `/` is ignored, and an empty token counts as none.
    pub fn new(client: &HttpClient, base: &Url, token: Option<SecretString>, deadlines: Deadlines) -> Result<Self, HttpSetupError> {
        ApiEndpoint::new(client, base, token, deadlines).map(Self)
    }

    async fn update_permissions(&self, call: &ApiCall, path: &ObjectKey, request: RequestBuilder) -> Result<Permissions, FileManagerError> {
        let body = self.0.small_call(call, request).await?;
        answer::permissions(&body, path).map_err(|why| self.0.contract_violation(call, &why))
    }

    /// Streams the content within its multipart frame. The request announces the total length.
    async fn send_content(
        &self,
        call: &ApiCall,
        request: RequestBuilder,
        frame: Multipart,
        content: SaveContent,
    ) -> Result<Vec<u8>, FileManagerError> {
        let size = content.size;
        let request = request.header(CONTENT_LENGTH, frame.length_around(size)).header(CONTENT_TYPE, frame.content_type);
        let (progress, guarded) = AttemptProgress::of(content);
        let edge = |text: String| stream::once(async { Ok(Bytes::from(text)) });
        let body = Body::wrap_stream(edge(frame.head).chain(guarded).chain(edge(frame.tail)));
        self.0.attempt(call, request.body(body), &progress, self.0.deadlines.for_body(size)).await
    }
}

#[async_trait]
impl FileManager for HttpFileManager {
    async fn health(&self) -> Result<(), FileManagerError> {
        health(&self.0).await
    }

    async fn permissions(&self, path: &ObjectKey) -> Result<Permissions, FileManagerError> {
        let call = ApiCall::about_path("updatePermissions get", path);
        let request = self.0.request(Method::POST, "updatePermissions").form(&[("file_path", path.as_str())]);
        self.update_permissions(&call, path, request).await
    }

    async fn set_permissions(&self, path: &ObjectKey, wanted: &Permissions, key: IdempotencyKey) -> Result<Permissions, FileManagerError> {
        let call = ApiCall::about_path("updatePermissions set", path);
        let Permissions { permissions, owner, group } = wanted;
        let mut fields = vec![("file_path", path.as_str())];
        for (name, value) in [("permissions", permissions), ("owner", owner), ("group", group)] {
            fields.extend(value.as_deref().map(|value| (name, value)));
        }
        let request = with_key(self.0.request(Method::POST, "updatePermissions"), Some(key)).form(&fields);
        self.update_permissions(&call, path, request).await
    }

    async fn save(&self, request: SaveRequest) -> Result<Saved, FileManagerError> {
        let SaveRequest { operation, path, new_path, content, metadata, idempotency_key } = request;
        let call = ApiCall::about_path(call_name(operation), &path);
        let metadata = (!metadata.is_empty()).then(|| Value::Object(metadata).to_string());
        let sent = content.as_ref().map(|content| content.size);
        let described = content.as_ref().map(|content| (content.size.to_string(), sendable_file_type(&content.file_type).to_owned()));

        let mut fields = vec![("operation", operation.as_str()), ("file_path", path.as_str())];
        fields.extend(new_path.as_ref().map(|new_path| ("new_path", new_path.as_str())));
        if let Some((size, file_type)) = &described {
            fields.extend([("size", size.as_str()), ("file_type", file_type.as_str())]);
        }
        fields.extend(metadata.as_deref().map(|metadata| ("metadata", metadata)));

        let http = with_key(self.0.request(Method::POST, "saveToDisk"), idempotency_key);
        let body = match (content, &described) {
            (Some(content), Some((_, file_type))) => {
                let frame = Multipart::around_file(&fields, path.as_str(), file_type);
                self.send_content(&call, http, frame, content).await?
            }
            _ => self.0.small_call(&call, http.form(&fields)).await?,
        };
        answer::saved(&body, operation, &path, sent).map_err(|why| self.0.contract_violation(&call, &why))
    }
}

impl HttpEvents {
    /// Creates the client and sends nothing. A path in `base` is kept, a trailing `/` is ignored, and an empty token counts as none.
    pub fn new(client: &HttpClient, base: &Url, token: Option<SecretString>, deadlines: Deadlines) -> Result<Self, HttpSetupError> {
        ApiEndpoint::new(client, base, token, deadlines).map(Self)
    }
}

#[async_trait]
impl ReportResults for HttpEvents {
    async fn health(&self) -> Result<(), FileManagerError> {
        health(&self.0).await
    }

    async fn report_results(&self, report: &Value) -> Result<(), FileManagerError> {
        let call = self.0.call_about_address("reportResults");
        let body = self.0.small_call(&call, self.0.request(Method::POST, "reportResults").json(report)).await?;
        answer::report_received(&body).map_err(|why| self.0.contract_violation(&call, &why))
    }
}

#[async_trait]
impl ReadFeed for HttpEvents {
    fn address(&self) -> String {
        self.0.address()
    }

    async fn read_feed(&self, cursor: Option<&str>) -> Result<FeedPage, FileManagerError> {
        let call = ApiCall { max_response_bytes: MAX_FEED_BYTES, ..self.0.call_about_address("pubSubFullList") };
        let count = MAX_FEED_EVENTS.to_string();
        let mut query = vec![("count", count.as_str())];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let body = self.0.small_call(&call, self.0.request(Method::GET, "pubSubFullList").query(&query)).await?;
        answer::feed_page(&body).map_err(|why| self.0.contract_violation(&call, &why))
    }
}

async fn health(endpoint: &ApiEndpoint) -> Result<(), FileManagerError> {
    endpoint.small_call(&endpoint.call_about_address("health"), endpoint.request(Method::GET, "")).await.map(drop)
}

fn with_key(request: RequestBuilder, key: Option<IdempotencyKey>) -> RequestBuilder {
    match key {
        Some(IdempotencyKey(key)) => request.header(IDEMPOTENCY_KEY, key.to_string()),
        None => request,
    }
}

fn call_name(operation: SaveOperation) -> &'static str {
    match operation {
        SaveOperation::Create => "saveToDisk create",
        SaveOperation::Update => "saveToDisk update",
        SaveOperation::Rename => "saveToDisk rename",
        SaveOperation::Move => "saveToDisk move",
        SaveOperation::Delete => "saveToDisk delete",
        SaveOperation::Get => "saveToDisk get",
    }
}

/// Prints only the address, never the token.
impl fmt::Debug for HttpFileManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpFileManager").field(&self.0.address()).finish()
    }
}

/// Prints only the address, never the token.
impl fmt::Debug for HttpEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpEvents").field(&self.0.address()).finish()
    }
}
