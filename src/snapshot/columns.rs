//! The names of the columns of a snapshot, in their order.

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

/// The columns that every snapshot must have, in this order.
pub(super) const REQUIRED_COLUMNS: &[&str] = COLUMNS.split_at(6).0;
