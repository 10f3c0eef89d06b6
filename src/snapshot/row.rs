//! A row of the CSV as bytes, and the parsing of its fields.

use super::columns::COLUMNS;
use super::error::{SnapshotProblem, shown};
use crate::record::{ETag, FileRecord, ObjectKey, Permissions};
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use std::ops::Range;

/// The byte ranges of the fields of a row, in the order of [`COLUMNS`]; an empty range = missing.
pub(super) type Places = [Range<usize>; COLUMNS.len()];

/// The fields of one row; an empty field = missing.
#[derive(Clone, Copy)]
pub(super) struct WireRow<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) places: &'a Places,
}

impl<'a> WireRow<'a> {
    pub(super) fn field(self, place: &Range<usize>) -> &'a [u8] {
        &self.bytes[place.clone()]
    }

    pub(super) fn key(self) -> &'a [u8] {
        let [file_path, ..] = self.places;
        self.field(file_path)
    }

    /// Checks that every field is UTF-8.
    pub(super) fn check_text(self) -> Result<(), SnapshotProblem> {
        self.texts().map(drop)
    }

    /// Checks that every typed field can be parsed.
    pub(super) fn check_values(self) -> Result<(), SnapshotProblem> {
        let [file_path, _, size, _, last_modified, ..] = self.places;
        parsed(self.field(size), parse_size).map_err(|found| SnapshotProblem::Size { found })?;
        parsed(self.field(last_modified), parse_time).map_err(|found| SnapshotProblem::LastModified { found })?;
        if file_path.is_empty() { Err(SnapshotProblem::NoKey) } else { Ok(()) }
    }

    fn texts(self) -> Result<[&'a str; COLUMNS.len()], SnapshotProblem> {
        let mut texts = [""; COLUMNS.len()];
        for ((text, place), column) in texts.iter_mut().zip(self.places).zip(COLUMNS) {
            let bytes = self.field(place);
            *text =
                str::from_utf8(bytes).map_err(|_| SnapshotProblem::NotText { column, found: shown(&bytes.escape_ascii().to_string()) })?;
        }
        Ok(texts)
    }
}

impl TryFrom<WireRow<'_>> for FileRecord {
    type Error = SnapshotProblem;

    fn try_from(row: WireRow<'_>) -> Result<Self, SnapshotProblem> {
        let [file_path, permissions, size, file_type, last_modified, internal_id, etag, storage_class, version_id, owner, group] =
            row.texts()?;
        Ok(Self {
            file_path: ObjectKey::new(file_path).map_err(|_| SnapshotProblem::NoKey)?,
            permissions: Permissions { permissions: present(permissions), owner: present(owner), group: present(group) },
            size: parsed(size.as_bytes(), parse_size).map_err(|found| SnapshotProblem::Size { found })?,
            file_type: present(file_type),
            last_modified: parsed(last_modified.as_bytes(), parse_time).map_err(|found| SnapshotProblem::LastModified { found })?,
            internal_id: present(internal_id),
            etag: ETag::of_bare(etag),
            storage_class: present(storage_class),
            version_id: present(version_id),
        })
    }
}

fn present(field: &str) -> Option<String> {
    (!field.is_empty()).then(|| field.to_owned())
}

/// Parses a field; `None` = empty. The error is the escaped text that `parse` refused.
fn parsed<T>(field: &[u8], parse: fn(&[u8]) -> Option<T>) -> Result<Option<T>, String> {
    if field.is_empty() { Ok(None) } else { parse(field).map(Some).ok_or_else(|| shown(&String::from_utf8_lossy(field))) }
}

/// Stricter than `u64::from_str`, which accepts `+8` and `008`.
fn parse_size(field: &[u8]) -> Option<u64> {
    if field.len() > 1 && field.starts_with(b"0") {
        return None;
    }
    field.iter().try_fold(0_u64, |size, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        size.checked_mul(10)?.checked_add(digit)
    })
}

/// Accepts any offset. A time without one is UTC.
fn parse_time(field: &[u8]) -> Option<Timestamp> {
    const PARSER: DateTimeParser = DateTimeParser::new();
    PARSER.parse_timestamp(field).ok().or_else(|| Some(PARSER.parse_datetime(field).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp()))
}
