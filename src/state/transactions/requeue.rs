//! Plans a path again whenever its observed or applied side changes. `plan::requeue` decides; this stores the result.
//!
//! **Invariant:** a path has a row in `pending` exactly while `plan::decide` finds work for it, an intent of it is open, or a
//! page showed it absent and no later observation has confirmed or refuted that.

use crate::plan::SkipReason;
use crate::plan::requeue::{PathView, PendingDecision, QueueChange, Trigger, decide_new, decide_pending};
use crate::record::{ObjectKey, Observed};
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::history::{self, Attempts, Moment, Outcome};
use crate::state::tables::pending::{self, AttemptFailure};
use crate::state::tables::sinks::RegisteredSink;
use crate::state::tables::{applied, sides};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

impl SinkState {
    /// Parks a failed path until `next_attempt`, with the error of its last attempt. An open intent stays open.
    pub async fn pending_park(&self, path: &ObjectKey, attempts: Attempts, next_attempt: Timestamp) -> Result<(), StateError> {
        let (path, moment) = (path.clone(), self.moment());
        self.call(move |connection, sink| park(connection, sink, (&path, moment), attempts, next_attempt)).await
    }

    /// Skips a path until an observation shows a change or the operator asks for a retry. Does nothing if a page has
    /// shown it absent meanwhile: a lookup comes first.
    pub async fn pending_skip(&self, path: &ObjectKey, reason: SkipReason) -> Result<(), StateError> {
        let path = path.clone();
        self.call(move |connection, sink| {
            let mut statement = connection.prepare_cached(
                "UPDATE OR FAIL pending SET status = 'skipped', reason = ?3, message = NULL WHERE sink = ?1 AND path = ?2 AND deletion = 0",
            )?;
            statement.execute(params![sink.id, path.as_str(), reason.as_str()])?;
            pending::note_first_skip(connection, sink, &path)
        })
        .await
    }

    /// Marks a path whose object was not there as possibly deleted. The end of the listing checks it.
    pub async fn pending_mark_possibly_deleted(&self, path: &ObjectKey) -> Result<(), StateError> {
        let path = path.clone();
        self.call(move |connection, sink| {
            connection
                .prepare_cached("UPDATE OR FAIL pending SET deletion = 1, large = 0, status = 'due' WHERE sink = ?1 AND path = ?2")?
                .execute(params![sink.id, path.as_str()])?;
            Ok(())
        })
        .await
    }

    /// The operation has nothing more to do: plans the path again, in case an observation arrived meanwhile.
    pub async fn pending_requeue(&self, path: &ObjectKey) -> Result<(), StateError> {
        let path = path.clone();
        self.call(move |connection, sink| requeue(connection, sink, &path, Trigger::OperationEnded).map(drop)).await
    }

    /// True if anything is due.
    pub async fn pending_is_due(&self) -> Result<bool, StateError> {
        self.call(pending::any_due).await
    }
}

fn park(
    connection: &Connection,
    sink: RegisteredSink,
    (path, moment): (&ObjectKey, Moment),
    attempts: Attempts,
    next_attempt: Timestamp,
) -> Result<(), StateError> {
    let AttemptFailure { reason, message } = attempts.failed.clone().unwrap_or_default();
    let mut statement = connection.prepare_cached(
        "SELECT attempts > 0 AND reason IS ?3, status <> 'due' AND next_attempt IS ?4 FROM pending WHERE sink = ?1 AND path = ?2",
    )?;
    let row =
        statement.query_row(params![sink.id, path.as_str(), reason, next_attempt.as_microsecond()], |row| Ok((row.get(0)?, row.get(1)?)));
    // A failure that is stored already is not counted twice.
    let Some((same_reason, false)) = row.optional()? else { return Ok(()) };
    let mut statement = connection.prepare_cached(
        "UPDATE OR FAIL pending SET status = iif(status = 'held', 'held', 'parked'), attempts = attempts + 1, next_attempt = ?3, reason = ?4, message = ?5
         WHERE sink = ?1 AND path = ?2",
    )?;
    statement.execute(params![sink.id, path.as_str(), next_attempt.as_microsecond(), reason, message])?;
    // Repeated failures for the same reason share one history row. The `pending` row counts them.
    if same_reason { Ok(()) } else { history::operation(connection, sink, (path, moment), attempts, Outcome::Failed { next_attempt }) }
}

/// Reads the known facts of a path and plans it; returns whether it is due now.
pub(crate) fn requeue(connection: &Connection, sink: RegisteredSink, path: &ObjectKey, trigger: Trigger) -> Result<bool, StateError> {
    let view = sides::view(connection, sink, path)?;
    Ok(requeue_all(connection, sink, &[(path, &view)], |_| trigger)?.contains(&true))
}

/// As [`requeue`], for many paths with a trigger each and known facts that the caller has read. Returns for each whether it is due.
pub(crate) fn requeue_all(
    connection: &Connection,
    sink: RegisteredSink,
    all: &[(&ObjectKey, &PathView)],
    trigger: impl Fn(&ObjectKey) -> Trigger,
) -> Result<Vec<bool>, StateError> {
    let decide = |path: &ObjectKey, view| decide_pending(path, view, trigger(path), sink.policy);
    store(connection, sink, all.iter().map(|(path, view)| (*path, decide(path, view))))
}

/// As [`requeue_all`], for paths of which only these observations are known.
pub(crate) fn queue_first(connection: &Connection, sink: RegisteredSink, all: &[(&ObjectKey, Observed)]) -> Result<Vec<bool>, StateError> {
    store(connection, sink, all.iter().map(|(path, observed)| (*path, decide_new(path, observed.clone(), sink.policy))))
}

/// Stores the decision for each path. Inserts new rows with equal values in one statement.
fn store<'p>(
    connection: &Connection,
    sink: RegisteredSink,
    decided: impl Iterator<Item = (&'p ObjectKey, PendingDecision)>,
) -> Result<Vec<bool>, StateError> {
    let mut new_rows: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut is_due = Vec::new();
    for (path, decision) in decided {
        is_due.push(decision.to_do);
        if decision.unconfirm {
            applied::unconfirm(connection, sink, path)?;
        }
        match decision.change {
            QueueChange::Append(position) => new_rows.entry(position).or_default().push(path),
            QueueChange::Replace(position) => {
                // Not `OR REPLACE`: SQLite fires no delete trigger for a replaced row, and the counters of waiting paths would
                // drift.
                pending::remove(connection, sink, path)?;
                new_rows.entry(position).or_default().push(path);
            }
            QueueChange::Keep => {}
            QueueChange::SetReportedAt(at) => pending::write_reported_at(connection, sink, path, at)?,
            QueueChange::MakeDue => pending::make_due(connection, sink, path)?,
            QueueChange::Remove => pending::remove(connection, sink, path)?,
            QueueChange::Skip(reason) => {
                pending::put_aside(connection, sink, path, "skipped", reason.as_str())?;
                pending::note_first_skip(connection, sink, path)?;
            }
            QueueChange::Park(reason) => pending::put_aside(connection, sink, path, "parked", reason.as_str())?,
        }
    }
    new_rows.into_iter().try_for_each(|(position, paths)| pending::append(connection, sink, &paths, position))?;
    Ok(is_due)
}
