//! One line of the CSV, as text: the wire type, and what its fields mean. It knows nothing of quotes, order or files.

use super::error::{Problem, shown};
use crate::record::{ETag, FileRecord, ObjectKey, Permissions};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// All columns, in the order in which they are written.
pub const COLUMNS: [&str; 11] = [
    "file_path",
    "permissions",
    "size",
    "file_type",
    "last_modified",
    "internal_id",
    "etag",
    "storage_class",
    "version_id",
    "owner",
    "group",
];

/// What every snapshot must have, in this order.
pub(super) const REQUIRED_COLUMNS: &[&str] = COLUMNS.split_at(6).0;

/// The fields of one row in the order of [`COLUMNS`]; an empty one is missing.
pub(super) struct SnapshotRow<'a>(pub(super) [Cow<'a, str>; COLUMNS.len()]);

impl<'a> From<&'a FileRecord> for SnapshotRow<'a> {
    fn from(record: &'a FileRecord) -> Self {
        let FileRecord { file_path, permissions, size, file_type, last_modified, internal_id, etag, storage_class, version_id } = record;
        let Permissions { permissions, owner, group } = permissions;
        Self([
            Cow::Borrowed(file_path.as_str()),
            text(permissions.as_ref()),
            size.map_or(Cow::Borrowed(""), |size| Cow::Owned(size.to_string())),
            text(file_type.as_ref()),
            last_modified.map_or(Cow::Borrowed(""), |time| Cow::Owned(time.to_string())),
            text(internal_id.as_ref()),
            Cow::Borrowed(etag.as_ref().map_or("", ETag::as_str)),
            text(storage_class.as_ref()),
            text(version_id.as_ref()),
            text(owner.as_ref()),
            text(group.as_ref()),
        ])
    }
}

impl SnapshotRow<'_> {
    /// Whether it can become a record; returns its key.
    pub(super) fn check(&self) -> Result<ObjectKey, Problem> {
        let [file_path, _, size, _, last_modified, ..] = &self.0;
        parsed(size, parse_size).map_err(|found| Problem::Size { found })?;
        parsed(last_modified, parse_time).map_err(|found| Problem::LastModified { found })?;
        ObjectKey::new(file_path.as_ref()).map_err(|_| Problem::NoKey)
    }
}

impl TryFrom<SnapshotRow<'_>> for FileRecord {
    type Error = Problem;

    fn try_from(row: SnapshotRow<'_>) -> Result<Self, Problem> {
        let [file_path, permissions, size, file_type, last_modified, internal_id, etag, storage_class, version_id, owner, group] = row.0;
        Ok(Self {
            file_path: ObjectKey::new(file_path).map_err(|_| Problem::NoKey)?,
            permissions: Permissions { permissions: present(permissions), owner: present(owner), group: present(group) },
            size: parsed(&size, parse_size).map_err(|found| Problem::Size { found })?,
            file_type: present(file_type),
            last_modified: parsed(&last_modified, parse_time).map_err(|found| Problem::LastModified { found })?,
            internal_id: present(internal_id),
            // The column holds the tag without quotes; given them back, what stands there comes through verbatim.
            etag: ETag::parse(&format!("\"{etag}\"")),
            storage_class: present(storage_class),
            version_id: present(version_id),
        })
    }
}

fn text(value: Option<&String>) -> Cow<'_, str> {
    Cow::Borrowed(value.map_or("", String::as_str))
}

fn present(field: Cow<'_, str>) -> Option<String> {
    (!field.is_empty()).then(|| field.into_owned())
}

/// `None` for an empty field, and what stands there where `parse` cannot use it.
fn parsed<T>(field: &str, parse: fn(&str) -> Option<T>) -> Result<Option<T>, String> {
    if field.is_empty() { Ok(None) } else { parse(field).map(Some).ok_or_else(|| shown(field)) }
}

/// Stricter than `u64::from_str`, which takes `+8` and `008`.
fn parse_size(field: &str) -> Option<u64> {
    let canonical = field.bytes().all(|b| b.is_ascii_digit()) && (field == "0" || !field.starts_with('0'));
    if canonical { field.parse().ok() } else { None }
}

/// Any offset is taken; a time without one is UTC, as the column is.
fn parse_time(field: &str) -> Option<Timestamp> {
    field.parse().ok().or_else(|| Some(field.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp()))
}
