//! Files that wait for a place which another one has not left yet: they wait as long as that one does.

use crate::record::ObjectKey;
use crate::state::{FILE_MANAGER, State, StateError};
use rusqlite::{Connection, params};

impl State {
    /// A file whose target, or whose own path, waits for the next attempt at something else waits with it. Returns whether it does: where
    /// neither of the two waits, nothing is going to change.
    pub async fn wait_together(&self, origin: &ObjectKey, target: &ObjectKey) -> Result<bool, StateError> {
        let paths = [origin.as_str().to_owned(), target.as_str().to_owned()];
        self.writer
            .call(move |connection| {
                let mut statement = connection.prepare_cached(
                    "UPDATE OR FAIL pending SET status = 'parked', next_attempt = w.next_attempt, reason = w.reason, message = w.message
                     FROM (SELECT next_attempt, reason, message FROM pending
                           WHERE sink = ?1 AND path IN (?2, ?3) AND status = 'parked' AND +next_attempt IS NOT NULL
                           ORDER BY +next_attempt DESC LIMIT 1) w
                     WHERE pending.sink = ?1 AND pending.path IN (?2, ?3) AND pending.status = 'due'",
                )?;
                Ok(statement.execute(params![FILE_MANAGER, paths[0], paths[1]])? > 0)
            })
            .await
    }
}

/// The path is left: what waited for that, together with it, need not wait any longer.
pub(super) fn release_who_waits(connection: &Connection, path: &ObjectKey) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "UPDATE OR FAIL pending SET status = 'due', next_attempt = NULL WHERE sink = ?1 AND status = 'parked' AND path IN (
             SELECT path FROM lineage WHERE sink = ?1 AND path = ?2 UNION ALL SELECT origin FROM lineage WHERE sink = ?1 AND path = ?2)",
    )?;
    statement.execute(params![FILE_MANAGER, path.as_str()])?;
    Ok(())
}
