//! The files of the test double, and the effect of each operation. No HTTP, no ledger, no disk.

use crate::permissions::PermissionBook;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A file, as a test sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredFile {
    /// The file manager's own identifier; a rename, a move and new content keep it.
    pub internal_id: Uuid,
    /// The number of bytes received.
    pub size: u64,
    /// Their SHA-256, in lower-case hexadecimal.
    pub sha256: String,
    /// The MIME type sent with them.
    pub file_type: Option<String>,
    /// The metadata sent last.
    pub metadata: Option<Map<String, Value>>,
    /// The bytes, with `Contents::Memory`.
    #[serde(skip)]
    pub content: Option<Bytes>,
}

/// Completely received content with its type and metadata.
pub(crate) struct NewContent {
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) file_type: Option<String>,
    pub(crate) metadata: Option<Map<String, Value>>,
    pub(crate) bytes: Option<Bytes>,
}

/// Why an operation has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The file does not exist.
    NotFound,
    /// The target path belongs to a file.
    Taken,
}

/// All files by path, and the permissions of paths.
#[derive(Debug, Default)]
pub(crate) struct Files {
    by_path: BTreeMap<String, StoredFile>,
    pub(crate) permissions: PermissionBook,
}

impl Files {
    pub(crate) fn all(&self) -> &BTreeMap<String, StoredFile> {
        &self.by_path
    }

    pub(crate) fn get(&self, path: &str) -> Result<&StoredFile, Refusal> {
        self.by_path.get(path).ok_or(Refusal::NotFound)
    }

    /// Stores new content at a path with this id, whether or not the path has a file.
    pub(crate) fn create(&mut self, path: &str, internal_id: Uuid, new: NewContent) -> &StoredFile {
        let file = StoredFile {
            internal_id,
            size: new.size,
            sha256: new.sha256,
            file_type: new.file_type,
            metadata: new.metadata,
            content: new.bytes,
        };
        self.by_path.insert(path.to_owned(), file);
        &self.by_path[path]
    }

    /// Stores new content at a path with a file. Fields that are not given stay.
    pub(crate) fn update(&mut self, path: &str, new: NewContent) -> Result<&StoredFile, Refusal> {
        let file = self.by_path.get_mut(path).ok_or(Refusal::NotFound)?;
        file.size = new.size;
        file.sha256 = new.sha256;
        file.content = new.bytes;
        file.file_type = new.file_type.or(file.file_type.take());
        file.metadata = new.metadata.or(file.metadata.take());
        Ok(file)
    }

    /// Gives a file another path, in the same directory or another one.
    pub(crate) fn rename(&mut self, path: &str, new_path: &str, metadata: Option<Map<String, Value>>) -> Result<&StoredFile, Refusal> {
        self.get(path)?;
        if self.by_path.contains_key(new_path) {
            return Err(Refusal::Taken);
        }
        let mut file = self.by_path.remove(path).expect("invariant: the file was found under the same lock");
        file.metadata = metadata.or(file.metadata);
        self.permissions.rename(path, new_path);
        Ok(self.by_path.entry(new_path.to_owned()).or_insert(file))
    }

    /// Deletes the file and the permissions of its path.
    pub(crate) fn delete(&mut self, path: &str) -> Result<StoredFile, Refusal> {
        let file = self.by_path.remove(path).ok_or(Refusal::NotFound)?;
        self.permissions.forget(path);
        Ok(file)
    }
}
