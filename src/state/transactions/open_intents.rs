//! Opens intents: the gate that every effect passes. The plan decides an effect on facts that were read some time before the call. The
//! intent is opened only if these facts still hold. Claims keep two operations of one process off a path and are an optimisation: only
//! this check prevents an effect whose decision is outdated.

use crate::plan::{MoveVerdict, decide_move};
use crate::record::{ETag, Fingerprint, ObjectKey};
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::history::ObservedContent;
use crate::state::tables::intents::{self, Intent};
use crate::state::tables::lineage;
use crate::state::tables::sinks::RegisteredSink;
use crate::state::transactions::claim::WorkItem;
use crate::state::transactions::move_facts::MoveFacts;
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

/// The facts on which the effects on one path were decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedOn {
    /// The path's position in the queue. When an operation on the path ends, the row is removed or gets a new position.
    seq: i64,
    /// What the newest observation showed.
    shown: ObservedContent,
    /// The intents that were open: the decision took them into account.
    open: Vec<Uuid>,
}

impl From<&WorkItem> for DecidedOn {
    fn from(work: &WorkItem) -> Self {
        let facts = work.path_state.observed.as_ref().and_then(|observed| observed.facts.as_ref());
        let open = work.intent.iter().chain(&work.permissions_intent).map(|intent| intent.idempotency_key).collect();
        Self { seq: work.seq, shown: facts.into(), open }
    }
}

/// The reason why intents were not opened. Nothing is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// The path was observed with other content, or another operation on it began or ended: read and plan the path again.
    Outdated,
    /// A move hint names the path, or a move to it is open: the move is decided first.
    MoveFirst,
}

impl SinkState {
    /// Stores the intents of one operation on a path, if the facts on which it was decided still hold. Its calls may be sent once this
    /// returns without a [`NotOpened`].
    pub async fn intents_open(&self, decided_on: DecidedOn, intents: Vec<Intent>) -> Result<Result<(), NotOpened>, StateError> {
        self.call(move |connection, sink| open(connection, sink, &decided_on, &intents)).await
    }

    /// Stores the intent of a rename or a move, if it is still decided. Returns `false` if it is not.
    pub async fn move_intent_open(&self, intent: Intent) -> Result<bool, StateError> {
        self.call(move |connection, sink| open_move(connection, sink, &intent)).await
    }
}

fn open(
    connection: &Connection,
    sink: RegisteredSink,
    decided_on: &DecidedOn,
    intents: &[Intent],
) -> Result<Result<(), NotOpened>, StateError> {
    let Some(first) = intents.first() else { return Ok(Ok(())) };
    let now = PathNow::read(connection, sink, &first.path)?;
    if now.open.contains(&first.idempotency_key) {
        // This transaction is repeated: the intents are open.
        return Ok(Ok(()));
    }
    if now.may_move {
        return Ok(Err(NotOpened::MoveFirst));
    }
    let as_read = now.seq == Some(decided_on.seq) && now.shows == decided_on.shown;
    if !as_read || now.open.iter().any(|key| !decided_on.open.contains(key)) {
        return Ok(Err(NotOpened::Outdated));
    }
    intents.iter().try_for_each(|intent| intents::write(connection, sink, intent))?;
    Ok(Ok(()))
}

/// Decides the move again, from the current facts of its two paths.
fn open_move(connection: &Connection, sink: RegisteredSink, intent: &Intent) -> Result<bool, StateError> {
    let Some(target) = intent.new_path.clone() else {
        return Err(StateError::Corrupt(format!("the move of {} has no target", intent.path.as_str().escape_debug())));
    };
    let Some(move_origin) = lineage::lineage_of(connection, sink, &target)?.filter(|hint| hint.origin == intent.path) else {
        return Ok(false);
    };
    let now = MoveFacts::read(connection, sink, std::iter::once((&target, &move_origin)))?.of(&target, &move_origin);
    if let Some(open) = now.intent {
        // If it is this intent, the transaction is repeated.
        return Ok(open.idempotency_key == intent.idempotency_key);
    }
    if decide_move(&now.moving, sink.policy) != MoveVerdict::Go(intent.planned.effect) {
        return Ok(false);
    }
    intents::write(connection, sink, intent).map(|()| true)
}

/// The current facts of a path.
struct PathNow {
    shows: ObservedContent,
    seq: Option<i64>,
    /// The keys of the intents that are filed under the path.
    open: Vec<Uuid>,
    /// True if a move hint names the path, or a move to it is open.
    may_move: bool,
}

impl PathNow {
    fn read(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<Self, StateError> {
        let mut statement = connection.prepare_cached(
            "SELECT o.present, o.size, o.etag,
                (SELECT seq FROM pending WHERE sink = ?1 AND path = ?3),
                (SELECT group_concat(idempotency_key) FROM intents WHERE sink = ?1 AND path = ?3),
                EXISTS (SELECT 1 FROM lineage WHERE sink = ?1 AND path = ?3)
                    OR EXISTS (SELECT 1 FROM lineage WHERE sink = ?1 AND origin = ?3)
                    OR EXISTS (SELECT 1 FROM intents WHERE sink = ?1 AND new_path = ?3)
             FROM (SELECT 1) LEFT JOIN observed o ON o.source = ?2 AND o.path = ?3",
        )?;
        statement.query_row(params![sink.id, sink.source, path.as_str()], |row| Ok(Self::from_row(row)))?
    }

    fn from_row(row: &Row<'_>) -> Result<Self, StateError> {
        let open: Option<String> = row.get(4)?;
        let key = |raw: &str| Uuid::parse_str(raw).map_err(|_| StateError::Corrupt(format!("the idempotency key {raw:?}")));
        let open = open.iter().flat_map(|keys| keys.split(',')).map(key).collect::<Result<_, _>>()?;
        Ok(Self { shows: shown(row)?, seq: row.get(3)?, open, may_move: row.get(5)? })
    }
}

fn shown(row: &Row<'_>) -> rusqlite::Result<ObservedContent> {
    if row.get::<_, Option<bool>>(0)? != Some(true) {
        return Ok(ObservedContent::Nothing);
    }
    let size = row.get::<_, i64>(1)?.unsigned_abs();
    let etag = row.get::<_, Option<String>>(2)?.as_deref().and_then(ETag::parse);
    Ok(etag.map_or(ObservedContent::Object { size }, |etag| ObservedContent::Content(Fingerprint { etag, size })))
}
