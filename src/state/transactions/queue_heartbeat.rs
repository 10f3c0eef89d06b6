//! The last contact with each queue. A message that outlived its queue's retention is lost, and only a listing finds its changes.

use crate::state::database::codec::time;
use crate::state::error::StateError;
use crate::state::handle::Inbox;
use crate::state::tables::gap::note_gap;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// So exact it is, so that a quiet queue costs no commit with each of its answers. Together with a long poll (20 s) less than the shortest
/// time that any queue keeps a message (60 s).
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(30);

impl Inbox {
    /// The last answer of the queue of this address; `None` = never, as far as is known. Runs that do not listen to it do not
    /// change that time.
    pub async fn queue_last_polled(&self, address: &str) -> Result<Option<Timestamp>, StateError> {
        let address = address.to_owned();
        self.state.writer.call(move |connection| last_polled(connection, &address)).await
    }

    /// The queue of this address has answered.
    pub async fn queue_note_polled(&self, address: &str, now: Timestamp) -> Result<(), StateError> {
        let address = address.to_owned();
        self.state.writer
            .call(move |connection| {
                if last_polled(connection, &address)?.is_some_and(|noted| now.duration_since(noted).abs() < NOTED_EVERY) {
                    return Ok(());
                }
                let mut statement = connection.prepare_cached(
                    "INSERT INTO queues (address, heard_at) VALUES (?1, ?2) ON CONFLICT (address) DO UPDATE SET heard_at = excluded.heard_at",
                )?;
                statement.execute(params![address, now.as_microsecond()])?;
                Ok(())
            })
            .await
    }

    /// Sets the queues that have a listener from now on. The rest of the former queues' messages has no listener any more, and that is
    /// a gap. Returns their addresses.
    pub async fn queues_set(&self, addresses: Vec<String>, now: Timestamp) -> Result<Vec<String>, StateError> {
        self.state
            .writer
            .call(move |connection| {
                let mut left = Vec::new();
                for (address, was_left) in known(connection)? {
                    let is_left = !addresses.contains(&address);
                    if is_left == was_left {
                        continue;
                    }
                    connection.execute("UPDATE queues SET is_left = ?2 WHERE address = ?1", params![address, is_left])?;
                    if is_left {
                        left.push(address);
                    }
                }
                if !left.is_empty() {
                    note_gap(connection, now)?;
                }
                Ok(left)
            })
            .await
    }
}

fn last_polled(connection: &Connection, address: &str) -> Result<Option<Timestamp>, StateError> {
    let mut statement = connection.prepare_cached("SELECT heard_at FROM queues WHERE address = ?1")?;
    let at: Option<i64> = statement.query_row([address], |row| row.get(0)).optional()?;
    Ok(at.and_then(time))
}

fn known(connection: &Connection) -> Result<Vec<(String, bool)>, StateError> {
    let mut statement = connection.prepare("SELECT address, is_left FROM queues ORDER BY address")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
