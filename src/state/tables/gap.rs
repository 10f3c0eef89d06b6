//! The mark that events may have been missed, in a row of `meta`.

use crate::state::database::codec::time;
use crate::state::database::meta::{delete_meta, read_meta, write_meta};
use crate::state::error::StateError;
use jiff::Timestamp;
use rusqlite::Connection;

pub(crate) const GAP: &str = "feed_gap";

/// Clears a gap that was noted before `listed_since`: a listing that began then has found the missed changes.
pub(crate) fn clear_gap(connection: &Connection, listed_since: Timestamp, now: Timestamp) -> Result<(), StateError> {
    match gap(connection)? {
        Some(noted) if noted <= listed_since => delete_meta(connection, GAP),
        // The clock was ahead when the gap was noted. Noted again with the present time, it ends with the next listing.
        Some(noted) if noted > now => note_gap(connection, now),
        _ => Ok(()),
    }
}

pub(crate) fn gap(connection: &Connection) -> Result<Option<Timestamp>, StateError> {
    Ok(read_meta(connection, GAP)?.and_then(|text| text.parse().ok()).and_then(time))
}

pub(crate) fn note_gap(connection: &Connection, now: Timestamp) -> Result<(), StateError> {
    write_meta(connection, GAP, &now.as_microsecond().to_string())
}
