//! Sinks: one row each, with the facts about the sink as a whole. Triggers count its rows and open intents.

use crate::mutant;
use crate::plan::Policy;
use crate::plan::guard::HeldDeletes;
use crate::record::SinkName;
use crate::state::database::meta::{read_meta, write_meta};
use crate::state::error::StateError;
use crate::state::tables::sources::SourceId;
use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// A sink's number in the tables; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SinkId(pub(crate) i64);

impl ToSql for SinkId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// The context that every statement about a sink needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegisteredSink {
    pub(crate) id: SinkId,
    pub(crate) source: SourceId,
    pub(crate) policy: Policy,
}

/// A sink as the state describes it.
#[derive(Clone, Debug)]
pub(crate) struct SinkRow {
    pub(crate) sink: RegisteredSink,
    pub(crate) name: SinkName,
    /// `None` = no run has set it yet.
    pub(crate) address: Option<String>,
}

/// A row of `meta`: the number of the sink that was added last.
const LAST_SINK: &str = "last_sink";

const COLUMNS: &str = "SELECT id, source, policy, name, address FROM sinks";

/// All sinks of a source, in the order in which they were added.
pub(crate) fn all(connection: &Connection, source: SourceId) -> Result<Vec<RegisteredSink>, StateError> {
    Ok(all_rows(connection, source)?.into_iter().map(|row| row.sink).collect())
}

pub(crate) fn all_rows(connection: &Connection, source: SourceId) -> Result<Vec<SinkRow>, StateError> {
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE source = ?1 ORDER BY id"))?;
    let rows = statement.query_map([source], |row| Ok(from_row(row)))?;
    rows.map(|row| row?).collect()
}

pub(crate) fn named(connection: &Connection, name: &SinkName) -> Result<Option<SinkRow>, StateError> {
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE name = ?1"))?;
    statement.query_row([name.as_str()], |row| Ok(from_row(row))).optional()?.transpose()
}

fn from_row(row: &Row<'_>) -> Result<SinkRow, StateError> {
    let (policy, name): (String, String) = (row.get(2)?, row.get(3)?);
    let policy = serde_json::from_str(&policy).map_err(|error| StateError::Corrupt(format!("the policy of the sink {name:?}: {error}")))?;
    let sink = RegisteredSink { id: SinkId(row.get(0)?), source: SourceId(row.get(1)?), policy };
    let name = SinkName::try_from(name).map_err(|error| StateError::Corrupt(error.to_string()))?;
    Ok(SinkRow { sink, name, address: row.get(4)? })
}

/// Adds a sink, with its two rows of `waiting` that count due paths.
pub(crate) fn add(connection: &Connection, source: SourceId, name: &SinkName, kind: &str) -> Result<(), StateError> {
    let last = read_meta(connection, LAST_SINK)?.and_then(|number| number.parse::<i64>().ok()).unwrap_or_default();
    let id = SinkId(last + 1);
    write_meta(connection, LAST_SINK, &id.0.to_string())?;
    connection.execute("INSERT INTO sinks (id, source, name, kind) VALUES (?1, ?2, ?3, ?4)", params![id, source, name.as_str(), kind])?;
    connection.execute(
        "INSERT INTO waiting (sink, status, deletion, reason, paths) SELECT ?1, 'due', column1, '', 0 FROM (VALUES (0), (1))",
        [id],
    )?;
    Ok(())
}

/// Removes a sink and all rows about it.
pub(crate) fn remove(connection: &Connection, sink: RegisteredSink) -> Result<(), StateError> {
    forget(connection, sink)?;
    connection.execute("DELETE FROM outdated_permissions WHERE sink = ?1", [sink.id])?;
    connection.execute("DELETE FROM waiting WHERE sink = ?1", [sink.id])?;
    connection.execute("DELETE FROM sinks WHERE id = ?1", [sink.id])?;
    Ok(())
}

/// Deletes the rows about a sink's content and pending work. Keeps `outdated_permissions`: the files that they described are gone
/// from the source.
pub(crate) fn forget(connection: &Connection, sink: RegisteredSink) -> Result<(), StateError> {
    for table in ["intents", "applied", "pending", "lineage"] {
        let which = if table == "pending" && mutant::is("a_new_sink_has_nothing_left_to_do_for_all") { "?1 > 0" } else { "sink = ?1" };
        connection.execute(&format!("DELETE FROM {table} WHERE {which}"), [sink.id])?;
    }
    let text = "UPDATE sinks SET held_deletes = NULL, held_of_rows = NULL, held_as_nothing_was_listed = 0, rows_before_listing = 0,
                    listing_unjudged = 0, outside_prefix = 0 WHERE id = ?1";
    connection.execute(text, [sink.id])?;
    Ok(())
}

pub(crate) fn write_address(connection: &Connection, sink: RegisteredSink, kind: &str, address: &str) -> Result<(), StateError> {
    connection.execute("UPDATE sinks SET kind = ?2, address = ?3 WHERE id = ?1", params![sink.id, kind, address])?;
    Ok(())
}

pub(crate) fn write_policy(connection: &Connection, sink: RegisteredSink, policy: Policy) -> Result<(), StateError> {
    let text = serde_json::to_string(&policy).map_err(|error| StateError::Corrupt(error.to_string()))?;
    connection.execute("UPDATE sinks SET policy = ?2 WHERE id = ?1 AND policy <> ?2", params![sink.id, text])?;
    Ok(())
}

/// True if the state has any row about the sink's content, or an intent of it.
pub(crate) fn is_in_use(connection: &Connection, sink: RegisteredSink) -> Result<bool, StateError> {
    Ok(connection.query_row("SELECT applied_rows > 0 OR open_intents > 0 FROM sinks WHERE id = ?1", [sink.id], |row| row.get(0))?)
}

/// The number of files that the sink is known to have: a counter.
pub(crate) fn applied_rows(connection: &Connection, sink: RegisteredSink) -> Result<u64, StateError> {
    count(connection, sink, "SELECT applied_rows FROM sinks WHERE id = ?1")
}

/// The number of open intents: a counter.
pub(crate) fn open_intents(connection: &Connection, sink: RegisteredSink) -> Result<u64, StateError> {
    count(connection, sink, "SELECT open_intents FROM sinks WHERE id = ?1")
}

/// The sink's rows when the listing began.
pub(crate) fn rows_before_listing(connection: &Connection, sink: RegisteredSink) -> Result<u64, StateError> {
    count(connection, sink, "SELECT rows_before_listing FROM sinks WHERE id = ?1")
}

/// The rows outside of the prefix at the last count.
pub(crate) fn outside_prefix(connection: &Connection, sink: RegisteredSink) -> Result<u64, StateError> {
    count(connection, sink, "SELECT outside_prefix FROM sinks WHERE id = ?1")
}

fn count(connection: &Connection, sink: RegisteredSink, text: &str) -> Result<u64, StateError> {
    let count: i64 = connection.prepare_cached(text)?.query_row([sink.id], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

pub(crate) fn write_outside_prefix(connection: &Connection, sink: RegisteredSink, rows: i64) -> Result<(), StateError> {
    connection.execute("UPDATE sinks SET outside_prefix = ?2 WHERE id = ?1", params![sink.id, rows])?;
    Ok(())
}

/// Notes that a page is stored: the guard has yet to judge the listing. With the `first` page, also stores each sink's present
/// row count, which the guard compares with.
pub(crate) fn note_page(connection: &Connection, source: SourceId, first: bool) -> Result<(), StateError> {
    let text = "UPDATE sinks SET listing_unjudged = 1, rows_before_listing = iif(?2, applied_rows, rows_before_listing)
                WHERE source = ?1 AND (?2 OR listing_unjudged = 0)";
    connection.prepare_cached(text)?.execute(params![source, first])?;
    Ok(())
}

pub(crate) fn listing_is_unjudged(connection: &Connection, sink: RegisteredSink) -> Result<bool, StateError> {
    Ok(connection.prepare_cached("SELECT listing_unjudged FROM sinks WHERE id = ?1")?.query_row([sink.id], |row| row.get(0))?)
}

pub(crate) fn note_listing_judged(connection: &Connection, sink: RegisteredSink) -> Result<(), StateError> {
    connection.prepare_cached("UPDATE sinks SET listing_unjudged = 0 WHERE id = ?1 AND listing_unjudged = 1")?.execute([sink.id])?;
    Ok(())
}

/// The deletes that the guard held when it last judged, even if none of them still waits.
pub(crate) fn held_deletes(connection: &Connection, sink: RegisteredSink) -> Result<Option<HeldDeletes>, StateError> {
    let text = "SELECT held_deletes, held_of_rows, held_as_nothing_was_listed FROM sinks WHERE id = ?1";
    let (deletes, of_rows, nothing_listed): (Option<i64>, Option<i64>, bool) =
        connection.prepare_cached(text)?.query_row([sink.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let of_rows = of_rows.unwrap_or_default().unsigned_abs();
    Ok(deletes.map(|deletes| HeldDeletes { deletes: deletes.unsigned_abs(), rows_when_held: of_rows, nothing_listed }))
}

pub(crate) fn write_held_deletes(connection: &Connection, sink: RegisteredSink, held: Option<HeldDeletes>) -> Result<(), StateError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let text = "UPDATE sinks SET held_deletes = ?2, held_of_rows = ?3, held_as_nothing_was_listed = ?4 WHERE id = ?1";
    connection.prepare_cached(text)?.execute(params![
        sink.id,
        held.map(|held| number(held.deletes)),
        held.map(|held| number(held.rows_when_held)),
        held.is_some_and(|held| held.nothing_listed),
    ])?;
    Ok(())
}

/// The settings that operations depended on in the last run.
pub(crate) fn settings(connection: &Connection, sink: RegisteredSink) -> Result<Option<String>, StateError> {
    Ok(connection.query_row("SELECT settings FROM sinks WHERE id = ?1", [sink.id], |row| row.get(0))?)
}

pub(crate) fn write_settings(connection: &Connection, sink: RegisteredSink, settings: &str) -> Result<(), StateError> {
    connection.execute("UPDATE sinks SET settings = ?2 WHERE id = ?1", params![sink.id, settings])?;
    Ok(())
}
