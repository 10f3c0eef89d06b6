//! How numbers and times are stored.

use jiff::Timestamp;

/// SQLite's integers are signed; sizes, looks and run numbers stay far below the difference.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A stored time; `None` when it is out of range, as a hand-edited file may have it.
pub(crate) fn time(microseconds: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(microseconds).ok()
}
