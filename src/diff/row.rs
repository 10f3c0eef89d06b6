//! Compares two rows, as records or as bytes of their files.

use crate::record::FileRecord;
use crate::snapshot::Line;

/// A row that can be compared. Both implementations follow the rule of [`crate::diff`].
pub trait Row {
    /// The bytes of the key.
    fn key(&self) -> &[u8];
    /// True if the `ETag` or the size differs from the old side.
    fn content_differs_from(&self, old: &Self) -> bool;
    /// True if permissions, owner or group differ from the old side.
    fn permissions_differ_from(&self, old: &Self) -> bool;
    /// The row as a record.
    fn into_record(self) -> FileRecord;
}

impl Row for FileRecord {
    fn key(&self) -> &[u8] {
        self.file_path.as_str().as_bytes()
    }

    fn content_differs_from(&self, old: &Self) -> bool {
        differs(old.etag.as_ref(), self.etag.as_ref()) || differs(old.size.as_ref(), self.size.as_ref())
    }

    fn permissions_differ_from(&self, old: &Self) -> bool {
        let (old, new) = (&old.permissions, &self.permissions);
        differs(old.permissions.as_ref(), new.permissions.as_ref())
            || differs(old.owner.as_ref(), new.owner.as_ref())
            || differs(old.group.as_ref(), new.group.as_ref())
    }

    fn into_record(self) -> FileRecord {
        self
    }
}

/// Compares texts instead of values: every value has exactly one text, and empty text is a missing value.
impl Row for Line {
    fn key(&self) -> &[u8] {
        self.key()
    }

    fn content_differs_from(&self, old: &Self) -> bool {
        texts_differ(old.content(), self.content())
    }

    fn permissions_differ_from(&self, old: &Self) -> bool {
        texts_differ(old.permissions(), self.permissions())
    }

    fn into_record(self) -> FileRecord {
        self.into_record()
    }
}

/// The rule of [`crate::diff`] for one value.
pub(super) fn differs<T: PartialEq>(old: Option<&T>, new: Option<&T>) -> bool {
    new.is_some() && old != new
}

fn texts_differ<const N: usize>(old: [&[u8]; N], new: [&[u8]; N]) -> bool {
    old.into_iter().zip(new).any(|(old, new)| !new.is_empty() && old != new)
}
