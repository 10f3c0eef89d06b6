//! For each sink and path, which reported permissions are outdated there: the sink has lost the file that they described. Kept
//! while another sink still needs them.

use crate::record::{ObjectKey, ObservationSeq, Outdated};
use crate::state::database::codec::{integer, time};
use crate::state::error::StateError;
use crate::state::tables::lineage;
use crate::state::tables::sinks::RegisteredSink;
use crate::state::tables::sources::SourceId;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(crate) fn read(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<Outdated, StateError> {
    let mut statement = connection.prepare_cached("SELECT until, before_look FROM outdated_permissions WHERE sink = ?1 AND path = ?2")?;
    let row = statement.query_row(params![sink.id, path.as_str()], |row| from_row(row, 0));
    Ok(row.optional()?.unwrap_or_default())
}

/// Reads the columns `until, before_look` from `first` on.
pub(crate) fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Outdated> {
    let until = row.get::<_, Option<i64>>(first)?.and_then(time);
    Ok(Outdated { until, before: row.get::<_, Option<i64>>(first + 1)?.map(|seq| ObservationSeq(seq.unsigned_abs())) })
}

pub(crate) fn write(connection: &Connection, sink: RegisteredSink, path: &ObjectKey, outdated: Outdated) -> Result<(), StateError> {
    let mut statement = connection
        .prepare_cached("INSERT OR REPLACE INTO outdated_permissions (sink, path, until, before_look) VALUES (?1, ?2, ?3, ?4)")?;
    let (until, before) = (outdated.until.map(Timestamp::as_microsecond), outdated.before.map(|seq| integer(seq.0)));
    statement.execute(params![sink.id, path.as_str(), until, before])?;
    Ok(())
}

/// The paths with permissions that are outdated for the sink.
pub(crate) fn paths(connection: &Connection, sink: RegisteredSink) -> Result<Vec<ObjectKey>, StateError> {
    let mut statement = connection.prepare("SELECT path FROM outdated_permissions WHERE sink = ?1")?;
    let rows = statement.query_map([sink.id], |row| row.get(0))?;
    rows.map(|path| lineage::key(path?)).collect()
}

/// Removes the rows of all sinks, once the path's permissions themselves are removed.
pub(crate) fn remove_all(connection: &Connection, source: SourceId, path: &ObjectKey) -> Result<(), StateError> {
    let mut statement = connection
        .prepare_cached("DELETE FROM outdated_permissions WHERE path = ?2 AND sink IN (SELECT id FROM sinks WHERE source = ?1)")?;
    statement.execute(params![source, path.as_str()])?;
    Ok(())
}
