//! The source of the state: one row, with the progress of its listing.

use crate::record::{KnownEncodings, ObjectKey};
use crate::state::error::StateError;
use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, params};

/// A source's number in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceId(pub(crate) i64);

impl ToSql for SourceId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// The progress of a listing that is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Begin at the start.
    Nothing,
    /// Continue after this key.
    UpTo(ObjectKey),
    /// All pages are stored; the work that they caused may still wait.
    Everything,
}

/// The source of this state.
pub(crate) fn only(connection: &Connection) -> Result<SourceId, StateError> {
    Ok(connection.query_row("SELECT id FROM sources", [], |row| row.get(0).map(SourceId))?)
}

pub(crate) fn address(connection: &Connection, source: SourceId) -> Result<Option<String>, StateError> {
    Ok(connection.query_row("SELECT address FROM sources WHERE id = ?1", [source], |row| row.get(0))?)
}

/// Another endpoint may write keys in another way.
pub(crate) fn write_address(connection: &Connection, source: SourceId, address: &str) -> Result<(), StateError> {
    let text = "UPDATE sources SET address = ?2, key_encodings = iif(address IS ?2, key_encodings, NULL) WHERE id = ?1";
    connection.execute(text, params![source, address])?;
    Ok(())
}

/// What the listings have shown of the spelling of their keys; `None` = nothing yet.
pub(crate) fn key_encodings(connection: &Connection, source: SourceId) -> Result<Option<KnownEncodings>, StateError> {
    let mut statement = connection.prepare_cached("SELECT keys_declared_encoded, key_encodings FROM sources WHERE id = ?1")?;
    let (declared, words): (bool, Option<String>) = statement.query_row([source], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(words.and_then(|words| KnownEncodings::of_words(declared, &words)))
}

pub(crate) fn write_key_encodings(connection: &Connection, source: SourceId, known: &KnownEncodings) -> Result<(), StateError> {
    let text = "UPDATE sources SET keys_declared_encoded = ?2, key_encodings = ?3 WHERE id = ?1";
    connection.prepare_cached(text)?.execute(params![source, known.declared, known.words()])?;
    Ok(())
}

pub(crate) fn listed(connection: &Connection, source: SourceId) -> Result<Listed, StateError> {
    let mut statement = connection.prepare_cached("SELECT listed_everything, listed_up_to FROM sources WHERE id = ?1")?;
    let (everything, up_to): (bool, Option<String>) = statement.query_row([source], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if everything {
        return Ok(Listed::Everything);
    }
    Ok(up_to.and_then(|key| ObjectKey::new(key).ok()).map_or(Listed::Nothing, Listed::UpTo))
}

/// Stores a page's last key, or that it was the last page.
pub(crate) fn write_listed(connection: &Connection, source: SourceId, up_to: Option<&ObjectKey>) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached("UPDATE sources SET listed_up_to = ?2, listed_everything = ?2 IS NULL WHERE id = ?1")?;
    statement.execute(params![source, up_to.map(ObjectKey::as_str)])?;
    Ok(())
}

/// Another run cannot continue this listing, because its pages are not ranges of keys.
pub(crate) fn forget_listed_up_to(connection: &Connection, source: SourceId) -> Result<(), StateError> {
    let text = "UPDATE sources SET listed_up_to = NULL WHERE id = ?1 AND listed_up_to IS NOT NULL";
    connection.prepare_cached(text)?.execute([source])?;
    Ok(())
}

/// Makes the next listing begin at the start.
pub(crate) fn forget_listing(connection: &Connection, source: SourceId) -> Result<(), StateError> {
    let text = "UPDATE sources SET listed_up_to = NULL, listed_everything = 0, listing_saw_files = 0 WHERE id = ?1";
    connection.prepare_cached(text)?.execute([source])?;
    Ok(())
}

/// The complete listing has been used: the next run lists again.
pub(crate) fn forget_everything_listed(connection: &Connection, source: SourceId) -> Result<(), StateError> {
    connection.prepare_cached("UPDATE sources SET listed_everything = 0 WHERE id = ?1")?.execute([source])?;
    Ok(())
}

pub(crate) fn listing_saw_files(connection: &Connection, source: SourceId) -> Result<bool, StateError> {
    Ok(connection.prepare_cached("SELECT listing_saw_files FROM sources WHERE id = ?1")?.query_row([source], |row| row.get(0))?)
}

pub(crate) fn write_listing_saw_files(connection: &Connection, source: SourceId, saw_files: bool) -> Result<(), StateError> {
    let text = "UPDATE sources SET listing_saw_files = ?2 WHERE id = ?1 AND listing_saw_files <> ?2";
    connection.prepare_cached(text)?.execute(params![source, saw_files])?;
    Ok(())
}

/// The run that completed the initial sync.
pub(crate) fn initial_completed_by(connection: &Connection, source: SourceId) -> Result<Option<u64>, StateError> {
    let mut statement = connection.prepare_cached("SELECT initial_completed_by FROM sources WHERE id = ?1")?;
    let run: Option<i64> = statement.query_row([source], |row| row.get(0))?;
    Ok(run.map(i64::unsigned_abs))
}

pub(crate) fn write_initial_completed_by(connection: &Connection, source: SourceId, run: Option<i64>) -> Result<(), StateError> {
    connection.execute("UPDATE sources SET initial_completed_by = ?2 WHERE id = ?1", params![source, run])?;
    Ok(())
}

/// True if a reconcile began and no listing has completed since.
pub(crate) fn reconcile_unfinished(connection: &Connection, source: SourceId) -> Result<bool, StateError> {
    Ok(connection.prepare_cached("SELECT reconcile_unfinished FROM sources WHERE id = ?1")?.query_row([source], |row| row.get(0))?)
}

pub(crate) fn write_reconcile_unfinished(connection: &Connection, source: SourceId, unfinished: bool) -> Result<(), StateError> {
    connection.execute("UPDATE sources SET reconcile_unfinished = ?2 WHERE id = ?1", params![source, unfinished])?;
    Ok(())
}
