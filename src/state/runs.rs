//! Runs: what was started, how it ended, and how far the listing has come.

use super::looks::{integer, time};
use super::{FILE_MANAGER, State, StateError, blocking, feed, open_to_read};
use crate::record::{ObjectKey, Page};
use crate::run::{RunKind, RunOutcome};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, params};
use std::path::Path;

/// A run as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Counted from 1, never used twice.
    pub number: u64,
    /// `initial`, …
    pub kind: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; `None` = it is running, or was killed.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Its report, a JSON object as text.
    pub summary: Option<String>,
}

/// The reconciles that listed everything.
pub(super) const RECONCILED: &str = "kind = 'reconcile' AND listed = 1 AND ended_at IS NOT NULL";

impl Run {
    /// The last reconcile that listed everything, from a database that another process may be writing.
    pub async fn last_reconcile(database: &Path) -> Result<Option<Self>, StateError> {
        let database = database.to_owned();
        blocking(move || {
            let which = format!("WHERE {RECONCILED} ORDER BY number DESC LIMIT 1");
            Ok(select(&open_to_read(&database)?, &which, [])?.pop())
        })
        .await
    }
}

/// How far the listing of a run has come that has not come to its own end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Begin at the start.
    Nothing,
    /// Go on after this key.
    UpTo(ObjectKey),
    /// All pages are stored; what they showed may still wait to be applied.
    Everything,
}

/// Where the listing stands: the names of rows of `meta`.
const LISTED_UP_TO: &str = "listed_up_to";
const LISTED_EVERYTHING: &str = "listed_everything";
const ROWS_BEFORE_LISTING: &str = "rows_before_listing";
const LISTING_SAW_FILES: &str = "listing_saw_files";
const LISTING_UNJUDGED: &str = "listing_unjudged";
const INITIAL_COMPLETED_BY: &str = "initial_completed_by_run";
/// A reconcile began, and no listing has come to its end since.
const RECONCILE_UNFINISHED: &str = "reconcile_unfinished";

impl State {
    /// Begins a run: its number is greater than every number that the database or `at_least` knows.
    pub async fn begin_run(&self, kind: RunKind, now: Timestamp, at_least: u64) -> Result<u64, StateError> {
        let number = self
            .writer
            .call(move |connection| {
                let last: i64 = connection.query_row("SELECT coalesce(max(number), 0) FROM runs", [], |row| row.get(0))?;
                let number = last.max(integer(at_least)) + 1;
                connection.execute(
                    "INSERT INTO runs (number, kind, started_at) VALUES (?1, ?2, ?3)",
                    params![number, kind.as_str(), now.as_microsecond()],
                )?;
                if kind == RunKind::Incremental {
                    // It goes on with what the listing left: whoever lists after it wants to know how things are by then.
                    delete_meta(connection, LISTED_EVERYTHING)?;
                }
                if kind == RunKind::Reconcile {
                    write_meta(connection, RECONCILE_UNFINISHED, "yes")?;
                }
                Ok(number.unsigned_abs())
            })
            .await?;
        self.run.send_replace(Some((number, kind)));
        Ok(number)
    }

    /// Ends a run. Unless somebody stopped it, its listing is used up and the next run begins another.
    pub async fn end_run(&self, number: u64, outcome: RunOutcome, now: Timestamp, summary: String) -> Result<(), StateError> {
        self.writer
            .call(move |connection| {
                connection.execute(
                    "UPDATE runs SET ended_at = ?2, outcome = ?3, summary = ?4 WHERE number = ?1",
                    params![integer(number), now.as_microsecond(), outcome.as_str(), summary],
                )?;
                let kind: String = connection.query_row("SELECT kind FROM runs WHERE number = ?1", [integer(number)], |row| row.get(0))?;
                if outcome != RunOutcome::Stopped && kind != RunKind::Incremental.as_str() {
                    delete_meta(connection, LISTED_EVERYTHING)?;
                }
                Ok(())
            })
            .await
    }

    /// The greatest run number in the database; 0 = none yet.
    pub async fn last_run_number(&self) -> Result<u64, StateError> {
        self.writer
            .call(|connection| {
                let last: i64 = connection.query_row("SELECT coalesce(max(number), 0) FROM runs", [], |row| row.get(0))?;
                Ok(last.unsigned_abs())
            })
            .await
    }

    /// How far the listing has come. A run that was killed or stopped is gone on with, and no page is read again that it stored.
    pub async fn listed(&self) -> Result<Listed, StateError> {
        self.writer
            .call(|connection| {
                if read_meta(connection, LISTED_EVERYTHING)?.is_some() {
                    return Ok(Listed::Everything);
                }
                let key = read_meta(connection, LISTED_UP_TO)?.and_then(|key| ObjectKey::new(key).ok());
                Ok(key.map_or(Listed::Nothing, Listed::UpTo))
            })
            .await
    }

    /// The next listing begins at the start, however far the last one came.
    pub async fn forget_listing(&self) -> Result<(), StateError> {
        self.writer.call(forget_checkpoint).await
    }

    /// Whether the listing has shown any file so far, over all the runs that it took.
    pub async fn listing_saw_files(&self) -> Result<bool, StateError> {
        self.writer.call(|connection| Ok(read_meta(connection, LISTING_SAW_FILES)?.is_some())).await
    }

    /// How many rows the sink had before a listing of which the guard has not seen the deletes; `None` = it has seen them all, or
    /// there was nothing to lose.
    pub async fn rows_before_unjudged_listing(&self) -> Result<Option<u64>, StateError> {
        self.writer
            .call(|connection| {
                let unjudged = read_meta(connection, LISTING_UNJUDGED)?.is_some();
                Ok(if unjudged { Some(rows_before_listing(connection)?).filter(|rows| *rows > 0) } else { None })
            })
            .await
    }

    /// The guard has seen the deletes of what was listed so far.
    pub async fn listing_was_judged(&self) -> Result<(), StateError> {
        self.writer.call(|connection| delete_meta(connection, LISTING_UNJUDGED)).await
    }

    /// Whether a reconcile began, and neither it nor another run has listed everything since.
    pub async fn reconcile_is_unfinished(&self) -> Result<bool, StateError> {
        self.writer.call(|connection| Ok(read_meta(connection, RECONCILE_UNFINISHED)?.is_some())).await
    }

    /// A run's listing of everything, which began at `since`, came to its end: none is due any more, for whatever was missed before.
    pub async fn listed_everything(&self, run: u64, since: Timestamp) -> Result<(), StateError> {
        let now = self.clock.now();
        self.writer
            .call(move |connection| {
                connection.execute("UPDATE runs SET listed = 1 WHERE number = ?1", [integer(run)])?;
                feed::clear_gap(connection, since, now)?;
                delete_meta(connection, RECONCILE_UNFINISHED)
            })
            .await
    }

    /// The listing ran to its end: the initial sync has completed, and the next listing begins at the start.
    pub async fn complete_initial(&self, run: u64) -> Result<(), StateError> {
        self.writer.call(move |connection| write_meta(connection, INITIAL_COMPLETED_BY, &run.to_string())).await
    }
}

/// How far the listing has come with this page.
pub(super) fn checkpoint(connection: &Connection, page: &Page) -> Result<(), StateError> {
    if page.after.is_none() {
        delete_meta(connection, LISTING_SAW_FILES)?;
        connection
            .prepare_cached(
                "INSERT INTO meta (name, value) SELECT ?1, CAST(applied_rows AS TEXT) FROM sinks WHERE id = ?2
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![ROWS_BEFORE_LISTING, FILE_MANAGER])?;
    }
    write_meta(connection, LISTING_UNJUDGED, "yes")?;
    if page.objects.iter().any(|(path, facts)| !path.is_directory_marker(facts.size)) {
        write_meta(connection, LISTING_SAW_FILES, "yes")?;
    }
    if let Some(last) = &page.up_to {
        return write_meta(connection, LISTED_UP_TO, last.as_str());
    }
    delete_meta(connection, LISTED_UP_TO)?;
    write_meta(connection, LISTED_EVERYTHING, "yes")
}

/// How many rows the sink had when the listing began.
pub(super) fn rows_before_listing(connection: &Connection) -> Result<u64, StateError> {
    Ok(read_meta(connection, ROWS_BEFORE_LISTING)?.and_then(|rows| rows.parse().ok()).unwrap_or_default())
}

/// Forgets an unfinished listing: the next one begins at the start.
pub(super) fn forget_checkpoint(connection: &Connection) -> Result<(), StateError> {
    [LISTED_UP_TO, LISTED_EVERYTHING, LISTING_SAW_FILES].iter().try_for_each(|name| delete_meta(connection, name))
}

/// Forgets that an initial sync ever completed.
pub(super) fn forget_completion(connection: &Connection) -> Result<(), StateError> {
    delete_meta(connection, INITIAL_COMPLETED_BY)
}

/// The run that completed the initial sync.
pub(super) fn initial_completed_by(connection: &Connection) -> Result<Option<u64>, StateError> {
    Ok(read_meta(connection, INITIAL_COMPLETED_BY)?.and_then(|number| number.parse().ok()))
}

/// The last runs, newest first.
pub(super) fn last(connection: &Connection, most: usize) -> Result<Vec<Run>, StateError> {
    select(connection, "ORDER BY number DESC LIMIT ?1", [i64::try_from(most).unwrap_or(i64::MAX)])
}

fn select(connection: &Connection, which: &str, values: impl Params) -> Result<Vec<Run>, StateError> {
    let mut statement = connection.prepare(&format!("SELECT number, kind, started_at, ended_at, outcome, summary FROM runs {which}"))?;
    let rows = statement.query_map(values, |row| {
        Ok(Run {
            number: row.get::<_, i64>(0)?.unsigned_abs(),
            kind: row.get(1)?,
            started_at: time(row.get(2)?),
            ended_at: row.get::<_, Option<i64>>(3)?.and_then(time),
            outcome: row.get(4)?,
            summary: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn read_meta(connection: &Connection, name: &str) -> Result<Option<String>, StateError> {
    Ok(connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn write_meta(connection: &Connection, name: &str, value: &str) -> Result<(), StateError> {
    connection
        .prepare_cached("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")?
        .execute([name, value])?;
    Ok(())
}

pub(super) fn delete_meta(connection: &Connection, name: &str) -> Result<(), StateError> {
    Ok(connection.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([name]).map(drop)?)
}
