//! The differences between two snapshots: a merge join, row by row. Pure. Only the command `diff` uses it; no run does.
//!
//! The rule, for each of `ETag`, size, permissions, owner and group: **the new side differs if it has a value and the old side does not
//! have the same value.** A value that is missing on the new side is unknown; a value that is missing on the old side was never confirmed:
//!
//! | old | new | differs |
//! |---|---|---|
//! | `a` | `a` | no |
//! | `a` | `b` | yes |
//! | `a`, or missing | missing | no: the new value is unknown |
//! | missing | `a` | yes: it may be the same, but was never confirmed |
//!
//! Values are compared as text: `0755` and `755` differ. `ETag` and size are the content, the other three the permissions; every
//! [`Difference`] distinguishes the two. The other columns are never compared.
//!
//! One row of each side is in memory.

pub mod merge;
pub mod render;
mod row;

pub use merge::{JoinError, Joined, outer_join};
pub use row::Row;

use crate::record::{FileRecord, ObjectKey};

#[cfg(test)]
mod tests;

/// A key whose rows differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Only the new side has the key.
    Added(FileRecord),
    /// Only the old side has the key.
    Removed(FileRecord),
    /// Both sides have the key, and `content` or `permissions` or both differ.
    Changed {
        /// The row of the old side.
        old: Box<FileRecord>,
        /// The row of the new side.
        new: Box<FileRecord>,
        /// True if `ETag` or size differs.
        content: bool,
        /// True if permissions, owner or group differs.
        permissions: bool,
    },
}

impl Difference {
    /// The key.
    pub fn key(&self) -> &ObjectKey {
        match self {
            Self::Added(record) | Self::Removed(record) => &record.file_path,
            Self::Changed { new, .. } => &new.file_path,
        }
    }
}

/// The error that ended a diff early: an error of one side, or rows out of order.
pub type DiffError<E> = JoinError<ObjectKey, E>;

/// Compares two sides and returns the differences in the order of their keys. Both sides must be in strictly ascending order. The iterator
/// ends after the first error.
pub fn diff<R: Row, E>(
    old: impl IntoIterator<Item = Result<R, E>>,
    new: impl IntoIterator<Item = Result<R, E>>,
) -> impl Iterator<Item = Result<Difference, DiffError<E>>> {
    outer_join(old, new, R::key, R::key)
        .filter_map(|joined| joined.map(compare).map_err(|error| error.map_keys(|key| object_key(key))).transpose())
}

fn object_key(bytes: &[u8]) -> ObjectKey {
    ObjectKey::new(String::from_utf8_lossy(bytes)).expect("invariant: a row has a key")
}

fn compare<R: Row>(joined: Joined<R, R>) -> Option<Difference> {
    match joined {
        Joined::Left(old) => Some(Difference::Removed(old.into_record())),
        Joined::Right(new) => Some(Difference::Added(new.into_record())),
        Joined::Both(old, new) => {
            let content = new.content_differs_from(&old);
            let permissions = new.permissions_differ_from(&old);
            (content || permissions).then(|| {
                let (old, new) = (Box::new(old.into_record()), Box::new(new.into_record()));
                Difference::Changed { old, new, content, permissions }
            })
        }
    }
}
