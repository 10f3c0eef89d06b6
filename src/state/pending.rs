//! Pending: the paths with something to do, derived from the two sides whenever one of them changes.
//!
//! **Invariant:** a path has a row here exactly while `plan::decide` finds something to do about it, an intent of it is
//! open, or a page showed it absent and no look has answered yet.

use super::looks::{self, Page, integer};
use super::{FILE_MANAGER, Intent, State, StateError, applied, intents};
use crate::plan::{self, Effect, Limits, SkipReason, Verdict};
use crate::record::{Applied, ObjectKey, Observed};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// From this size on an object goes the way of the large ones.
const LARGE_BYTES: u64 = 8 << 20;

/// Which of the pending paths: each lane has its own pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Objects below 8 MiB.
    Small,
    /// The others.
    Large,
    /// Keys that may be gone: only after a listing has ended.
    Absent,
}

/// A path with something to do, and all that is known about it.
#[derive(Clone, Debug)]
pub struct Work {
    /// Its place in the queue.
    pub seq: i64,
    /// The path.
    pub path: ObjectKey,
    /// Failed runs so far.
    pub attempts: u32,
    /// What the newest look showed.
    pub observed: Option<Observed>,
    /// What the sink holds.
    pub applied: Option<Applied>,
    /// An effect without an outcome.
    pub intent: Option<Intent>,
}

/// Why a path could not be brought to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A short, stable name.
    pub reason: String,
    /// One line, safe to print.
    pub message: String,
}

/// What made us think about a path again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A new look; whether it showed anything new.
    Look { changed: bool },
    /// Whoever has it in hand learnt something, and goes on with it.
    InHand,
    /// Whoever had it in hand has done with it.
    Outcome,
}

impl State {
    /// The next paths of a lane that are due, after a place in the queue, oldest first.
    pub async fn take(&self, lane: Lane, after: i64, most: usize) -> Result<Vec<Work>, StateError> {
        self.writer.call(move |connection| take(connection, lane, after, most)).await
    }

    /// One path as it stands now, whether due or not; `None` when nothing is pending about it.
    pub async fn work(&self, path: &ObjectKey) -> Result<Option<Work>, StateError> {
        let path = path.clone();
        self.writer.call(move |connection| one(connection, &path)).await
    }

    /// A path failed: it is tried again in a later run, not before `next_attempt`. An open intent stays open.
    pub async fn park(&self, path: &ObjectKey, failure: Failure, next_attempt: Timestamp) -> Result<(), StateError> {
        let path = path.clone();
        self.writer
            .call(move |connection| {
                let mut statement = connection.prepare_cached(
                    "UPDATE pending SET status = 'parked', attempts = attempts + 1, next_attempt = ?3, reason = ?4, message = ?5
                     WHERE sink = ?1 AND path = ?2",
                )?;
                let next = next_attempt.as_microsecond();
                statement.execute(params![FILE_MANAGER, path.as_str(), next, failure.reason, failure.message])?;
                Ok(())
            })
            .await
    }

    /// A path is left out until a look shows something new, or somebody asks for it again.
    pub async fn skip(&self, path: &ObjectKey, reason: SkipReason) -> Result<(), StateError> {
        let path = path.clone();
        self.writer
            .call(move |connection| {
                let mut statement = connection
                    .prepare_cached("UPDATE pending SET status = 'skipped', reason = ?3, message = NULL WHERE sink = ?1 AND path = ?2")?;
                statement.execute(params![FILE_MANAGER, path.as_str(), reason.as_str()])?;
                Ok(())
            })
            .await
    }

    /// A path that was to be read is not there: whether it is gone is asked at the end of the listing.
    pub async fn suspect(&self, path: &ObjectKey) -> Result<(), StateError> {
        let path = path.clone();
        self.writer
            .call(move |connection| {
                connection
                    .prepare_cached("UPDATE pending SET deletion = 1, status = 'due' WHERE sink = ?1 AND path = ?2")?
                    .execute(params![FILE_MANAGER, path.as_str()])?;
                Ok(())
            })
            .await
    }

    /// Nothing more to do about a path for now: thinks about it once more, in case a look came in meanwhile.
    pub async fn settle(&self, path: &ObjectKey) -> Result<(), StateError> {
        let (path, limits) = (path.clone(), self.limits);
        self.writer.call(move |connection| think_again(connection, &path, Trigger::Outcome, limits)).await
    }

    /// Makes everything due that was parked or skipped: somebody asked.
    pub async fn release_all(&self) -> Result<(), StateError> {
        self.writer
            .call(|connection| {
                connection.execute("UPDATE pending SET status = 'due', next_attempt = NULL WHERE status <> 'due'", [])?;
                Ok(())
            })
            .await
    }

    /// How many deletes the sink would see if every absent key is gone, and how many rows it has: for the guard.
    pub async fn deletes_in_question(&self) -> Result<(u64, u64), StateError> {
        self.writer
            .call(|connection| {
                let deletes: i64 = connection.query_row(
                    "SELECT count(*) FROM pending p WHERE sink = ?1 AND status = 'due' AND deletion = 1 AND (
                         EXISTS (SELECT 1 FROM applied a WHERE a.sink = p.sink AND a.path = p.path)
                         OR EXISTS (SELECT 1 FROM intents i WHERE i.sink = p.sink AND i.path = p.path))",
                    [FILE_MANAGER],
                    |row| row.get(0),
                )?;
                let rows: i64 = connection.query_row("SELECT applied_rows FROM sinks WHERE id = ?1", [FILE_MANAGER], |row| row.get(0))?;
                Ok((deletes.unsigned_abs(), rows.unsigned_abs()))
            })
            .await
    }
}

/// Reads both sides again and decides anew.
pub(super) fn think_again(connection: &Connection, path: &ObjectKey, trigger: Trigger, limits: Limits) -> Result<(), StateError> {
    let observed = looks::read(connection, path)?;
    let applied = applied::read(connection, path)?;
    reconsider(connection, path, (applied.as_ref(), observed.as_ref()), trigger, limits).map(drop)
}

/// Brings a path's row into line with the decision; says whether something is to be done now.
pub(super) fn reconsider(
    connection: &Connection,
    path: &ObjectKey,
    (applied, observed): (Option<&Applied>, Option<&Observed>),
    trigger: Trigger,
    limits: Limits,
) -> Result<bool, StateError> {
    let large = observed.and_then(|observed| observed.facts.as_ref()).is_some_and(|facts| facts.size >= LARGE_BYTES);
    match plan::decide(path, applied, observed, limits) {
        Verdict::Nothing if intents::is_open(connection, path)? => queue(connection, path, (false, large), trigger),
        Verdict::Nothing => {
            // A page that showed the key absent is newer than the look behind this outcome: only a look answers it.
            let answered = matches!(trigger, Trigger::Look { .. });
            connection.prepare_cached("DELETE FROM pending WHERE sink = ?1 AND path = ?2 AND (?3 OR deletion = 0)")?.execute(params![
                FILE_MANAGER,
                path.as_str(),
                answered
            ])?;
            Ok(false)
        }
        Verdict::Do(planned) if planned.effect == Effect::Delete => queue(connection, path, (true, false), trigger),
        Verdict::Do(_) | Verdict::Confirm(_) | Verdict::Look => queue(connection, path, (false, large), trigger),
        Verdict::Skip(reason) => put_aside(connection, path, "skipped", reason.as_str()),
        Verdict::TooLarge => put_aside(connection, path, "parked", SkipReason::TooLarge.as_str()),
    }
}

/// What is there about a path already.
struct Standing {
    due: bool,
    deletion: bool,
}

fn standing(connection: &Connection, path: &ObjectKey) -> Result<Option<Standing>, StateError> {
    let mut statement = connection.prepare_cached("SELECT status = 'due', deletion FROM pending WHERE sink = ?1 AND path = ?2")?;
    let row = statement.query_row(params![FILE_MANAGER, path.as_str()], |row| Ok(Standing { due: row.get(0)?, deletion: row.get(1)? }));
    Ok(row.optional()?)
}

/// Puts a path into the queue, at its end. What waits there already keeps its place (it may be in hand at this moment:
/// whoever has it thinks again when it is done), and what failed before keeps its wait until a look shows something new.
fn queue(connection: &Connection, path: &ObjectKey, (deletion, large): (bool, bool), trigger: Trigger) -> Result<bool, StateError> {
    let stays = standing(connection, path)?.is_some_and(|row| match trigger {
        Trigger::Look { changed } => row.deletion == deletion && (row.due || !changed),
        Trigger::InHand => true,
        Trigger::Outcome => row.deletion && !deletion,
    });
    if !stays {
        let mut statement = connection
            .prepare_cached("INSERT OR REPLACE INTO pending (sink, path, status, deletion, large) VALUES (?1, ?2, 'due', ?3, ?4)")?;
        statement.execute(params![FILE_MANAGER, path.as_str(), deletion, large])?;
    }
    Ok(true)
}

fn put_aside(connection: &Connection, path: &ObjectKey, status: &str, reason: &str) -> Result<bool, StateError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO pending (sink, path, status, deletion, large, reason) VALUES (?1, ?2, ?3, 0, 1, ?4)
         ON CONFLICT (sink, path) DO UPDATE SET status = excluded.status, reason = excluded.reason, deletion = 0",
    )?;
    statement.execute(params![FILE_MANAGER, path.as_str(), status, reason])?;
    Ok(false)
}

/// Queues every key of a page's range that an older look or the sink knows and the page does not show.
/// In SQL alone: an emptied bucket's last page covers millions of them.
pub(super) fn queue_absent(connection: &Connection, page: &Page) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO pending (sink, path, status, deletion, large)
         SELECT ?1, path, 'due', 1, 0 FROM observed o
         WHERE path > ?2 AND (?3 IS NULL OR path <= ?3) AND look < ?4
           AND (present = 1 OR EXISTS (SELECT 1 FROM applied a WHERE a.sink = ?1 AND a.path = o.path))
         UNION ALL
         SELECT sink, path, 'due', 1, 0 FROM applied a
         WHERE sink = ?1 AND path > ?2 AND (?3 IS NULL OR path <= ?3)
           AND NOT EXISTS (SELECT 1 FROM observed o WHERE o.path = a.path)
         ON CONFLICT (sink, path) DO UPDATE SET deletion = 1, status = 'due'",
    )?;
    let after = page.after.as_ref().map_or("", ObjectKey::as_str);
    statement.execute(params![FILE_MANAGER, after, page.up_to.as_ref().map(ObjectKey::as_str), integer(page.look.0)])?;
    Ok(())
}

fn take(connection: &Connection, lane: Lane, after: i64, most: usize) -> Result<Vec<Work>, StateError> {
    let mut statement = connection.prepare_cached(&selection(
        "p.sink = ?1 AND p.status = 'due' AND p.deletion = ?2 AND p.large = ?3 AND p.seq > ?4 ORDER BY p.seq LIMIT ?5",
    ))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![FILE_MANAGER, lane == Lane::Absent, lane == Lane::Large, after, most], from_row)?;
    rows.map(|row| row?).collect()
}

fn one(connection: &Connection, path: &ObjectKey) -> Result<Option<Work>, StateError> {
    let mut statement = connection.prepare_cached(&selection("p.sink = ?1 AND p.path = ?2"))?;
    statement.query_row(params![FILE_MANAGER, path.as_str()], from_row).optional()?.transpose()
}

fn selection(which: &str) -> String {
    format!(
        "SELECT p.seq, p.path, p.attempts, o.look, o.present, o.size, o.etag, o.last_modified, o.storage_class, o.version_id,
                a.confirmed, a.size, a.etag, a.last_modified, a.storage_class, a.version_id, a.file_type, a.internal_id,
                a.permissions, a.owner, a.owner_group,
                i.idempotency_key, i.effect, i.size, i.etag, i.file_type, i.metadata, i.run
         FROM pending p LEFT JOIN observed o ON o.path = p.path
         LEFT JOIN applied a ON a.sink = p.sink AND a.path = p.path
         LEFT JOIN intents i ON i.sink = p.sink AND i.path = p.path
         WHERE {which}"
    )
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Result<Work, StateError>> {
    let Ok(path) = ObjectKey::new(row.get::<_, String>(1)?) else {
        return Ok(Err(StateError::Corrupt("an empty path".to_owned())));
    };
    let looked: Option<i64> = row.get(3)?;
    let held: Option<bool> = row.get(10)?;
    let intent: Option<String> = row.get(21)?;
    let observed = looked.map(|_| looks::from_row(row, 3)).transpose()?;
    let applied = held.map(|_| applied::from_row(row, 10, &path)).transpose()?;
    let intent = match intent.map(|_| intents::from_row(row, 21, &path)).transpose()?.transpose() {
        Ok(intent) => intent,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(Work { seq: row.get(0)?, attempts: row.get(2)?, path, observed, applied, intent }))
}
