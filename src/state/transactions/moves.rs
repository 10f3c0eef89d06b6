//! Move hints that no sink has applied yet: reported by events, or paired by content. `plan` decides whether two paths are one
//! file.

use crate::mutant;
use crate::plan::Renames;
use crate::plan::fold::MoveOrigin;
use crate::plan::requeue::Trigger;
use crate::record::{ObjectKey, Outdated};
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::history::{self, Attempts, HistoryEvent, Moment, OperationEnd, Outcome};
use crate::state::tables::intents;
use crate::state::tables::sinks::{self, RegisteredSink};
use crate::state::tables::{applied, lineage, observed, sides};
use crate::state::transactions::move_facts::{Move, MoveFacts};
use crate::state::transactions::{move_waits, outcomes, outdate, requeue};
use rusqlite::{Connection, params};

/// The outcome of a rename or a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveOutcome {
    /// The file is at its target, with its old id or with the one that the file manager returned.
    Done {
        /// The file manager's own identifier.
        internal_id: Option<String>,
    },
    /// The file manager has no such file. (If an earlier attempt may have moved it, the target is unconfirmed by now.)
    OriginUnknown,
    /// The file manager has another file at the target.
    TargetTaken,
    /// The two paths are not one file: each is decided by itself.
    NotAMove,
}

impl SinkState {
    /// The moves to decide now, ordered by target, after this target.
    pub async fn moves_due(&self, after: Option<ObjectKey>, most: usize) -> Result<Vec<Move>, StateError> {
        self.call(move |connection, sink| {
            let due = lineage::due(connection, sink, after.as_ref(), most)?;
            let facts = MoveFacts::read(connection, sink, due.iter().map(|(target, move_origin)| (target, move_origin)))?;
            Ok(due.iter().map(|(target, move_origin)| facts.of(target, move_origin)).collect())
        })
        .await
    }

    /// The move hint to this target; `None` = there is none any more.
    pub async fn move_to(&self, target: &ObjectKey) -> Result<Option<Move>, StateError> {
        let target = target.clone();
        self.call(move |connection, sink| {
            let Some(move_origin) = lineage::lineage_of(connection, sink, &target)? else { return Ok(None) };
            let facts = MoveFacts::read(connection, sink, std::iter::once((&target, &move_origin)))?;
            Ok(Some(facts.of(&target, &move_origin)))
        })
        .await
    }

    /// Stores the outcome of a move, removes the move hint, and plans both paths again.
    pub async fn move_end(
        &self,
        (origin, target): (&ObjectKey, &ObjectKey),
        outcome: MoveOutcome,
        attempts: Attempts,
    ) -> Result<(), StateError> {
        let (origin, target, moment) = (origin.clone(), target.clone(), self.moment());
        self.call(move |connection, sink| {
            let waits = lineage::lineage_of(connection, sink, &target)?.is_some_and(|hint| hint.origin == origin);
            if !waits && intents::of_move(connection, sink, &origin, &target)?.is_none() {
                // The transaction is repeated: the move has ended.
                return Ok(());
            }
            record_move_end(connection, (moment, sink), (&origin, &target), &outcome, attempts)?;
            end(connection, sink, moment, (&origin, &target), outcome)
        })
        .await
    }

    /// Ends the intents of moves without a move hint: the file has moved on since. Their paths become unconfirmed.
    pub async fn moves_end_stale(&self) -> Result<(), StateError> {
        let moment = self.moment();
        self.call(move |connection, sink| {
            let mut statement = connection.prepare_cached(
                "SELECT path FROM intents i WHERE sink = ?1 AND new_path IS NOT NULL
                       AND NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink = i.sink AND l.path = i.new_path AND l.origin = i.path)",
            )?;
            let stale: Vec<String> = statement.query_map([sink.id], |row| row.get(0))?.collect::<Result<_, _>>()?;
            stale.into_iter().try_for_each(|path| outcomes::unsettle(connection, sink, moment, &lineage::key(path)?))
        })
        .await
    }

    /// Pairs absent paths with new ones of the same content, if neither has another candidate. Returns the number of pairs.
    pub async fn moves_pair_by_content(&self) -> Result<u64, StateError> {
        self.call(move |connection, sink| {
            if sink.policy.renames == Renames::None {
                return Ok(0);
            }
            // Skips the pairing unless both kinds exist: a first listing has millions of additions, and the guard may hold as
            // many deletes.
            let mut statement = connection.prepare_cached(BOTH_WAIT)?;
            if !statement.query_row([sink.id], |row| row.get(0))? {
                return Ok(0);
            }
            Ok(connection.prepare_cached(PAIR)?.execute(params![sink.id, sink.source])? as u64)
        })
        .await
    }
}

pub(crate) const PAIR: &str = include_str!("pair_by_identity.sql");

pub(crate) const BOTH_WAIT: &str = "SELECT EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND status = 'due' AND deletion = 0)
    AND (EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND status = 'due' AND deletion = 1)
         OR EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND status = 'held' AND status <> 'due'))";

/// Appends the end of a move to the history, if a call was made for it.
fn record_move_end(
    connection: &Connection,
    (moment, sink): (Moment, RegisteredSink),
    (origin, target): (&ObjectKey, &ObjectKey),
    outcome: &MoveOutcome,
    attempts: Attempts,
) -> Result<(), StateError> {
    if attempts.called.is_none() {
        return Ok(());
    }
    let reported = lineage::lineage_of(connection, sink, target)?.is_some_and(|move_origin| move_origin.reported_at.is_some());
    let result = if matches!(outcome, MoveOutcome::Done { .. }) { Outcome::Moved { told: reported } } else { Outcome::NotMoved };
    history::append(
        connection,
        (moment, Some(sink.id)),
        (origin, Some(target)),
        &HistoryEvent::Operation(OperationEnd { attempts, result }),
    )
}

fn end(
    connection: &Connection,
    sink: RegisteredSink,
    moment: Moment,
    (origin, target): (&ObjectKey, &ObjectKey),
    outcome: MoveOutcome,
) -> Result<(), StateError> {
    let move_origin = lineage::lineage_of(connection, sink, target)?;
    let not_a_move = outcome == MoveOutcome::NotAMove;
    lineage::remove(connection, sink, target)?;
    if mutant::is("a_move_of_one_sink_is_one_of_all") {
        sinks::all(connection, sink.source)?.into_iter().try_for_each(|other| lineage::remove(connection, other, target))?;
    }
    match outcome {
        MoveOutcome::Done { internal_id } => {
            if let Some(mut row) = applied::read(connection, sink, origin)? {
                row.file.file_path = target.clone();
                row.file.internal_id = internal_id.or(row.file.internal_id);
                // Permissions that an event reported for the origin were set on the file and moved with it. Those that the file
                // manager returned for the origin say nothing about the target: the target's reported permissions have to be set.
                if !mutant::is("what_was_asked_goes_along") {
                    row.file.permissions = row.file.permissions.given_in(&sides::sides(connection, sink, origin)?.wanted);
                }
                applied::write(connection, sink, moment, &row.file)?;
            }
            applied::remove(connection, sink, origin)?;
        }
        MoveOutcome::OriginUnknown => applied::remove(connection, sink, origin)?,
        MoveOutcome::TargetTaken => applied::unconfirm(connection, sink, target)?,
        MoveOutcome::NotAMove => {}
    }
    if intents::of_move(connection, sink, origin, target)?.is_some() {
        intents::remove(connection, sink, origin)?;
    }
    if not_a_move {
        forget_reported_if_gone(connection, sink, origin, move_origin.as_ref())?;
    } else {
        forget_reported(connection, sink, origin, move_origin.as_ref())?;
    }
    for path in [origin, target] {
        requeue::requeue(connection, sink, path, Trigger::MoveEnded)?;
    }
    move_waits::release(connection, sink, origin, target)
}

/// As [`forget_reported`], but a file that is still at the origin keeps its reported permissions.
pub(crate) fn forget_reported_if_gone(
    connection: &Connection,
    sink: RegisteredSink,
    origin: &ObjectKey,
    move_origin: Option<&MoveOrigin>,
) -> Result<(), StateError> {
    let is_there = observed::read(connection, sink.source, origin)?.is_some_and(|observed| observed.facts.is_some());
    if is_there { Ok(()) } else { forget_reported(connection, sink, origin, move_origin) }
}

/// The reported permissions move with the file: at the origin, which the sink no longer holds, they are removed.
fn forget_reported(
    connection: &Connection,
    sink: RegisteredSink,
    origin: &ObjectKey,
    move_origin: Option<&MoveOrigin>,
) -> Result<(), StateError> {
    if applied::read(connection, sink, origin)?.is_some() {
        return Ok(());
    }
    let is_there = observed::read(connection, sink.source, origin)?.is_some_and(|observed| observed.facts.is_some());
    match move_origin.and_then(|move_origin| move_origin.reported_at) {
        Some(reported_at) => outdate::outdate(connection, sink, origin, Outdated { until: Some(reported_at), before: None }),
        None if is_there => Ok(()),
        None => outdate::gone(connection, sink, origin, false),
    }
}
