//! The overview for `status` and the report: counters and short lists, never a count of millions of rows.

use crate::record::{ObjectKey, SinkName, just_after_all_that_begin_with};
use crate::state::database::codec;
use crate::state::error::StateError;
use crate::state::handle::{SinkState, State};
use crate::state::tables::runs::{self, RunRow};
use crate::state::tables::sinks::{self, RegisteredSink, SinkRow};
use crate::state::tables::sources::{self, SourceId};
use crate::state::tables::{counters, dead_letters, gap, pending};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// The state at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Its sinks, in the order in which they were added.
    pub sinks: Vec<SinkOverview>,
    /// The run that completed the initial sync; `None` = none has yet.
    pub initial_completed_by: Option<u64>,
    /// Events that are not consumed yet.
    pub inbox: u64,
    /// The messages that could not be decoded or failed repeatedly.
    pub dead_letters: u64,
    /// Why one of them could not be used, in a sentence, escaped for display; `None` = there are none.
    pub dead_letter_example: Option<String>,
    /// Dead letters deleted because there were too many, since the list was last empty.
    pub dead_letters_evicted: u64,
    /// The time of a possible event gap; `None` if a listing has begun since.
    pub feed_gap: Option<jiff::Timestamp>,
    /// The last runs, newest first.
    pub runs: Vec<RunRow>,
}

/// One sink at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkOverview {
    /// Its name.
    pub name: SinkName,
    /// Files that the sink is known to have.
    pub applied_rows: u64,
    /// Those of them whose rows are unconfirmed.
    pub unconfirmed_rows: u64,
    /// The number of waiting paths, by reason; `due` paths have none.
    pub waiting: Vec<WaitingPaths>,
    /// Open intents.
    pub open_intents: u64,
    /// Files of the sink outside of the prefix, at the last count.
    pub outside_prefix: u64,
}

/// Paths that wait for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingPaths {
    /// `due`, `parked`, `skipped` or `held`.
    pub status: String,
    /// True for deletes, which wait for the end of a listing.
    pub deletion: bool,
    /// A short, stable name; `None` for due paths.
    pub reason: Option<String>,
    /// The number of paths.
    pub paths: u64,
    /// Of skipped paths: how many of them a run before the last one skipped, too.
    pub skipped_before: u64,
    /// One of the paths.
    pub example: Option<ObjectKey>,
    /// The error message of the failure.
    pub message: Option<String>,
    /// The earliest next attempt.
    pub next_attempt: Option<jiff::Timestamp>,
}

impl SinkOverview {
    /// Files that the sink has confirmed.
    pub fn confirmed_rows(&self) -> u64 {
        self.applied_rows.saturating_sub(self.unconfirmed_rows)
    }

    /// Paths in one status.
    pub fn paths(&self, status: &str) -> u64 {
        self.waiting.iter().filter(|waiting| waiting.status == status).map(|waiting| waiting.paths).sum()
    }
}

impl Overview {
    /// The sink whose counts are shown where there is room for only one: the file manager, or else the sink that was added first.
    pub fn main_sink(&self) -> Option<&SinkOverview> {
        let file_manager = SinkName::file_manager();
        self.sinks.iter().find(|sink| sink.name == file_manager).or_else(|| self.sinks.first())
    }

    /// Paths in one status, over all sinks.
    pub fn paths(&self, status: &str) -> u64 {
        self.sinks.iter().map(|sink| sink.paths(status)).sum()
    }

    /// Open intents, over all sinks.
    pub fn open_intents(&self) -> u64 {
        self.sinks.iter().map(|sink| sink.open_intents).sum()
    }

    /// The waiting paths, over all sinks.
    pub fn waiting(&self) -> impl Iterator<Item = &WaitingPaths> {
        self.sinks.iter().flat_map(|sink| &sink.waiting)
    }
}

impl State {
    /// The present state.
    pub async fn overview(&self) -> Result<Overview, StateError> {
        let source = self.source;
        self.writer.call(move |connection| overview(connection, source)).await
    }
}

impl SinkState {
    /// When the oldest event was received that this sink has not applied: it is in the inbox, or its path has pending work.
    /// Skipped paths do not count. To the second; `None` = there is none.
    pub async fn oldest_unapplied(&self) -> Result<Option<jiff::Timestamp>, StateError> {
        self.call(|connection, sink| {
            let arrived_first = "SELECT received_at FROM inbox ORDER BY seq LIMIT 1";
            let in_inbox: Option<i64> = connection.prepare_cached(arrived_first)?.query_row([], |row| row.get(0)).optional()?;
            let pending: Option<i64> = connection.prepare_cached(OLDEST_PENDING)?.query_row([sink.id], |row| row.get(0))?;
            Ok(in_inbox.into_iter().chain(pending).min().and_then(codec::time))
        })
        .await
    }

    /// Counts and stores the sink's files outside of a prefix, which no listing shows and no run changes. Reads all rows outside of it.
    pub async fn outside_prefix_store(&self, prefix: &str) -> Result<u64, StateError> {
        let (from, to) = (prefix.to_owned(), just_after_all_that_begin_with(prefix));
        self.call(move |connection, sink| {
            let rows: i64 = connection.query_row(
                "SELECT (SELECT count(*) FROM applied WHERE sink = ?1 AND path < ?2)
                      + (SELECT count(*) FROM applied WHERE sink = ?1 AND path >= ifnull(?3, x''))",
                params![sink.id, from, to],
                |row| row.get(0),
            )?;
            sinks::write_outside_prefix(connection, sink, rows)?;
            Ok(rows.unsigned_abs())
        })
        .await
    }

    /// The number of rows outside of the prefix at the last count. Cycles neither change nor repeat it.
    pub async fn outside_prefix(&self) -> Result<u64, StateError> {
        self.call(sinks::outside_prefix).await
    }
}

pub(crate) fn overview(connection: &Connection, source: SourceId) -> Result<Overview, StateError> {
    let sinks = sinks::all_rows(connection, source)?;
    Ok(Overview {
        sinks: sinks.into_iter().map(|row| overview_of(connection, row)).collect::<Result<_, _>>()?,
        initial_completed_by: sources::initial_completed_by(connection, source)?,
        inbox: counters::count(connection, "inbox")?,
        dead_letters: counters::count(connection, "dead_letters")?,
        dead_letter_example: dead_letters::example_message(connection)?,
        dead_letters_evicted: counters::count(connection, "dead_letters_evicted")?,
        feed_gap: gap::gap(connection)?,
        runs: runs::last(connection, 10)?,
    })
}

fn overview_of(connection: &Connection, SinkRow { sink, name, .. }: SinkRow) -> Result<SinkOverview, StateError> {
    Ok(SinkOverview {
        name,
        applied_rows: sinks::applied_rows(connection, sink)?,
        unconfirmed_rows: unconfirmed_rows(connection, sink)?,
        waiting: waiting(connection, sink)?,
        open_intents: sinks::open_intents(connection, sink)?,
        outside_prefix: sinks::outside_prefix(connection, sink)?,
    })
}

/// The number of unconfirmed rows, from a partial index. After a restore it holds all rows at first.
fn unconfirmed_rows(connection: &Connection, sink: RegisteredSink) -> Result<u64, StateError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM applied WHERE sink = ?1 AND confirmed = 0")?;
    let rows: i64 = statement.query_row([sink.id], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

/// The counters of waiting paths; and for each reason one path, the first in the queue.
fn waiting(connection: &Connection, sink: RegisteredSink) -> Result<Vec<WaitingPaths>, StateError> {
    let new_skips = pending::new_skips(connection, sink)?;
    let mut statement = connection.prepare_cached(COUNTS)?;
    let rows = statement.query_map([sink.id], |row| {
        let (status, reason): (String, String) = (row.get(0)?, row.get(2)?);
        let paths = row.get::<_, i64>(3)?.unsigned_abs();
        let new = if status == "skipped" { new_skips.get(&reason).copied().unwrap_or_default() } else { paths };
        Ok(WaitingPaths {
            status,
            deletion: row.get(1)?,
            reason: (!reason.is_empty()).then_some(reason),
            paths,
            skipped_before: paths.saturating_sub(new),
            example: None,
            message: None,
            next_attempt: None,
        })
    })?;
    rows.map(|waiting| with_example(connection, sink, waiting?)).collect()
}

fn with_example(connection: &Connection, sink: RegisteredSink, waiting: WaitingPaths) -> Result<WaitingPaths, StateError> {
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<i64>>(2)?));
    let row = if waiting.status == "due" {
        connection.prepare_cached(DUE_EXAMPLE)?.query_row(params![sink.id, waiting.deletion], read).optional()?
    } else {
        let which = params![sink.id, waiting.status, waiting.deletion, waiting.reason];
        connection.prepare_cached(WAITING_EXAMPLE)?.query_row(which, read).optional()?
    };
    let Some((path, message, next_attempt)) = row else { return Ok(waiting) };
    Ok(WaitingPaths { example: ObjectKey::new(path).ok(), message, next_attempt: next_attempt.and_then(codec::time), ..waiting })
}

pub(crate) const COUNTS: &str =
    "SELECT status, deletion, reason, paths FROM waiting WHERE sink = ?1 AND paths > 0 ORDER BY status, paths DESC";
pub(crate) const DUE_EXAMPLE: &str =
    "SELECT path, message, next_attempt FROM pending WHERE sink = ?1 AND status = 'due' AND deletion = ?2 LIMIT 1";
/// Its last condition repeats that of the partial index, word for word.
pub(crate) const WAITING_EXAMPLE: &str = "SELECT path, message, next_attempt FROM pending
    WHERE sink = ?1 AND status = ?2 AND deletion = ?3 AND reason IS ?4 AND status <> 'due' ORDER BY next_attempt, path LIMIT 1";
/// Its condition repeats that of the partial index, word for word.
pub(crate) const OLDEST_PENDING: &str = "SELECT min(told_at) FROM pending WHERE sink = ?1 AND told_at IS NOT NULL AND status <> 'skipped'";
