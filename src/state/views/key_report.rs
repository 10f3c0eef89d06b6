//! The report about one path: its history and all known facts. Reads beside a process that writes.

use crate::plan::Policy;
use crate::plan::guard::HeldDeletes;
use crate::record::{EventPermissions, ObjectKey, Observed, PathState, SinkName};
use crate::state::database::codec::time;
use crate::state::error::StateError;
use crate::state::tables::history::{self, HistoryEntry, HistoryEvent, Outcome};
use crate::state::tables::inbox::{self, InboxRow};
use crate::state::tables::intents::{self, Intent};
use crate::state::tables::sinks::{self, RegisteredSink, SinkRow};
use crate::state::tables::{applied, lineage, observed, permissions, sides, sources};
use crate::state::transactions::delete_guard;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::{BTreeMap, BTreeSet};

/// How many former names of a file the report follows, so that circular renames end.
const MAX_NAMES: usize = 16;

/// The known facts of a path.
#[derive(Clone, Debug)]
pub struct KeyReport {
    /// The history, oldest first: of the path, and of a file that was moved here, under its former names.
    pub history: Vec<HistoryEntry>,
    /// The reports that are not consumed yet.
    pub inbox: Vec<InboxRow>,
    /// The result of the newest lookup.
    pub observed: Option<Observed>,
    /// The reported permissions, with their times.
    pub reported: EventPermissions,
    /// The known facts of the path in each sink.
    pub sinks: Vec<SinkKeyReport>,
}

/// The known facts of a path in one sink.
#[derive(Clone, Debug)]
pub struct SinkKeyReport {
    /// The sink's name.
    pub name: SinkName,
    /// The facts that decisions about the sink depend on.
    pub policy: Policy,
    /// The newest observation, the sink's confirmed row, and the permissions that the sink should have.
    pub path_state: PathState,
    /// The run and the time of the sink's last confirmation.
    pub applied_in: (Option<u64>, Option<Timestamp>),
    /// The work to do, if any.
    pub pending: Option<PendingStatus>,
    /// Open intents that name it.
    pub intents: Vec<Intent>,
    /// The origin of a move hint to this path.
    pub comes_from: Option<ObjectKey>,
    /// The target of a move hint from this path.
    pub goes_to: Option<ObjectKey>,
    /// The deletes that the guard holds, whether or not this one is among them.
    pub held: Option<HeldDeletes>,
}

/// The status of a path with work to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingStatus {
    /// `due`, `parked`, `skipped` or `held`.
    pub status: String,
    /// True if the object is gone, or a listing did not show it.
    pub deletion: bool,
    /// Failed runs so far.
    pub failed_runs: u32,
    /// The time of the next attempt.
    pub next_attempt: Option<Timestamp>,
    /// Why it is parked or skipped.
    pub reason: Option<String>,
    /// The error message of the failure.
    pub message: Option<String>,
}

/// Everything known of a path; `None` = nothing is.
pub(crate) fn read(connection: &Connection, path: &ObjectKey) -> Result<Option<KeyReport>, StateError> {
    let source = sources::only(connection)?;
    let sinks = sinks::all_rows(connection, source)?;
    let story = KeyReport {
        history: history_of(connection, path)?,
        inbox: inbox_of(connection, path)?,
        observed: observed::read(connection, source, path)?,
        reported: permissions::read(connection, source, path)?,
        sinks: sinks.into_iter().map(|row| of_sink(connection, row, path)).collect::<Result<_, _>>()?,
    };
    Ok(story.is_about_something().then_some(story))
}

fn of_sink(connection: &Connection, SinkRow { sink, name, .. }: SinkRow, path: &ObjectKey) -> Result<SinkKeyReport, StateError> {
    let lineage = lineage::concerning(connection, sink, std::iter::once(path))?;
    Ok(SinkKeyReport {
        name,
        policy: sink.policy,
        path_state: sides::sides(connection, sink, path)?,
        applied_in: applied::confirmed_at(connection, sink, path)?,
        pending: pending_status(connection, sink, path)?,
        intents: intents::naming(connection, sink, path)?,
        comes_from: lineage.get(path).map(|move_origin| move_origin.origin.clone()),
        goes_to: lineage.iter().find(|(_, move_origin)| move_origin.origin == *path).map(|(target, _)| target.clone()),
        held: delete_guard::held(connection, sink)?,
    })
}

impl KeyReport {
    /// The sink to show where there is room for only one: as [`super::overview::Overview::main_sink`].
    pub fn main_sink(&self) -> Option<&SinkKeyReport> {
        let file_manager = SinkName::file_manager();
        self.sinks.iter().find(|sink| sink.name == file_manager).or_else(|| self.sinks.first())
    }

    fn is_about_something(&self) -> bool {
        let reported = !self.reported.is_empty() || !self.history.is_empty() || !self.inbox.is_empty();
        reported || self.observed.is_some() || self.sinks.iter().any(SinkKeyReport::is_about_something)
    }
}

impl SinkKeyReport {
    fn is_about_something(&self) -> bool {
        let known = self.path_state.applied.is_some() || self.pending.is_some() || !self.intents.is_empty();
        known || self.comes_from.is_some() || self.goes_to.is_some()
    }
}

/// The history of a path. If a file was moved to it, also the file's history before the move.
fn history_of(connection: &Connection, path: &ObjectKey) -> Result<Vec<HistoryEntry>, StateError> {
    let mut found = BTreeMap::new();
    let (mut asked, mut names) = (BTreeSet::new(), vec![(path.clone(), i64::MAX)]);
    while let Some((path, before)) = names.pop() {
        if asked.len() == MAX_NAMES || !asked.insert(path.clone()) {
            continue;
        }
        for (id, happened) in history::of_path(connection, &path, before)? {
            let moved = matches!(&happened.what, HistoryEvent::Operation(ended) if matches!(ended.result, Outcome::Moved { .. }));
            if moved && happened.new_path.as_ref() == Some(&path) {
                names.push((happened.path.clone(), id));
            }
            found.insert(id, happened);
        }
    }
    Ok(found.into_values().collect())
}

/// The waiting events that name a path. The inbox may be large: rows that cannot name it are not decoded.
fn inbox_of(connection: &Connection, path: &ObjectKey) -> Result<Vec<InboxRow>, StateError> {
    let named = serde_json::to_string(path).map_err(|error| StateError::Corrupt(error.to_string()))?;
    let mut statement =
        connection.prepare("SELECT seq, source, received_at, look, failures, event FROM inbox WHERE instr(event, ?1) > 0 ORDER BY seq")?;
    let rows = statement.query_map([named], |row| Ok(inbox::from_row(row)))?;
    let rows = rows.map(|row| row?).collect::<Result<Vec<_>, StateError>>()?;
    Ok(rows.into_iter().filter(|row| row.event.spellings().chain(row.event.new_spellings()).any(|named| named == path)).collect())
}

fn pending_status(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<Option<PendingStatus>, StateError> {
    let mut statement = connection
        .prepare("SELECT status, deletion, attempts, next_attempt, reason, message FROM pending WHERE sink = ?1 AND path = ?2")?;
    let row = statement.query_row(params![sink.id, path.as_str()], |row| {
        Ok(PendingStatus {
            status: row.get(0)?,
            deletion: row.get(1)?,
            failed_runs: row.get(2)?,
            next_attempt: row.get::<_, Option<i64>>(3)?.and_then(time),
            reason: row.get(4)?,
            message: row.get(5)?,
        })
    });
    Ok(row.optional()?)
}
