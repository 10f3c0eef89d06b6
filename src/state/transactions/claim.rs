//! Claims pending paths, lane by lane in the order of the queue, with all known facts of each path.

use crate::record::{ObjectKey, PathState};
use crate::state::claims::PathClaim;
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::intents::{self, Intent};
use crate::state::tables::sides;
use crate::state::tables::sinks::RegisteredSink;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tokio::sync::watch;

/// A part of the pending paths, processed separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Objects below 8 MiB.
    Small,
    /// The others.
    Large,
    /// Keys that may be gone: only after a listing has ended.
    Deletion,
    /// Paths with an open intent, whatever else is to be done about them.
    OpenIntent,
}

/// A path with something to do, and all that is known about it.
#[derive(Clone, Debug)]
pub struct WorkItem {
    /// Its position in the queue.
    pub seq: i64,
    /// The path.
    pub path: ObjectKey,
    /// Failed runs so far.
    pub attempts: u32,
    /// True if an earlier listing showed the key and its lookup did not find it.
    pub listed_but_missing: bool,
    /// The known facts of the path.
    pub path_state: PathState,
    /// The open intent for its content.
    pub intent: Option<Intent>,
    /// The open intent for its permissions.
    pub permissions_intent: Option<Intent>,
}

/// The paths claimed from a lane.
#[derive(Debug, Default)]
pub struct ClaimedBatch {
    /// The paths that the caller holds a claim on, each until its claim is dropped.
    pub work: Vec<(PathClaim, WorkItem)>,
    /// The last examined position in the queue; `None` = no path is left.
    pub last: Option<i64>,
    /// True if another caller has claimed some of the paths.
    pub some_claimed_by_others: bool,
}

impl SinkState {
    /// Claims the next due paths of a lane, oldest first, after one position in the queue and up to another. Runs on the thread
    /// that stores the outcomes, so that the facts of a path include the outcome of its previous claim.
    pub async fn claim(&self, (lane, after, up_to): (Lane, i64, i64), most: usize) -> Result<ClaimedBatch, StateError> {
        let claims = self.claims.clone();
        self.call(move |connection, sink| {
            let rows = due(connection, sink, (lane, after, up_to), most)?;
            let mut claimed = ClaimedBatch { last: rows.last().map(|work| work.seq), ..ClaimedBatch::default() };
            for work in rows {
                match claims.claim(&work.path) {
                    Some(claim) => claimed.work.push((claim, work)),
                    None => claimed.some_claimed_by_others = true,
                }
            }
            Ok(claimed)
        })
        .await
    }

    /// Subscribes to every release from now on, also to one that happens while the receiver is not waiting.
    pub fn releases(&self) -> watch::Receiver<()> {
        self.claims.releases()
    }

    /// One path with its present facts, due or not; `None` = nothing is pending about it.
    pub async fn work_item(&self, path: &ObjectKey) -> Result<Option<WorkItem>, StateError> {
        let path = path.clone();
        self.call(move |connection, sink| one(connection, sink, &path)).await
    }
}

fn due(
    connection: &Connection,
    sink: RegisteredSink,
    (lane, after, up_to): (Lane, i64, i64),
    most: usize,
) -> Result<Vec<WorkItem>, StateError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    if lane == Lane::OpenIntent {
        let mut statement = connection.prepare_cached(&selection(
            "p.sink = ?1 AND p.status = 'due' AND p.seq > ?2 AND p.seq <= ?4 AND ifnull(i.new_path, '') = ''
             AND p.path IN (SELECT path FROM intents WHERE sink = ?1) ORDER BY p.seq LIMIT ?3",
        ))?;
        let rows = statement.query_map(params![sink.id, after, most, up_to], from_row)?;
        return rows.map(|row| row?).collect();
    }
    // Not the paths of a move hint: they wait until it is decided.
    let mut statement = connection.prepare_cached(&selection(
        "p.sink = ?1 AND p.status = 'due' AND p.deletion = ?2 AND p.large = ?3 AND p.seq > ?4 AND p.seq <= ?6
         AND NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink = ?1 AND l.path = p.path)
         AND NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink = ?1 AND l.origin = p.path)
         ORDER BY p.seq LIMIT ?5",
    ))?;
    let rows = statement.query_map(params![sink.id, lane == Lane::Deletion, lane == Lane::Large, after, most, up_to], from_row)?;
    rows.map(|row| row?).collect()
}

pub(crate) fn one(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<Option<WorkItem>, StateError> {
    let mut statement = connection.prepare_cached(&selection("p.sink = ?1 AND p.path = ?2"))?;
    statement.query_row(params![sink.id, path.as_str()], from_row).optional()?.transpose()
}

fn selection(which: &str) -> String {
    let content = intents::COLUMNS.map(|column| format!("i.{column}")).join(", ");
    let permissions = intents::COLUMNS.map(|column| format!("j.{column}")).join(", ");
    format!(
        "SELECT p.seq, p.path, p.attempts, p.reason IS 'listed_but_missing', {}, {content}, {permissions}
         FROM pending p LEFT JOIN observed o ON o.source = (SELECT source FROM sinks WHERE id = ?1) AND o.path = p.path
         LEFT JOIN applied a ON a.sink = p.sink AND a.path = p.path
         LEFT JOIN permissions t ON t.source = (SELECT source FROM sinks WHERE id = ?1) AND t.path = p.path
         LEFT JOIN outdated_permissions m ON m.sink = p.sink AND m.path = t.path
         LEFT JOIN intents i ON i.sink = p.sink AND i.path = p.path AND i.plane = 'content'
         LEFT JOIN intents j ON j.sink = p.sink AND j.path = p.path AND j.plane = 'permissions'
         WHERE {which}",
        sides::side_columns()
    )
}

/// The index of the first column of both sides in a row of [`selection`].
const FIRST_SIDE: usize = 4;
/// The index of the first column of the two intents in a row of [`selection`].
const CONTENT_INTENT: usize = FIRST_SIDE + sides::SIDE_COLUMNS;
const PERMISSIONS_INTENT: usize = CONTENT_INTENT + intents::COLUMNS.len();

fn from_row(row: &Row<'_>) -> rusqlite::Result<Result<WorkItem, StateError>> {
    let Ok(path) = ObjectKey::new(row.get::<_, String>(1)?) else {
        return Ok(Err(StateError::Corrupt("an empty path".to_owned())));
    };
    let sides = sides::sides_from_row(row, FIRST_SIDE, &path)?;
    let (intent, permissions_intent) = match (intent(row, CONTENT_INTENT, &path)?, intent(row, PERMISSIONS_INTENT, &path)?) {
        (Ok(content), Ok(permissions)) => (content, permissions),
        (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
    };
    let (seq, attempts, listed_but_missing) = (row.get(0)?, row.get(2)?, row.get(3)?);
    Ok(Ok(WorkItem { seq, path, attempts, listed_but_missing, path_state: sides, intent, permissions_intent }))
}

fn intent(row: &Row<'_>, first: usize, path: &ObjectKey) -> rusqlite::Result<Result<Option<Intent>, StateError>> {
    let key: Option<String> = row.get(first)?;
    Ok(key.map(|_| intents::from_row(row, first, path)).transpose()?.transpose())
}
