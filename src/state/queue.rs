//! When the queue was last heard. What waited in it longer than it keeps a message is lost, and only a listing finds what it told.

use super::looks::time;
use super::runs::{read_meta, write_meta};
use super::{State, StateError};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

/// The names of rows of `meta`: microseconds, and which queue it was.
const HEARD_AT: &str = "queue_heard_at";
const ADDRESS: &str = "queue_address";

/// So exact it is, so that a quiet queue costs no commit with each of its answers. Together with a long poll (20 s) less than the shortest
/// time that any queue keeps a message (60 s).
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// When some queue was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueHeard {
    /// Which; `None` = an older version of this program heard it, and did not say.
    pub address: Option<String>,
    /// When it last answered.
    pub at: Timestamp,
}

impl QueueHeard {
    /// Whether it may have been this one.
    pub fn is_of(&self, address: &str) -> bool {
        self.address.as_deref().is_none_or(|heard| heard == address)
    }
}

impl State {
    /// The queue that was heard last; `None` = none was, as far as is known. Runs that do not listen to it change nothing about that.
    pub async fn queue_heard(&self) -> Result<Option<QueueHeard>, StateError> {
        self.writer.call(heard).await
    }

    /// The queue of this address has answered.
    pub async fn note_queue_heard(&self, address: &str, now: Timestamp) -> Result<(), StateError> {
        let address = address.to_owned();
        self.writer
            .call(move |connection| {
                let noted = heard(connection)?.filter(|noted| noted.address.as_ref() == Some(&address));
                if noted.is_some_and(|noted| now.duration_since(noted.at).abs() < NOTED_EVERY) {
                    return Ok(());
                }
                write_meta(connection, ADDRESS, &address)?;
                write_meta(connection, HEARD_AT, &now.as_microsecond().to_string())
            })
            .await
    }
}

fn heard(connection: &Connection) -> Result<Option<QueueHeard>, StateError> {
    let at = read_meta(connection, HEARD_AT)?.and_then(|text| text.parse().ok()).and_then(time);
    let address = read_meta(connection, ADDRESS)?;
    Ok(at.map(|at| QueueHeard { address, at }))
}
