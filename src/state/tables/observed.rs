//! Observed: one row for each key that was looked up or listed. An older observation never overwrites a newer one.

use crate::mutant;
use crate::record::{ETag, ObjectFacts, ObjectKey, ObservationSeq, Observed};
use crate::state::database::codec::{integer, texts, time};
use crate::state::error::StateError;
use crate::state::tables::sources::SourceId;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(crate) fn read(connection: &Connection, source: SourceId, path: &ObjectKey) -> Result<Option<Observed>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT look, present, size, etag, last_modified, storage_class, version_id FROM observed WHERE source = ?1 AND path = ?2",
    )?;
    Ok(statement.query_row(params![source, path.as_str()], |row| from_row(row, 0)).optional()?)
}

/// The rows of these paths, in their order, in one query.
pub(crate) fn read_all<'p>(
    connection: &Connection,
    source: SourceId,
    paths: impl Iterator<Item = &'p ObjectKey>,
) -> Result<Vec<Option<Observed>>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT o.look, o.present, o.size, o.etag, o.last_modified, o.storage_class, o.version_id
         FROM rarray(?2) k LEFT JOIN observed o ON o.source = ?1 AND o.path = k.value",
    )?;
    let rows = statement.query_map(params![source, texts(paths)], |row| {
        let seq: Option<i64> = row.get(0)?;
        seq.map(|_| from_row(row, 0)).transpose()
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads the columns `seq, present, size, etag, last_modified, storage_class, version_id` from `first` on.
pub(crate) fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Observed> {
    let present: bool = row.get(first + 1)?;
    let facts = if present {
        Some(ObjectFacts {
            size: row.get::<_, i64>(first + 2)?.unsigned_abs(),
            etag: row.get::<_, Option<String>>(first + 3)?.as_deref().and_then(ETag::parse),
            last_modified: row.get::<_, Option<i64>>(first + 4)?.and_then(time),
            storage_class: row.get(first + 5)?,
            version_id: row.get(first + 6)?,
        })
    } else {
        None
    };
    Ok(Observed { facts, seq: ObservationSeq(row.get::<_, i64>(first)?.unsigned_abs()) })
}

/// Stores an observation unless a newer one is stored. A repeated observation that the key is absent keeps the tombstone's times.
pub(crate) fn write(connection: &Connection, source: SourceId, path: &ObjectKey, observed: &Observed) -> Result<(), StateError> {
    let facts = observed.facts.as_ref();
    let mut statement = connection.prepare_cached(
        "INSERT INTO observed (source, path, look, present, size, etag, last_modified, storage_class, version_id)
         VALUES (?10, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (source, path) DO UPDATE SET look = excluded.look, present = excluded.present, size = excluded.size,
             etag = excluded.etag, last_modified = excluded.last_modified, storage_class = excluded.storage_class,
             version_id = excluded.version_id,
             gone_by_event = iif(excluded.present = 0 AND observed.present = 0, observed.gone_by_event, 0)
         WHERE observed.look < excluded.look OR ?9",
    )?;
    statement.execute(params![
        path.as_str(),
        integer(observed.seq.0),
        facts.is_some(),
        facts.map(|facts| integer(facts.size)),
        facts.and_then(|facts| facts.etag.as_ref()).map(ETag::as_str),
        facts.and_then(|facts| facts.last_modified).map(Timestamp::as_microsecond),
        facts.and_then(|facts| facts.storage_class.as_deref()),
        facts.and_then(|facts| facts.version_id.as_deref()),
        mutant::is("an_older_look_wins"),
        source,
    ])?;
    Ok(())
}
