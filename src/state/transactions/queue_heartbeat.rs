//! When each queue was last polled. Messages older than the queue's retention are lost, and only a listing finds their changes.

use crate::state::database::codec::time;
use crate::state::error::StateError;
use crate::state::handle::Inbox;
use crate::state::tables::gap::note_gap;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// The precision of the stored time: a quiet queue does not cause a commit with each response. Together with a long poll (20 s)
/// it is less than the shortest retention of a queue (60 s).
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(30);

impl Inbox {
    /// The last response of the queue at this address; `None` = none is known. Runs that do not poll the queue leave it as it is.
    pub async fn queue_last_polled(&self, address: &str) -> Result<Option<Timestamp>, StateError> {
        let address = address.to_owned();
        self.state.writer.call(move |connection| last_polled(connection, &address)).await
    }

    /// The queue at this address has responded.
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

    /// Sets the queues that are polled from now on. Returns the addresses that are no longer polled: their remaining messages are
    /// an event gap, which this notes.
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
