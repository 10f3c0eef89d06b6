//! The conversion of numbers, times and sets of paths to SQLite's values.

use crate::record::ObjectKey;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::vtab::array::Array;
use std::rc::Rc;

/// SQLite's integers are signed; sizes, lookup numbers and run numbers stay far below the difference.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A stored time; `None` when it is out of range, as a hand-edited file may have it.
pub(crate) fn time(microseconds: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(microseconds).ok()
}

/// Paths as a statement takes many of them at once.
pub(crate) fn texts<'p>(paths: impl Iterator<Item = &'p ObjectKey>) -> Array {
    Rc::new(paths.map(|path| Value::from(path.as_str().to_owned())).collect())
}
