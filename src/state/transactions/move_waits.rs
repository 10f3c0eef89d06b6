//! Files that wait for a place which another one has not left yet: they wait as long as that one does.

use crate::record::ObjectKey;
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::sinks::RegisteredSink;
use rusqlite::{Connection, OptionalExtension as _, params};

impl SinkState {
    /// A lookup of one of the two paths failed once more: the number of failures by now.
    pub async fn move_hint_count_unobservable(&self, target: &ObjectKey) -> Result<u32, StateError> {
        let target = target.as_str().to_owned();
        self.call(move |connection, sink| {
            let text = "UPDATE lineage SET unseen = unseen + 1 WHERE sink = ?1 AND path = ?2 RETURNING unseen";
            let counted = connection.prepare_cached(text)?.query_row(params![sink.id, target], |row| row.get(0)).optional()?;
            Ok(counted.unwrap_or_default())
        })
        .await
    }

    /// A file whose target, or whose own path, waits for the next attempt at something else waits with it. Returns whether one of the two
    /// waits: else nothing is going to change.
    pub async fn move_hint_defer(&self, origin: &ObjectKey, target: &ObjectKey) -> Result<bool, StateError> {
        let paths = [origin.as_str().to_owned(), target.as_str().to_owned()];
        self.call(move |connection, sink| {
                let mut statement = connection.prepare_cached(
                    "UPDATE OR FAIL pending SET status = 'parked', next_attempt = w.next_attempt, reason = w.reason, message = w.message
                     FROM (SELECT next_attempt, reason, message FROM pending
                           WHERE sink = ?1 AND path IN (?2, ?3) AND status = 'parked' AND +next_attempt IS NOT NULL
                           ORDER BY +next_attempt DESC LIMIT 1) w
                     WHERE pending.sink = ?1 AND pending.path IN (?2, ?3) AND pending.status = 'due'",
                )?;
                statement.execute(params![sink.id, paths[0], paths[1]])?;
                let mut statement = connection.prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND path IN (?2, ?3) AND status = 'parked' AND +next_attempt IS NOT NULL)",
                )?;
                Ok(statement.query_row(params![sink.id, paths[0], paths[1]], |row| row.get(0))?)
            })
            .await
    }
}

/// A move from one path to the other has ended: what waited with it need not wait any longer, nor the file that was to come to its place.
pub(crate) fn release(connection: &Connection, sink: RegisteredSink, origin: &ObjectKey, target: &ObjectKey) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "UPDATE OR FAIL pending SET status = 'due', next_attempt = NULL
         WHERE sink = ?1 AND status = 'parked' AND +next_attempt IS NOT NULL
           AND path IN (?2, ?3, (SELECT origin FROM lineage WHERE sink = ?1 AND path = ?2))",
    )?;
    statement.execute(params![sink.id, origin.as_str(), target.as_str()])?;
    Ok(())
}
