//! Dead letters: messages that could not be decoded or failed repeatedly, kept until the operator decides.

use crate::record::Event;
use crate::record::EventChannel;
use crate::state::database::codec::{integer, time};
use crate::state::error::StateError;
use crate::state::tables::{counters, inbox};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// How much of a received message is kept. No single record is longer; of a longer message the beginning is kept for reading, and
/// it cannot be retried.
pub const MAX_RAW_BYTES: usize = 16 * 1024;

/// The number of kept letters, so that a source's flood of unusable messages cannot fill the disk. Beyond it the oldest are
/// deleted, those without a decoded event first.
pub const MAX_DEAD_LETTERS: u64 = 10_000;

/// A message that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poisoned {
    /// A short, stable name.
    pub reason: String,
    /// A sentence for people, escaped for display.
    pub message: String,
    /// The message, as it arrived.
    pub raw: Vec<u8>,
}

/// One dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The letter's number.
    pub id: i64,
    /// The source that reported it.
    pub source: EventChannel,
    /// A short, stable name.
    pub reason: String,
    /// A sentence for people, escaped for display.
    pub message: String,
    /// The time of arrival, by the service's clock.
    pub received_at: Timestamp,
    /// The first [`MAX_RAW_BYTES`] bytes of the message; empty if it was decoded.
    pub raw: Vec<u8>,
    /// The length of the whole message.
    pub raw_bytes: u64,
    /// The event, if it was decoded.
    pub event: Option<Event>,
}

impl DeadLetter {
    /// True if the whole message is kept.
    pub fn is_whole(&self) -> bool {
        self.raw_bytes == self.raw.len() as u64
    }
}

/// Adds one letter: its source and time, the error, and the event if it was decoded.
pub(crate) fn add(
    connection: &Connection,
    (source, received_at): (EventChannel, Timestamp),
    poisoned: &Poisoned,
    event: Option<&Event>,
) -> Result<(), StateError> {
    let kept = &poisoned.raw[..poisoned.raw.len().min(MAX_RAW_BYTES)];
    connection
        .prepare_cached(
            "INSERT INTO dead_letters (source, reason, message, received_at, raw, raw_bytes, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            source.as_str(),
            poisoned.reason,
            poisoned.message,
            received_at.as_microsecond(),
            kept,
            integer(poisoned.raw.len() as u64),
            event.map(inbox::write_event).transpose()?,
        ])?;
    Ok(())
}

/// Deletes the oldest letters beyond the limit; a decoded event only when no other letter is left. (A flood of unusable messages,
/// or of another bucket's, must not displace events whose loss would need a reconcile.)
pub(crate) fn make_room(connection: &Connection) -> Result<(), StateError> {
    let too_many = counters::count(connection, "dead_letters")?.saturating_sub(MAX_DEAD_LETTERS);
    if too_many == 0 {
        return Ok(());
    }
    let undecoded = connection.prepare_cached(EVICT_UNDECODED)?.execute([integer(too_many)])? as u64;
    let decoded = connection.prepare_cached(EVICT_OLDEST)?.execute([integer(too_many.saturating_sub(undecoded))])? as u64;
    connection
        .prepare_cached("UPDATE counters SET value = value + ?1 WHERE name = 'dead_letters_evicted'")?
        .execute([integer(undecoded + decoded)])?;
    tracing::warn!(undecoded, decoded, most = MAX_DEAD_LETTERS, "there are too many dead letters: the oldest are removed");
    Ok(())
}

pub(crate) const EVICT_UNDECODED: &str =
    "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE event IS NULL ORDER BY id LIMIT ?1)";

pub(crate) const EVICT_OLDEST: &str = "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters ORDER BY id LIMIT ?1)";

pub(crate) fn remove(connection: &Connection, id: i64) -> Result<bool, StateError> {
    let removed = connection.prepare_cached("DELETE FROM dead_letters WHERE id = ?1")?.execute([id])? > 0;
    if counters::count(connection, "dead_letters")? == 0 {
        // No letter is left: the operator has decided about all of them.
        connection.prepare_cached("UPDATE counters SET value = 0 WHERE name = 'dead_letters_evicted'")?.execute([])?;
    }
    Ok(removed)
}

pub(crate) fn after_id(connection: &Connection, after: i64, most: usize) -> Result<Vec<DeadLetter>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, source, reason, message, received_at, raw, raw_bytes, event FROM dead_letters WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let rows = statement.query_map(params![after, i64::try_from(most).unwrap_or(i64::MAX)], |row| Ok(from_row(row)))?;
    rows.map(|row| row?).collect()
}

/// Why a letter could not be used: preferably a reason that stops all events, else that of the newest letter. Reads the whole
/// table, which [`MAX_DEAD_LETTERS`] bounds.
pub(crate) fn example_message(connection: &Connection) -> Result<Option<String>, StateError> {
    let order = "SELECT message FROM dead_letters ORDER BY reason = 'subscription_confirmation' DESC, id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(order)?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

pub(crate) fn one(connection: &Connection, id: i64) -> Result<Option<DeadLetter>, StateError> {
    let mut statement = connection
        .prepare_cached("SELECT id, source, reason, message, received_at, raw, raw_bytes, event FROM dead_letters WHERE id = ?1")?;
    statement.query_row([id], |row| Ok(from_row(row))).optional()?.transpose()
}

pub(crate) fn from_row(row: &Row<'_>) -> Result<DeadLetter, StateError> {
    Ok(DeadLetter {
        id: row.get(0)?,
        source: inbox::read_source(&row.get::<_, String>(1)?)?,
        reason: row.get(2)?,
        message: row.get(3)?,
        received_at: time(row.get(4)?).unwrap_or_default(),
        raw: row.get(5)?,
        raw_bytes: row.get::<_, i64>(6)?.unsigned_abs(),
        event: row.get::<_, Option<String>>(7)?.as_deref().map(inbox::read_event).transpose()?,
    })
}
