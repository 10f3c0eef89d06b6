//! When the queue was last heard. What waited in it longer than it keeps a message is lost, and only a listing finds what it told.

use super::looks::time;
use super::runs::{read_meta, write_meta};
use super::{State, StateError};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

/// The name of a row of `meta`: microseconds.
const HEARD_AT: &str = "queue_heard_at";

/// So exact it is, so that a quiet queue costs no commit with each of its answers. Together with a long poll (20 s) less than the shortest
/// time that any queue keeps a message (60 s).
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(30);

impl State {
    /// When the queue last answered; `None` = never, as far as is known. Runs that do not listen to it change nothing about that.
    pub async fn queue_heard_at(&self) -> Result<Option<Timestamp>, StateError> {
        self.writer.call(heard_at).await
    }

    /// The queue has answered.
    pub async fn note_queue_heard(&self, now: Timestamp) -> Result<(), StateError> {
        self.writer
            .call(move |connection| match heard_at(connection)? {
                Some(noted) if now.duration_since(noted).abs() < NOTED_EVERY => Ok(()),
                _ => write_meta(connection, HEARD_AT, &now.as_microsecond().to_string()),
            })
            .await
    }
}

fn heard_at(connection: &Connection) -> Result<Option<Timestamp>, StateError> {
    Ok(read_meta(connection, HEARD_AT)?.and_then(|text| text.parse().ok()).and_then(time))
}
