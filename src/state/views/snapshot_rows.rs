//! The two sides of a snapshot, row by row in byte order of the keys, over a read-only connection. `visit` gets the texts of a
//! row in SQLite's own memory: copying eight of them takes longer than reading them.

use crate::plan::Policy;
use crate::record::{ETag, EmptyKey, FileRow, ObjectKey, Observed, PathState, SinkName};
use crate::state::database::codec::time;
use crate::state::error::StateError;
use crate::state::tables::sides;
use crate::state::tables::sinks::{self, RegisteredSink, SinkId};
use crate::state::tables::sources;
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator as _;
use rusqlite::{Connection, Params, Row, Rows, Statement, params};
use std::cmp::Ordering;

/// The side of the sink that a snapshot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkSide {
    /// The rows that the sink has confirmed: the *old* snapshot.
    Applied,
    /// The same rows overlaid with the observed facts: the *new* snapshot.
    Known,
}

/// The receiver of the rows.
type Visit<'v, E> = dyn FnMut(FileRow<'_>) -> Result<(), E> + 'v;

/// Calls `visit` with every row of a side, as of one moment; its error ends it. Memory does not grow with the rows.
pub(crate) fn visit<E: From<StateError>>(
    moment: &Connection,
    (sink, side): (&SinkName, SinkSide),
    visit: &mut Visit<'_, E>,
) -> Result<(), E> {
    let sink = sink_named(moment, sink)?;
    match side {
        SinkSide::Applied => visit_applied(moment, sink, visit),
        SinkSide::Known => visit_known(moment, sink, visit),
    }
}

/// A sink that the state does not know (yet) holds nothing.
fn sink_named(connection: &Connection, name: &SinkName) -> Result<RegisteredSink, StateError> {
    match sinks::named(connection, name)? {
        Some(row) => Ok(row.sink),
        None => Ok(RegisteredSink { id: SinkId(0), source: sources::only(connection)?, policy: Policy::default() }),
    }
}

/// As [`visit`], only the paths that are due.
pub(crate) fn visit_due<E: From<StateError>>(
    moment: &Connection,
    (sink, side): (&SinkName, SinkSide),
    visit: &mut Visit<'_, E>,
) -> Result<(), E> {
    let sink = sink_named(moment, sink)?;
    let mut paths = moment.prepare(DUE_PATHS).map_err(StateError::from)?;
    let mut paths = Walk::begin(&mut paths, [sink.id])?;
    while let Some(row) = paths.row() {
        let path = ObjectKey::new(path(row)?).map_err(StateError::from)?;
        let sides = sides::sides(moment, sink, &path)?;
        if let Some(file) = row_of(side, path.as_str(), &sides) {
            visit(file)?;
        }
        paths.advance()?;
    }
    Ok(())
}

/// Forces the index of due paths: the one by path also holds the waiting ones.
pub(crate) const DUE_PATHS: &str = "SELECT path FROM pending INDEXED BY pending_due WHERE sink = ?1 AND status = 'due' ORDER BY path";

const APPLIED_ROWS: &str = "SELECT path, confirmed, size, etag, last_modified, storage_class, version_id, file_type, handle,
                                   permissions, owner, owner_group
                            FROM applied WHERE sink = ?1 ORDER BY path";
const OBSERVED_ROWS: &str =
    "SELECT path, present, size, etag, last_modified, storage_class, version_id FROM observed WHERE source = ?1 ORDER BY path";
fn reported_rows() -> String {
    format!(
        "SELECT t.path, {} FROM permissions t LEFT JOIN outdated_permissions m ON m.sink = ?1 AND m.path = t.path
         WHERE t.source = ?2 AND ?3 ORDER BY t.path",
        sides::wanted_columns()
    )
}

fn visit_applied<E: From<StateError>>(moment: &Connection, sink: RegisteredSink, visit: &mut Visit<'_, E>) -> Result<(), E> {
    let mut rows = moment.prepare(APPLIED_ROWS).map_err(StateError::from)?;
    let mut rows = Walk::begin(&mut rows, [sink.id])?;
    while let Some(row) = rows.row() {
        visit(over_applied(FileRow::at(path(row)?), row)?)?;
        rows.advance()?;
    }
    Ok(())
}

/// Merges three row sequences, all ordered by path.
fn visit_known<E: From<StateError>>(moment: &Connection, sink: RegisteredSink, visit: &mut Visit<'_, E>) -> Result<(), E> {
    let prepare = |text: &str| moment.prepare(text).map_err(StateError::from);
    let (mut applied, mut observed, mut reported) = (prepare(APPLIED_ROWS)?, prepare(OBSERVED_ROWS)?, prepare(&reported_rows())?);
    let mut applied = Walk::begin(&mut applied, [sink.id])?;
    let mut observed = Walk::begin(&mut observed, [sink.source])?;
    let mut reported = Walk::begin(&mut reported, params![sink.id, sink.source, sink.policy.has_permissions()])?;
    loop {
        let (held_path, observed_path) = (applied.path()?, observed.path()?);
        let order = match (held_path, observed_path) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(held), Some(observed)) => held.cmp(observed),
        };
        let held = applied.row().filter(|_| order.is_le());
        let observed_row =
            observed_path.zip(observed.row()).filter(|_| order.is_ge()).map(|(path, row)| observed_row(row, path)).transpose()?;
        if let Some(path) = held_path.filter(|_| order.is_le()).or(observed_path) {
            let wanted = reported.row_of(path)?.map(reported_row).transpose()?;
            if let Some(known) = known(observed_row.unwrap_or(Some(FileRow::at(path))), wanted) {
                visit(held.map_or(Ok(known), |row| over_applied(known, row))?)?;
            }
        }
        if order.is_le() {
            applied.advance()?;
        }
        if order.is_ge() {
            observed.advance()?;
        }
    }
}

/// A path's row on one side; `None` = it has none there.
fn row_of<'a>(side: SinkSide, path: &'a str, PathState { applied, observed, wanted }: &'a PathState) -> Option<FileRow<'a>> {
    let held = applied.as_ref().map(|row| held(FileRow::from(&row.file), row.confirmed));
    match (side, observed) {
        (SinkSide::Applied, _) | (SinkSide::Known, None) if held.is_none() => None,
        (SinkSide::Applied, _) => held,
        (SinkSide::Known, observed) => {
            let found = |observed: &'a Observed| observed.facts.as_ref().map(|facts| FileRow::from_observation(path, facts));
            let known = known(observed.as_ref().map_or(Some(FileRow::at(path)), found), Some(FileRow::reported(path, wanted)))?;
            Some(held.map_or(known, |held| known.over(held)))
        }
    }
}

/// A row that the sink has not confirmed counts as missing, so that it differs from any existing file.
fn held(row: FileRow<'_>, confirmed: bool) -> FileRow<'_> {
    if confirmed { row } else { FileRow { internal_id: row.internal_id, ..FileRow::at(row.file_path) } }
}

/// Overlays facts from lookups and events; a fact that they lack stays as the sink has it. If the newest observation found no
/// file, there is no row. Before the first observation, the row is the path alone.
fn known<'a>(found: Option<FileRow<'a>>, reported: Option<FileRow<'a>>) -> Option<FileRow<'a>> {
    let found = found.filter(|file| !file.is_directory_marker())?;
    Some(reported.map_or(found, |reported| reported.over(found)))
}

/// The rows of a statement, in order.
struct Walk<'s>(Rows<'s>);

impl<'s> Walk<'s> {
    fn begin(statement: &'s mut Statement<'_>, parameters: impl Params) -> Result<Self, StateError> {
        let mut walk = Self(statement.query(parameters)?);
        walk.advance()?;
        Ok(walk)
    }

    fn advance(&mut self) -> Result<(), StateError> {
        Ok(self.0.advance()?)
    }

    fn row(&self) -> Option<&Row<'s>> {
        self.0.get()
    }

    fn path(&self) -> Result<Option<&str>, StateError> {
        self.row().map(path).transpose()
    }

    /// The row of a path, if there is one. Paths must be requested in order.
    fn row_of(&mut self, wanted: &str) -> Result<Option<&Row<'s>>, StateError> {
        loop {
            match self.path()?.map(|path| path.cmp(wanted)) {
                Some(Ordering::Less) => self.advance()?,
                Some(Ordering::Equal) => return Ok(self.row()),
                Some(Ordering::Greater) | None => return Ok(None),
            }
        }
    }
}

/// These fields over those of a row of [`APPLIED_ROWS`]. Reads only the columns that are missing here: reading a column from
/// SQLite takes as long as writing it.
fn over_applied<'r>(known: FileRow<'r>, row: &'r Row<'_>) -> Result<FileRow<'r>, StateError> {
    let confirmed: bool = row.get(1)?;
    let missing = |known: Option<&'r str>, column| if known.is_some() { Ok(known) } else { text(row, column) };
    if !confirmed {
        return Ok(FileRow { internal_id: missing(known.internal_id, 8)?, ..known });
    }
    Ok(FileRow {
        file_path: known.file_path,
        size: if known.size.is_some() { known.size } else { row.get::<_, Option<i64>>(2)?.map(i64::unsigned_abs) },
        etag: if known.etag.is_some() { known.etag } else { text(row, 3)?.and_then(ETag::bare) },
        last_modified: if known.last_modified.is_some() { known.last_modified } else { row.get::<_, Option<i64>>(4)?.and_then(time) },
        storage_class: missing(known.storage_class, 5)?,
        version_id: missing(known.version_id, 6)?,
        file_type: missing(known.file_type, 7)?,
        internal_id: missing(known.internal_id, 8)?,
        permissions: missing(known.permissions, 9)?,
        owner: missing(known.owner, 10)?,
        group: missing(known.group, 11)?,
    })
}

/// Reads a row of [`OBSERVED_ROWS`]; `None` = the lookup found nothing.
fn observed_row<'r>(row: &'r Row<'_>, path: &'r str) -> Result<Option<FileRow<'r>>, StateError> {
    if !row.get::<_, bool>(1)? {
        return Ok(None);
    }
    Ok(Some(FileRow {
        size: Some(row.get::<_, i64>(2)?.unsigned_abs()),
        etag: text(row, 3)?.and_then(ETag::bare),
        last_modified: row.get::<_, Option<i64>>(4)?.and_then(time),
        storage_class: text(row, 5)?,
        version_id: text(row, 6)?,
        ..FileRow::at(path)
    }))
}

/// Reads a row of [`reported_rows`].
fn reported_row<'r>(row: &'r Row<'_>) -> Result<FileRow<'r>, StateError> {
    Ok(FileRow { permissions: text(row, 1)?, owner: text(row, 2)?, group: text(row, 3)?, ..FileRow::at(path(row)?) })
}

fn path<'r>(row: &'r Row<'_>) -> Result<&'r str, StateError> {
    let path = text(row, 0)?.unwrap_or_default();
    if path.is_empty() { Err(EmptyKey.into()) } else { Ok(path) }
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r str>, StateError> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}
