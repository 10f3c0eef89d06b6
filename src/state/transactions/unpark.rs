//! Makes waiting paths due again: their time has come, the operator asked, or new settings may make them possible.

use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::pending;
use crate::state::tables::sinks::{self, RegisteredSink};
use jiff::Timestamp;
use rusqlite::{Connection, params};

pub(crate) const RELEASE_DUE: &str =
    "UPDATE pending SET status = 'due', next_attempt = NULL WHERE sink = ?1 AND status = 'parked' AND next_attempt <= ?2";

impl SinkState {
    /// Makes every parked or skipped path due, because the operator asked. Held deletes stay held: only the guard releases them. A path that
    /// was listed and is missing waits for a listing that shows it again.
    pub async fn pending_unpark_all(&self) -> Result<(), StateError> {
        self.call(release_all).await
    }

    /// Makes every parked or skipped path due if the settings that operations depend on differ from the last run's: what failed
    /// may be possible now.
    pub async fn pending_unpark_on_new_settings(&self, settings: String) -> Result<(), StateError> {
        self.call(move |connection, sink| {
            let before = sinks::settings(connection, sink)?;
            if before.as_ref() == Some(&settings) {
                return Ok(());
            }
            sinks::write_settings(connection, sink, &settings)?;
            if before.is_some() { release_all(connection, sink) } else { Ok(()) }
        })
        .await
    }

    /// Makes the paths due whose time has come; returns whether any path is due.
    pub async fn pending_unpark_due(&self, now: Timestamp) -> Result<bool, StateError> {
        self.call(move |connection, sink| {
            connection.prepare_cached(RELEASE_DUE)?.execute(params![sink.id, now.as_microsecond()])?;
            pending::any_due(connection, sink)
        })
        .await
    }
}

fn release_all(connection: &Connection, sink: RegisteredSink) -> Result<(), StateError> {
    let text = "UPDATE pending SET status = 'due', next_attempt = NULL WHERE sink = ?1
                AND (status = 'parked' OR (status = 'skipped' AND reason IS NOT 'listed_but_missing'))";
    connection.execute(text, [sink.id])?;
    Ok(())
}
