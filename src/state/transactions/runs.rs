//! Runs: their starts and outcomes, and the progress of the listing.

use crate::record::KnownEncodings;
use crate::run::{RunKind, RunOutcome};
use crate::state::database::codec::integer;
use crate::state::error::StateError;
use crate::state::handle::{Runs, SourceState};
use crate::state::tables::gap;
use crate::state::tables::sources::{self, Listed};
use jiff::Timestamp;
use rusqlite::params;

impl Runs {
    /// Begins a run. Its number is greater than `at_least` and every number in the database. If the transaction is repeated, it is the
    /// number of the run that it has begun.
    pub async fn begin(&self, kind: RunKind, now: Timestamp, at_least: u64) -> Result<u64, StateError> {
        let source = self.state.source;
        let number = self
            .state
            .writer
            .call(move |connection| {
                let last: i64 = connection.query_row("SELECT coalesce(max(number), 0) FROM runs", [], |row| row.get(0))?;
                let same = "SELECT 1 FROM runs WHERE number = ?1 AND number > ?2 AND kind = ?3 AND started_at = ?4 AND ended_at IS NULL";
                let begun = params![last, integer(at_least), kind.as_str(), now.as_microsecond()];
                if connection.prepare(same)?.exists(begun)? {
                    return Ok(last.unsigned_abs());
                }
                let number = last.max(integer(at_least)) + 1;
                connection.execute(
                    "INSERT INTO runs (number, kind, started_at) VALUES (?1, ?2, ?3)",
                    params![number, kind.as_str(), now.as_microsecond()],
                )?;
                if kind == RunKind::Incremental {
                    // This run finishes the earlier listing. A later run has to list again, to see the bucket at its own time.
                    sources::forget_everything_listed(connection, source)?;
                }
                if kind == RunKind::Reconcile {
                    sources::write_reconcile_unfinished(connection, source, true)?;
                }
                Ok(number.unsigned_abs())
            })
            .await?;
        self.state.run.send_replace(Some((number, kind)));
        Ok(number)
    }

    /// Ends a run. Unless the operator stopped it, its listing is consumed, and the next run begins another.
    pub async fn end(&self, number: u64, outcome: RunOutcome, now: Timestamp, summary: String) -> Result<(), StateError> {
        let source = self.state.source;
        self.state
            .writer
            .call(move |connection| {
                connection.execute(
                    "UPDATE runs SET ended_at = ?2, outcome = ?3, summary = ?4 WHERE number = ?1",
                    params![integer(number), now.as_microsecond(), outcome.as_str(), summary],
                )?;
                let kind: String = connection.query_row("SELECT kind FROM runs WHERE number = ?1", [integer(number)], |row| row.get(0))?;
                if outcome != RunOutcome::Stopped && kind != RunKind::Incremental.as_str() {
                    sources::forget_everything_listed(connection, source)?;
                }
                Ok(())
            })
            .await
    }

    /// The greatest run number in the database; 0 = none yet.
    pub async fn last_number(&self) -> Result<u64, StateError> {
        self.state
            .writer
            .call(|connection| {
                let last: i64 = connection.query_row("SELECT coalesce(max(number), 0) FROM runs", [], |row| row.get(0))?;
                Ok(last.unsigned_abs())
            })
            .await
    }
}

impl SourceState {
    /// The progress of the listing. A run after a kill or stop continues it, and reads no stored page again.
    pub async fn listing_progress(&self) -> Result<Listed, StateError> {
        let source = self.state.source;
        self.state.writer.call(move |connection| sources::listed(connection, source)).await
    }

    /// Makes the next listing begin at the start.
    pub async fn listing_restart(&self) -> Result<(), StateError> {
        let source = self.state.source;
        self.state.writer.call(move |connection| sources::forget_listing(connection, source)).await
    }

    /// What the listings have shown of the spelling of their keys.
    pub async fn key_encodings(&self) -> Result<Option<KnownEncodings>, StateError> {
        let source = self.state.source;
        self.state.writer.call(move |connection| sources::key_encodings(connection, source)).await
    }

    /// Stores what a page has shown of the spelling of the keys. If pages were read wrongly, the listing starts over.
    pub async fn key_encodings_record(&self, known: KnownEncodings, start_over: bool) -> Result<(), StateError> {
        let source = self.state.source;
        self.state
            .writer
            .call(move |connection| {
                if start_over {
                    sources::forget_listing(connection, source)?;
                }
                sources::write_key_encodings(connection, source, &known)
            })
            .await
    }

    /// True if the listing has shown any file so far, over all its runs.
    pub async fn listing_saw_files(&self) -> Result<bool, StateError> {
        let source = self.state.source;
        self.state.writer.call(move |connection| sources::listing_saw_files(connection, source)).await
    }

    /// True if a reconcile began, and neither it nor another run has listed everything since.
    pub async fn reconcile_unfinished(&self) -> Result<bool, StateError> {
        let source = self.state.source;
        self.state.writer.call(move |connection| sources::reconcile_unfinished(connection, source)).await
    }

    /// The run's complete listing began at `since`: no reconcile is outstanding any more, and earlier event gaps are closed.
    pub async fn listing_complete(&self, run: u64, since: Timestamp) -> Result<(), StateError> {
        let (now, source) = (self.state.clock.now(), self.state.source);
        self.state
            .writer
            .call(move |connection| {
                connection.execute("UPDATE runs SET listed = 1 WHERE number = ?1", [integer(run)])?;
                gap::clear_gap(connection, since, now)?;
                sources::write_reconcile_unfinished(connection, source, false)
            })
            .await
    }

    /// The listing is complete: so is the initial sync, and the next listing begins at the start.
    pub async fn initial_complete(&self, run: u64) -> Result<(), StateError> {
        let source = self.state.source;
        self.state.writer.call(move |connection| sources::write_initial_completed_by(connection, source, Some(integer(run)))).await
    }

    /// The run that completed the initial sync; `None` = none has yet.
    pub async fn initial_completed_by(&self) -> Result<Option<u64>, StateError> {
        let source = self.state.source;
        self.state.writer.call(move |connection| sources::initial_completed_by(connection, source)).await
    }
}
