//! Waiting moves: a file cannot move while work on its origin or its target is parked.

use crate::record::ObjectKey;
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::sinks::RegisteredSink;
use rusqlite::{Connection, params};

impl SinkState {
    /// Stores the number of failed lookups of one of the two paths.
    pub async fn move_hint_set_unobservable(&self, target: &ObjectKey, failed_lookups: u32) -> Result<(), StateError> {
        let target = target.as_str().to_owned();
        self.call(move |connection, sink| {
            let mut statement = connection.prepare_cached("UPDATE lineage SET unseen = ?3 WHERE sink = ?1 AND path = ?2")?;
            statement.execute(params![sink.id, target, failed_lookups])?;
            Ok(())
        })
        .await
    }

    /// If origin or target is parked with a time for the next attempt, parks the other one until then. Returns whether either is
    /// parked: if not, waiting would change nothing.
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

/// A move has ended: makes parked work on both paths due, and on the origin of a move to `origin`, which is free now.
pub(crate) fn release(connection: &Connection, sink: RegisteredSink, origin: &ObjectKey, target: &ObjectKey) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "UPDATE OR FAIL pending SET status = 'due', next_attempt = NULL
         WHERE sink = ?1 AND status = 'parked' AND +next_attempt IS NOT NULL
           AND path IN (?2, ?3, (SELECT origin FROM lineage WHERE sink = ?1 AND path = ?2))",
    )?;
    statement.execute(params![sink.id, origin.as_str(), target.as_str()])?;
    Ok(())
}
