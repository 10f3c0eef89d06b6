//! A file as a snapshot describes it, and its permissions.

use super::{ETag, Fingerprint, ObjectKey};
use serde::{Deserialize, Serialize};

/// The access rights of a file, as the file manager writes them: text, never interpreted (`0755` and `755` differ).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Permissions {
    /// `rw-r--r--`, `0644`, whatever the file manager says.
    pub permissions: Option<String>,
    /// The owning user.
    pub owner: Option<String>,
    /// The owning group.
    pub group: Option<String>,
}

impl Permissions {
    /// True if none of them is known.
    pub fn is_empty(&self) -> bool {
        self.permissions.is_none() && self.owner.is_none() && self.group.is_none()
    }

    /// The fields that are given here and are not the same there.
    #[must_use]
    pub fn differing_from(&self, there: &Self) -> Self {
        let differing = |given: &Option<String>, held: &Option<String>| given.clone().filter(|_| given != held);
        Self {
            permissions: differing(&self.permissions, &there.permissions),
            owner: differing(&self.owner, &there.owner),
            group: differing(&self.group, &there.group),
        }
    }

    /// The fields that are given there, too, whatever their values.
    #[must_use]
    pub fn given_in(self, there: &Self) -> Self {
        let given = |held: Option<String>, there: &Option<String>| held.filter(|_| there.is_some());
        Self {
            permissions: given(self.permissions, &there.permissions),
            owner: given(self.owner, &there.owner),
            group: given(self.group, &there.group),
        }
    }

    /// These fields, and where one is missing, that of `under`.
    #[must_use]
    pub fn over(self, under: Self) -> Self {
        Self { permissions: self.permissions.or(under.permissions), owner: self.owner.or(under.owner), group: self.group.or(under.group) }
    }
}

/// One row of a snapshot. `None` = missing; no field has a meaningful empty value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// The object key, byte for byte.
    pub file_path: ObjectKey,
    /// Permissions, owner and group.
    pub permissions: Permissions,
    /// Length in bytes.
    pub size: Option<u64>,
    /// MIME type.
    pub file_type: Option<String>,
    /// When the object was last written.
    pub last_modified: Option<jiff::Timestamp>,
    /// The file manager's own identifier.
    pub internal_id: Option<String>,
    /// The object's entity tag.
    pub etag: Option<ETag>,
    /// `STANDARD`, `GLACIER`, …
    pub storage_class: Option<String>,
    /// Only on versioned buckets.
    pub version_id: Option<String>,
}

impl FileRecord {
    /// A file of which only the path is known.
    pub fn at(file_path: ObjectKey) -> Self {
        Self {
            file_path,
            permissions: Permissions::default(),
            size: None,
            file_type: None,
            last_modified: None,
            internal_id: None,
            etag: None,
            storage_class: None,
            version_id: None,
        }
    }

    /// The content's identity; `None` while ETag or size is unknown.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        Some(Fingerprint { etag: self.etag.clone()?, size: self.size? })
    }
}
