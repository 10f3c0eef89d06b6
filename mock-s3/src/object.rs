//! One object: what a test or a request brings, what is stored, and what is told about it.

use crate::archive::Restore;
use crate::checksum::{Checksum, ChecksumAlgorithm, Digests};
use crate::content::Content;
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// An object to be stored by a test.
#[derive(Clone, Debug)]
pub struct NewObject {
    pub(crate) content: Content,
    pub(crate) attributes: Attributes,
}

impl NewObject {
    /// With these bytes.
    pub fn bytes(body: impl Into<Bytes>) -> Self {
        Self { content: Content::Held(body.into()), attributes: Attributes::default() }
    }

    /// With bytes that the seed describes: they cost no memory, whatever their number.
    pub fn generated(size: u64, seed: u64) -> Self {
        Self { content: Content::Generated { size, seed }, attributes: Attributes::default() }
    }

    /// `binary/octet-stream` unless set.
    #[must_use]
    pub fn content_type(mut self, content_type: &str) -> Self {
        self.attributes.content_type = Some(content_type.into());
        self
    }

    /// `STANDARD` unless set.
    #[must_use]
    pub fn storage_class(mut self, storage_class: &str) -> Self {
        self.attributes.storage_class = storage_class.into();
        self
    }

    /// One line of user metadata.
    #[must_use]
    pub fn metadata(mut self, name: &str, value: &str) -> Self {
        self.attributes.metadata.insert(name.into(), value.into());
        self
    }

    /// Now unless set. S3 tells whole seconds.
    #[must_use]
    pub fn last_modified(mut self, last_modified: Timestamp) -> Self {
        self.attributes.last_modified = Some(last_modified);
        self
    }
}

/// What is kept with the bytes.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    pub(crate) content_type: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) storage_class: String,
    pub(crate) last_modified: Option<Timestamp>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self { content_type: None, metadata: BTreeMap::new(), storage_class: "STANDARD".into(), last_modified: None }
    }
}

/// What the server knows about an object, for tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its key.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// Without the quotes.
    pub etag: String,
    /// As stored.
    pub content_type: String,
    /// As stored.
    pub metadata: BTreeMap<String, String>,
    /// `STANDARD`, `GLACIER`, …
    pub storage_class: String,
    /// In whole seconds.
    pub last_modified: Timestamp,
}

/// An object in a bucket. It never changes: a write puts another one in its place.
#[derive(Clone, Debug)]
pub(crate) struct StoredObject {
    pub(crate) content: Content,
    /// Without the quotes.
    pub(crate) etag: String,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) content_type: String,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) storage_class: String,
    pub(crate) last_modified: Timestamp,
    pub(crate) restore: Option<Restore>,
}

impl StoredObject {
    /// Of a body that has been hashed already.
    pub(crate) fn new(content: Content, attributes: Attributes, etag: String, checksum: Option<Checksum>) -> Self {
        let last_modified = attributes.last_modified.unwrap_or_else(Timestamp::now);
        Self {
            content,
            etag,
            checksum,
            content_type: attributes.content_type.unwrap_or_else(|| "binary/octet-stream".into()),
            metadata: attributes.metadata,
            storage_class: attributes.storage_class,
            // S3 knows whole seconds.
            last_modified: Timestamp::from_second(last_modified.as_second()).unwrap_or(last_modified),
            restore: None,
        }
    }

    /// Hashes the content first, once.
    pub(crate) fn hashed(new: NewObject, algorithm: Option<ChecksumAlgorithm>) -> Self {
        let digests = Digests::of(new.content.all_chunks(), algorithm);
        let checksum = algorithm.and_then(|algorithm| digests.checksum(algorithm));
        Self::new(new.content, new.attributes, hex(&digests.md5), checksum)
    }

    pub(crate) fn attributes(&self) -> Attributes {
        Attributes {
            content_type: Some(self.content_type.clone()),
            metadata: self.metadata.clone(),
            storage_class: self.storage_class.clone(),
            last_modified: None,
        }
    }

    pub(crate) fn is_readable(&self) -> bool {
        crate::archive::is_readable(&self.storage_class, self.restore)
    }

    pub(crate) fn facts(&self, key: &str) -> ObjectFacts {
        ObjectFacts {
            key: key.into(),
            size: self.content.size(),
            etag: self.etag.clone(),
            content_type: self.content_type.clone(),
            metadata: self.metadata.clone(),
            storage_class: self.storage_class.clone(),
            last_modified: self.last_modified,
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("invariant: writing to a string does not fail");
        text
    })
}
