//! The conversion of numbers, times and sets of paths to SQLite's values.

use crate::record::ObjectKey;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::vtab::array::Array;
use std::rc::Rc;

/// SQLite's integers are signed. Sizes, observation numbers and run numbers stay far below 2^63.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A stored time; `None` if it is out of range (a file edited by hand).
pub(crate) fn time(microseconds: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(microseconds).ok()
}

/// Many paths as one parameter of a statement.
pub(crate) fn texts<'p>(paths: impl Iterator<Item = &'p ObjectKey>) -> Array {
    Rc::new(paths.map(|path| Value::from(path.as_str().to_owned())).collect())
}
