//! The inbox: events that are not consumed yet, in order of arrival. `plan::fold` decides what an event means.

use crate::record::EventChannel;
use crate::record::{Event, ObservationSeq};
use crate::state::database::codec::{integer, time};
use crate::state::error::StateError;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeSet;

/// A waiting event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Its position: the order of arrival, never reused.
    pub seq: i64,
    /// The source that reported it.
    pub source: EventChannel,
    /// The time of storage, by the service's clock.
    pub received_at: Timestamp,
    /// The newest observation at that time: one with a greater number began later.
    pub newest_observation: ObservationSeq,
    /// How often its replay failed because of a path of its own.
    pub failures: u32,
    /// The reported event.
    pub event: Event,
}

/// The moment of receipt: the time, and the newest observation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedAt {
    pub(crate) at: Timestamp,
    pub(crate) newest_observation: ObservationSeq,
}

pub(crate) fn add(connection: &Connection, source: EventChannel, event: &Event, receipt: ReceivedAt) -> Result<(), StateError> {
    connection.prepare_cached("INSERT INTO inbox (source, received_at, look, event) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        source.as_str(),
        receipt.at.as_microsecond(),
        integer(receipt.newest_observation.0),
        write_event(event)?
    ])?;
    Ok(())
}

/// The rows of a batch that are still in the inbox.
pub(crate) fn waiting(connection: &Connection, rows: &[InboxRow]) -> Result<BTreeSet<i64>, StateError> {
    let mut statement = connection.prepare_cached("SELECT seq FROM inbox WHERE seq BETWEEN ?1 AND ?2")?;
    let (first, last) = (rows.first().map(|row| row.seq), rows.last().map(|row| row.seq));
    let seqs = statement.query_map([first, last], |row| row.get(0))?;
    Ok(seqs.collect::<Result<_, _>>()?)
}

/// Removes these rows (in ascending order), and returns how many were there. Their results are stored in the same transaction.
pub(crate) fn remove(connection: &Connection, seqs: &[i64]) -> Result<usize, StateError> {
    let mut statement = connection.prepare_cached("DELETE FROM inbox WHERE seq BETWEEN ?1 AND ?2")?;
    let mut removed = 0;
    for run in seqs.chunk_by(|one, next| one + 1 == *next) {
        removed += statement.execute([run.first(), run.last()])?;
    }
    count_by(connection, -integer(removed as u64))?;
    Ok(removed)
}

/// Counts a failure of a row and returns the new count (0 if the row is gone). Cycles may follow one another within seconds, and
/// all of them fail while a store is overloaded; that counts as one failure. The next one counts after 1 minute, then 2, 4 and 8.
pub(crate) fn count_failure(connection: &Connection, seq: i64, now: Timestamp) -> Result<u32, StateError> {
    let mut statement = connection.prepare_cached(
        "UPDATE inbox SET failures = failures + 1, failed_at = ?2
         WHERE seq = ?1 AND (failed_at IS NULL OR abs(?2 - failed_at) >= 60000000 * (1 << (failures - 1)))",
    )?;
    statement.execute(params![seq, now.as_microsecond()])?;
    let mut statement = connection.prepare_cached("SELECT failures FROM inbox WHERE seq = ?1")?;
    Ok(statement.query_row([seq], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// Deletes all events: they are about another source.
pub(crate) fn forget(connection: &Connection) -> Result<(), StateError> {
    let removed = connection.execute("DELETE FROM inbox", [])?;
    count_by(connection, -integer(removed as u64))
}

/// Callers count the rows that they add or remove, all at once: a trigger would update the counter for each row.
pub(crate) fn count_by(connection: &Connection, rows: i64) -> Result<(), StateError> {
    connection.prepare_cached("UPDATE counters SET value = value + ?1 WHERE name = 'inbox'")?.execute([rows])?;
    Ok(())
}

pub(crate) fn batch(connection: &Connection, after_seq: i64, most: usize) -> Result<Vec<InboxRow>, StateError> {
    let mut statement = connection
        .prepare_cached("SELECT seq, source, received_at, look, failures, event FROM inbox WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let rows = statement.query_map(params![after_seq, i64::try_from(most).unwrap_or(i64::MAX)], |row| Ok(from_row(row)))?;
    rows.map(|row| row?).collect()
}

pub(crate) fn from_row(row: &Row<'_>) -> Result<InboxRow, StateError> {
    Ok(InboxRow {
        seq: row.get(0)?,
        source: read_source(&row.get::<_, String>(1)?)?,
        received_at: time(row.get(2)?).unwrap_or_default(),
        newest_observation: ObservationSeq(row.get::<_, i64>(3)?.unsigned_abs()),
        failures: row.get(4)?,
        event: read_event(&row.get::<_, String>(5)?)?,
    })
}

/// The channel with this stored name.
pub(crate) fn read_source(word: &str) -> Result<EventChannel, StateError> {
    EventChannel::parse(word).ok_or_else(|| StateError::Corrupt(format!("the source {word:?}")))
}

pub(crate) fn write_event(event: &Event) -> Result<String, StateError> {
    serde_json::to_string(event).map_err(|error| StateError::Corrupt(format!("an event that cannot be written: {error}")))
}

pub(crate) fn read_event(text: &str) -> Result<Event, StateError> {
    serde_json::from_str(text).map_err(|error| StateError::Corrupt(format!("an event of the inbox: {error}")))
}
