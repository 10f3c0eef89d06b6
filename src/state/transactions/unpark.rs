//! What waits is made due again: its time has come, somebody asked, or it may be possible now.

use crate::state::database::meta::{read_meta, write_meta};
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::pending;
use crate::state::tables::sinks::FILE_MANAGER;
use jiff::Timestamp;
use rusqlite::{Connection, params};

/// The name of a row of `meta`: what was set in the last run, as far as operations depend on it.
const SETTINGS: &str = "settings";

pub(crate) const RELEASE_DUE: &str =
    "UPDATE pending SET status = 'due', next_attempt = NULL WHERE sink = ?1 AND status = 'parked' AND next_attempt <= ?2";

impl State {
    /// Makes everything due that was parked or skipped: somebody asked. What the guard holds, only the guard lets go.
    pub async fn release_all(&self) -> Result<(), StateError> {
        self.writer.call(release_all).await
    }

    /// Makes everything due that was parked or skipped, when what operations depend on is set otherwise than in the run before: what failed
    /// or was left out may be possible now.
    pub async fn heed_settings(&self, settings: String) -> Result<(), StateError> {
        self.writer
            .call(move |connection| {
                let before = read_meta(connection, SETTINGS)?;
                if before.as_ref() == Some(&settings) {
                    return Ok(());
                }
                write_meta(connection, SETTINGS, &settings)?;
                if before.is_some() { release_all(connection) } else { Ok(()) }
            })
            .await
    }

    /// Makes due what was parked until now at the latest; says whether anything is due.
    pub async fn release_due(&self, now: Timestamp) -> Result<bool, StateError> {
        self.writer
            .call(move |connection| {
                connection.prepare_cached(RELEASE_DUE)?.execute(params![FILE_MANAGER, now.as_microsecond()])?;
                pending::any_due(connection)
            })
            .await
    }
}

fn release_all(connection: &Connection) -> Result<(), StateError> {
    connection.execute("UPDATE pending SET status = 'due', next_attempt = NULL WHERE status IN ('parked', 'skipped')", [])?;
    Ok(())
}
