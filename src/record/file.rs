//! A file as a snapshot describes it, with its permissions.

use super::{ETag, Fingerprint, ObjectKey};
use serde::{Deserialize, Serialize};

/// The permissions of a file, in the file manager's notation. They are text and never interpreted: `0755` and `755` differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Permissions {
    /// The mode: `rw-r--r--`, `0644`, or any other text of the file manager.
    pub permissions: Option<String>,
    /// The owning user.
    pub owner: Option<String>,
    /// The owning group.
    pub group: Option<String>,
}

impl Permissions {
    /// True if no field is set.
    pub fn is_empty(&self) -> bool {
        self.permissions.is_none() && self.owner.is_none() && self.group.is_none()
    }

    /// The fields that are set here and whose values differ from `there`.
    #[must_use]
    pub fn differing_from(&self, there: &Self) -> Self {
        let differing = |given: &Option<String>, held: &Option<String>| given.clone().filter(|_| given != held);
        Self {
            permissions: differing(&self.permissions, &there.permissions),
            owner: differing(&self.owner, &there.owner),
            group: differing(&self.group, &there.group),
        }
    }

    /// The fields that are also set in `there`, with any value.
    #[must_use]
    pub fn given_in(self, there: &Self) -> Self {
        let given = |held: Option<String>, there: &Option<String>| held.filter(|_| there.is_some());
        Self {
            permissions: given(self.permissions, &there.permissions),
            owner: given(self.owner, &there.owner),
            group: given(self.group, &there.group),
        }
    }

    /// These fields; a missing one is taken from `under`.
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
    /// The sink's id of the file.
    pub internal_id: Option<String>,
    /// The object's entity tag.
    pub etag: Option<ETag>,
    /// `STANDARD`, `GLACIER`, …
    pub storage_class: Option<String>,
    /// Only on versioned buckets.
    pub version_id: Option<String>,
}

impl FileRecord {
    /// A record with only a path.
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

    /// ETag and size; `None` = one of them is unknown.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        Some(Fingerprint { etag: self.etag.clone()?, size: self.size? })
    }
}
