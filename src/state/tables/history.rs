//! History: finished events and operations of a path, appended in the transaction in which they happen. The current status
//! (pending, held, skipped, moving) is in the other tables, and not recorded twice.
//!
//! A file that the initial sync created or confirmed at the first attempt has no row: that would be one row per object of the
//! bucket. Its row in `applied` has the run and the time.

use crate::plan::Effect;
use crate::record::{EventChannel, EventKind, Fingerprint, ObjectFacts, ObjectKey, Permissions, SinkName};
use crate::state::database::codec::{integer, time};
use crate::state::error::StateError;
use crate::state::tables::intents::Intent;
use crate::state::tables::pending::AttemptFailure;
use crate::state::tables::sinks::{RegisteredSink, SinkId};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The time, by the service's clock; `None` = the stored time is invalid.
    pub at: Option<Timestamp>,
    /// The run; 0 = outside of one.
    pub run: u64,
    /// The sink; `None` for an event, for a sink that has been removed, and for rows from before sinks had names.
    pub sink: Option<SinkName>,
    /// The path.
    pub path: ObjectKey,
    /// The target, for a rename or a move.
    pub new_path: Option<ObjectKey>,
    /// The event.
    pub what: HistoryEvent,
}

/// The kind of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryEvent {
    /// An event was consumed.
    Event(ConsumedEvent),
    /// An operation ended.
    Operation(OperationEnd),
}

/// An event that was consumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumedEvent {
    /// The source that reported it.
    pub source: EventChannel,
    /// The reported event.
    pub kind: EventKind,
    /// The time of the event, by the clock of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// The time of arrival, by the service's clock.
    pub received_at: Timestamp,
    /// The reported permissions.
    #[serde(default, skip_serializing_if = "Permissions::is_empty")]
    pub permissions: Permissions,
    /// The outcome of the event.
    pub became: EventDisposition,
}

/// The outcome of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventDisposition {
    /// The event's paths were looked up: this is the result.
    LookedAt {
        /// At its path.
        path: ObservedContent,
        /// At the target of the reported rename.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new_path: Option<ObservedContent>,
    },
    /// The event failed too often and is a dead letter. Its permissions and its rename were applied.
    DeadLetter {
        /// The reason; safe to print.
        message: String,
    },
}

/// The result of a lookup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservedContent {
    /// Nothing.
    Nothing,
    /// An object whose `ETag` is unknown.
    Object {
        /// Its length.
        size: u64,
    },
    /// An object with this content.
    Content(Fingerprint),
}

/// The attempts of an operation so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// The effect of the last call; `None` = no call was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<Called>,
    /// The number of tries.
    pub made: u32,
    /// The error of the last failed try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<AttemptFailure>,
}

/// An effect that was decided and called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// The effect.
    pub effect: Effect,
    /// The key that makes the effect happen only once.
    pub idempotency_key: Uuid,
    /// The run that decided it.
    pub decided_in: u64,
}

/// An operation that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationEnd {
    /// The tries.
    pub attempts: Attempts,
    /// The result.
    pub result: Outcome,
}

/// The result of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The file manager holds this content now.
    Applied {
        /// Its own identifier.
        internal_id: Option<String>,
        /// The content.
        content: Option<Fingerprint>,
    },
    /// The file manager had this content already when it was asked.
    Confirmed {
        /// Its own identifier.
        internal_id: Option<String>,
        /// The content.
        content: Option<Fingerprint>,
    },
    /// The file has these permissions now.
    PermissionsSet(Permissions),
    /// The file manager holds nothing there any more.
    Deleted,
    /// The file has the other path now.
    Moved {
        /// True if a source reported it; false if two paths were paired by their content.
        told: bool,
    },
    /// The file manager was asked to move the file and did not: each path is decided by itself.
    NotMoved,
    /// The operation failed and will be retried.
    Failed {
        /// The earliest time of the retry.
        next_attempt: Timestamp,
    },
    /// An effect of unknown outcome ended, because it is no longer planned or its last attempt was refused. The file manager's
    /// content at the path is unconfirmed.
    InDoubt,
}

impl Outcome {
    /// The word in JSON output.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Confirmed { .. } => "confirmed",
            Self::PermissionsSet(_) => "permissions_set",
            Self::Deleted => "deleted",
            Self::Moved { .. } => "moved",
            Self::NotMoved => "not_moved",
            Self::Failed { .. } => "failed",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// The time and the run of a transaction, for the history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) run: u64,
    /// True if that run is an initial sync.
    pub(crate) initial: bool,
}

impl From<Option<&ObjectFacts>> for ObservedContent {
    fn from(facts: Option<&ObjectFacts>) -> Self {
        match facts {
            None => Self::Nothing,
            Some(facts) => facts.fingerprint().map_or(Self::Object { size: facts.size }, Self::Content),
        }
    }
}

impl From<&Intent> for Called {
    fn from(intent: &Intent) -> Self {
        Self { effect: intent.planned.effect, idempotency_key: intent.idempotency_key, decided_in: intent.run }
    }
}

/// Appends an entry for a sink (`None` = an event).
pub(crate) fn append(
    connection: &Connection,
    (moment, sink): (Moment, Option<SinkId>),
    (path, new_path): (&ObjectKey, Option<&ObjectKey>),
    what: &HistoryEvent,
) -> Result<(), StateError> {
    let what = serde_json::to_string(what).map_err(|error| StateError::Corrupt(format!("a history that cannot be written: {error}")))?;
    let mut statement =
        connection.prepare_cached("INSERT INTO history (at, run, path, new_path, what, sink) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let (at, run) = (moment.at.as_microsecond(), integer(moment.run));
    statement.execute(params![at, run, path.as_str(), new_path.map(ObjectKey::as_str), what, sink])?;
    Ok(())
}

/// Appends the end of an operation on one path. Leaves out files that the initial sync transferred at the first attempt.
pub(crate) fn operation(
    connection: &Connection,
    sink: RegisteredSink,
    (path, moment): (&ObjectKey, Moment),
    attempts: Attempts,
    result: Outcome,
) -> Result<(), StateError> {
    let effect = attempts.called.as_ref().map(|called| called.effect);
    let brought = match result {
        Outcome::Applied { .. } => effect == Some(Effect::Create),
        Outcome::Confirmed { .. } => true,
        _ => false,
    };
    if moment.initial && brought && attempts.made <= 1 && attempts.failed.is_none() {
        return Ok(());
    }
    append(connection, (moment, Some(sink.id)), (path, None), &HistoryEvent::Operation(OperationEnd { attempts, result }))
}

/// The entries before a given one that name the path as either path, oldest first.
pub(crate) fn of_path(connection: &Connection, path: &ObjectKey, before: i64) -> Result<Vec<(i64, HistoryEntry)>, StateError> {
    let mut statement = connection
        .prepare("SELECT id, at, run, path, new_path, what, (SELECT name FROM sinks s WHERE s.id = history.sink) FROM history WHERE (path = ?1 OR new_path = ?1) AND id < ?2 ORDER BY id")?;
    let rows = statement.query_map(params![path.as_str(), before], |row| Ok(from_row(row)))?;
    rows.map(|row| row?).collect()
}

fn from_row(row: &Row<'_>) -> Result<(i64, HistoryEntry), StateError> {
    let key = |raw: String| ObjectKey::new(raw).map_err(|error| StateError::Corrupt(error.to_string()));
    let what: String = row.get(5)?;
    let happened = HistoryEntry {
        at: time(row.get(1)?),
        run: row.get::<_, i64>(2)?.unsigned_abs(),
        sink: row.get::<_, Option<String>>(6)?.and_then(|name| SinkName::try_from(name).ok()),
        path: key(row.get(3)?)?,
        new_path: row.get::<_, Option<String>>(4)?.map(key).transpose()?,
        what: serde_json::from_str(&what).map_err(|error| StateError::Corrupt(format!("a row of the history: {error}")))?,
    };
    Ok((row.get(0)?, happened))
}
