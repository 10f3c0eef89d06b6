//! The file manager as a sink: sends effects as `saveToDisk` and `updatePermissions` calls. It recognises a file's content by the metadata
//! that the file manager stores with the file.

use super::capabilities::{Capabilities, Idempotency};
use super::{Content, EffectKind, EffectRequest, EffectResult, FilePart, Sink, SinkHandle, StoredFile};
use crate::endpoint::EndpointError;
use crate::file_manager::{self, FileManager, FileManagerError, FileManagerErrorKind, IdempotencyKey, SaveOperation, SaveRequest, Saved};
use crate::plan::{PermissionSupport, Renames};
use crate::record::{ETag, Fingerprint, ObjectFacts, ObjectKey};
use crate::transfer;
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The sink of a file manager.
pub struct FileManagerSink {
    file_manager: Arc<dyn FileManager>,
    capabilities: Capabilities,
}

impl FileManagerSink {
    /// The sink that makes these calls.
    pub fn new(file_manager: Arc<dyn FileManager>) -> Self {
        let capabilities = Capabilities {
            permissions: PermissionSupport::SetAndAsk,
            renames: Renames::Any,
            keeps_identity: true,
            idempotency: Idempotency::Ledger,
            notices_changes: false,
            max_file_bytes: None,
            connections: None,
        };
        Self { file_manager, capabilities }
    }

    async fn save(&self, request: SaveRequest) -> Result<EffectResult, FileManagerError> {
        let saved = self.file_manager.save(request).await?;
        Ok(EffectResult { handle: saved.internal_id.map(SinkHandle), ..EffectResult::default() })
    }
}

#[async_trait]
impl Sink for FileManagerSink {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn check(&self) -> Result<(), EndpointError> {
        Ok(self.file_manager.health().await?)
    }

    async fn inspect(&self, path: &ObjectKey, _: Option<&SinkHandle>, aspect: FilePart) -> Result<Option<StoredFile>, EndpointError> {
        let held = match aspect {
            FilePart::Content => self.file_manager.save(without_content(SaveOperation::Get, path)).await.map(held),
            FilePart::Permissions => {
                let permissions = self.file_manager.permissions(path).await;
                permissions.map(|permissions| StoredFile { permissions: Some(permissions), ..StoredFile::default() })
            }
        };
        match held {
            Err(error) if error.kind == FileManagerErrorKind::NotFound => Ok(None),
            held => Ok(held.map(Some)?),
        }
    }

    async fn changed(&self, _: &[(ObjectKey, Option<SinkHandle>)]) -> Result<Vec<ObjectKey>, EndpointError> {
        unreachable!("invariant: the engine sends only what the capabilities allow")
    }

    async fn perform(&self, request: EffectRequest<'_>) -> Result<EffectResult, EndpointError> {
        let EffectRequest { kind, path, idempotency_key, .. } = request;
        let key = IdempotencyKey(idempotency_key);
        let effect = |operation| SaveRequest { idempotency_key: Some(key), ..without_content(operation, path) };
        let performed = match kind {
            EffectKind::Create(content) => self.save(with_content(effect(SaveOperation::Create), content)).await,
            EffectKind::Update(content) => self.save(with_content(effect(SaveOperation::Update), content)).await,
            EffectKind::Delete => match self.save(effect(SaveOperation::Delete)).await {
                // Some file managers answer "not found" if the file is already gone.
                Err(error) if error.kind == FileManagerErrorKind::NotFound => Ok(EffectResult::default()),
                answer => answer,
            },
            EffectKind::Rename { to } => self.save(SaveRequest { new_path: Some(to.clone()), ..effect(SaveOperation::Rename) }).await,
            EffectKind::Move { to } => self.save(SaveRequest { new_path: Some(to.clone()), ..effect(SaveOperation::Move) }).await,
            EffectKind::SetPermissions(wanted) => {
                let set = self.file_manager.set_permissions(path, wanted, key).await;
                set.map(|permissions| EffectResult { permissions: Some(permissions), ..EffectResult::default() })
            }
        };
        Ok(performed?)
    }
}

/// A request without content and without an idempotency key.
fn without_content(operation: SaveOperation, path: &ObjectKey) -> SaveRequest {
    let (new_path, content, idempotency_key) = (None, None, None);
    SaveRequest { operation, path: path.clone(), new_path, content, metadata: Map::new(), idempotency_key }
}

fn with_content(request: SaveRequest, content: Content) -> SaveRequest {
    let Content { facts, content_type, body, .. } = content;
    let metadata = metadata(&facts);
    let body = transfer::into_content_stream(body);
    SaveRequest { content: Some(file_manager::SaveContent { size: facts.size, file_type: content_type, body }), metadata, ..request }
}

/// The metadata that the file manager stores with the file: a later `get` is compared with them, and they name the source of the
/// content.
fn metadata(facts: &ObjectFacts) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert("etag".to_owned(), json!(facts.etag.as_ref().map(ETag::as_str)));
    // S3 omits the storage class of a GET if it is STANDARD.
    metadata.insert("storage_class".to_owned(), json!(facts.storage_class.as_deref().unwrap_or("STANDARD")));
    metadata.insert("source".to_owned(), json!("customer_s3"));
    if let Some(time) = facts.last_modified {
        metadata.insert("last_modified".to_owned(), json!(time.to_string()));
    }
    if let Some(version) = &facts.version_id {
        metadata.insert("version_id".to_owned(), json!(version));
    }
    metadata
}

/// The file that a `get` describes. Its ETag is the one that was sent with the content.
fn held(saved: Saved) -> StoredFile {
    let Saved { internal_id, size, metadata } = saved;
    let etag = metadata.as_ref().and_then(|metadata| metadata.get("etag")).and_then(Value::as_str).and_then(ETag::of_bare);
    let content = etag.zip(size).map(|(etag, size)| Fingerprint { etag, size });
    StoredFile { content, size, handle: internal_id.map(SinkHandle), permissions: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_of_a_file_names_its_content_and_its_source() {
        let time = "2024-01-15T10:00:00Z".parse().expect("a time");
        let facts = ObjectFacts { size: 3, etag: ETag::parse("e"), last_modified: None, storage_class: None, version_id: None };
        for (facts, expected) in [
            (facts.clone(), json!({ "etag": "e", "storage_class": "STANDARD", "source": "customer_s3" })),
            (
                ObjectFacts {
                    last_modified: Some(time),
                    storage_class: Some("GLACIER_IR".to_owned()),
                    version_id: Some("v".to_owned()),
                    ..facts.clone()
                },
                json!({ "etag": "e", "storage_class": "GLACIER_IR", "source": "customer_s3", "last_modified": "2024-01-15T10:00:00Z",
                        "version_id": "v" }),
            ),
        ] {
            let metadata = metadata(&facts);
            assert_eq!(Value::Object(metadata.clone()), expected);
            let held = held(Saved { internal_id: Some("id".to_owned()), size: Some(3), metadata: Some(metadata) });
            assert_eq!(held.content, facts.fingerprint());
        }
    }

    #[test]
    fn a_file_without_metadata_has_unknown_content() {
        for (metadata, size) in
            [(json!({ "etag": "e" }), None), (json!({ "etag": 7 }), Some(3)), (json!({ "etag": "" }), Some(3)), (json!({}), Some(3))]
        {
            let saved = Saved { internal_id: None, size, metadata: metadata.as_object().cloned() };
            assert_eq!(held(saved).content, None, "{metadata}");
        }
    }
}
