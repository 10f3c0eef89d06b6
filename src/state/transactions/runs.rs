//! Runs: what was started, how it ended, and how far the listing has come.

use crate::record::ObjectKey;
use crate::run::{RunKind, RunOutcome};
use crate::state::database::codec::integer;
use crate::state::database::meta::{delete_meta, read_meta, write_meta};
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::gap;
use crate::state::tables::scan_progress::{
    self, INITIAL_COMPLETED_BY, LISTED_EVERYTHING, LISTED_UP_TO, LISTING_SAW_FILES, LISTING_UNJUDGED, Listed, RECONCILE_UNFINISHED,
};
use jiff::Timestamp;
use rusqlite::params;

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
        self.writer.call(scan_progress::forget_checkpoint).await
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
                Ok(if unjudged { Some(scan_progress::rows_before_listing(connection)?).filter(|rows| *rows > 0) } else { None })
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
                gap::clear_gap(connection, since, now)?;
                delete_meta(connection, RECONCILE_UNFINISHED)
            })
            .await
    }

    /// The listing ran to its end: the initial sync has completed, and the next listing begins at the start.
    pub async fn complete_initial(&self, run: u64) -> Result<(), StateError> {
        self.writer.call(move |connection| write_meta(connection, INITIAL_COMPLETED_BY, &run.to_string())).await
    }
}
