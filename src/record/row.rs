//! A row of a snapshot with borrowed texts, because most rows are only compared or written.

use super::{ETag, EmptyKey, FileRecord, ObjectFacts, ObjectKey, Permissions};
use jiff::Timestamp;

/// A [`FileRecord`] with borrowed texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRow<'a> {
    /// The object key, byte for byte.
    pub file_path: &'a str,
    /// The mode: `rw-r--r--`, `0644`, or any other text of the file manager.
    pub permissions: Option<&'a str>,
    /// The owning user.
    pub owner: Option<&'a str>,
    /// The owning group.
    pub group: Option<&'a str>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// MIME type.
    pub file_type: Option<&'a str>,
    /// When the object was last written.
    pub last_modified: Option<Timestamp>,
    /// The sink's id of the file.
    pub internal_id: Option<&'a str>,
    /// The object's entity tag, without quotes.
    pub etag: Option<&'a str>,
    /// `STANDARD`, `GLACIER`, …
    pub storage_class: Option<&'a str>,
    /// Only on versioned buckets.
    pub version_id: Option<&'a str>,
}

impl<'a> FileRow<'a> {
    /// A row with only a path.
    pub fn at(file_path: &'a str) -> Self {
        Self {
            file_path,
            permissions: None,
            owner: None,
            group: None,
            size: None,
            file_type: None,
            last_modified: None,
            internal_id: None,
            etag: None,
            storage_class: None,
            version_id: None,
        }
    }

    /// A row with the metadata of an observation.
    pub fn from_observation(file_path: &'a str, facts: &'a ObjectFacts) -> Self {
        let ObjectFacts { size, etag, last_modified, storage_class, version_id } = facts;
        Self {
            size: Some(*size),
            etag: etag.as_ref().map(ETag::as_str),
            last_modified: *last_modified,
            storage_class: storage_class.as_deref(),
            version_id: version_id.as_deref(),
            ..Self::at(file_path)
        }
    }

    /// A row with the permissions that were reported for a path.
    pub fn reported(file_path: &'a str, permissions: &'a Permissions) -> Self {
        let Permissions { permissions, owner, group } = permissions;
        Self { permissions: permissions.as_deref(), owner: owner.as_deref(), group: group.as_deref(), ..Self::at(file_path) }
    }

    /// As [`ObjectKey::is_directory_marker`].
    pub fn is_directory_marker(&self) -> bool {
        self.size == Some(0) && self.file_path.ends_with('/')
    }

    /// These fields; a missing one is taken from `under`, another row of the same path.
    #[must_use]
    pub fn over(self, under: Self) -> Self {
        Self {
            file_path: self.file_path,
            permissions: self.permissions.or(under.permissions),
            owner: self.owner.or(under.owner),
            group: self.group.or(under.group),
            size: self.size.or(under.size),
            file_type: self.file_type.or(under.file_type),
            last_modified: self.last_modified.or(under.last_modified),
            internal_id: self.internal_id.or(under.internal_id),
            etag: self.etag.or(under.etag),
            storage_class: self.storage_class.or(under.storage_class),
            version_id: self.version_id.or(under.version_id),
        }
    }
}

impl<'a> From<&'a FileRecord> for FileRow<'a> {
    fn from(record: &'a FileRecord) -> Self {
        let FileRecord { file_path, permissions, size, file_type, last_modified, internal_id, etag, storage_class, version_id } = record;
        Self {
            size: *size,
            file_type: file_type.as_deref(),
            last_modified: *last_modified,
            internal_id: internal_id.as_deref(),
            etag: etag.as_ref().map(ETag::as_str),
            storage_class: storage_class.as_deref(),
            version_id: version_id.as_deref(),
            ..Self::reported(file_path.as_str(), permissions)
        }
    }
}

impl TryFrom<FileRow<'_>> for FileRecord {
    type Error = EmptyKey;

    fn try_from(row: FileRow<'_>) -> Result<Self, EmptyKey> {
        let text = |field: Option<&str>| field.map(str::to_owned);
        Ok(Self {
            file_path: ObjectKey::new(row.file_path)?,
            permissions: Permissions { permissions: text(row.permissions), owner: text(row.owner), group: text(row.group) },
            size: row.size,
            file_type: text(row.file_type),
            last_modified: row.last_modified,
            internal_id: text(row.internal_id),
            etag: row.etag.and_then(ETag::of_bare),
            storage_class: text(row.storage_class),
            version_id: text(row.version_id),
        })
    }
}
