//! Pending: the paths with something to do, derived from the two sides whenever one of them changes.
//!
//! **Invariant:** a path has a row here exactly while `plan::decide` finds something to do about it, an intent of it is
//! open, or a page showed it absent and no look has answered yet.

use super::history::{self, Attempts, Moment, Outcome};
use super::looks::{self, Page, integer};
use super::{FILE_MANAGER, State, StateError, applied, identity, intents};
use crate::mutant;
use crate::plan::{self, Effect, Limits, SkipReason, Verdict};
use crate::record::{ObjectKey, Observed, Permissions, Sides};
use jiff::Timestamp;
use rusqlite::types::{Value, ValueRef};
use rusqlite::vtab::array::Array;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::rc::Rc;

/// From this size on an object goes the way of the large ones.
const LARGE_BYTES: u64 = 8 << 20;

/// Why a path could not be brought to an end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Where a file went is settled: nobody has the path in hand.
    Settled,
}

impl State {
    /// A path failed, for the reason that its last attempt did: it is tried again in a later run, not before `next_attempt`. An
    /// open intent stays open.
    pub async fn park(&self, path: &ObjectKey, attempts: Attempts, next_attempt: Timestamp) -> Result<(), StateError> {
        let (path, moment) = (path.clone(), self.moment());
        self.writer.call(move |connection| park(connection, moment, &path, attempts, next_attempt)).await
    }

    /// A path is left out until a look shows something new, or somebody asks for it again. Where a page has shown it absent
    /// meanwhile, that is asked first.
    pub async fn skip(&self, path: &ObjectKey, reason: SkipReason) -> Result<(), StateError> {
        let path = path.clone();
        self.writer
            .call(move |connection| {
                let mut statement = connection.prepare_cached(
                    "UPDATE OR FAIL pending SET status = 'skipped', reason = ?3, message = NULL WHERE sink = ?1 AND path = ?2 AND deletion = 0",
                )?;
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
                    .prepare_cached("UPDATE OR FAIL pending SET deletion = 1, large = 0, status = 'due' WHERE sink = ?1 AND path = ?2")?
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

    /// Makes everything due that was parked or skipped: somebody asked. What the guard holds, only the guard lets go.
    pub async fn release_all(&self) -> Result<(), StateError> {
        self.writer
            .call(|connection| {
                let text = "UPDATE pending SET status = 'due', next_attempt = NULL WHERE status IN ('parked', 'skipped')";
                connection.execute(text, [])?;
                Ok(())
            })
            .await
    }

    /// Makes due what was parked until now at the latest; says whether anything is due.
    pub async fn release_due(&self, now: Timestamp) -> Result<bool, StateError> {
        self.writer
            .call(move |connection| {
                connection.prepare_cached(RELEASE_DUE)?.execute(params![FILE_MANAGER, now.as_microsecond()])?;
                any_due(connection)
            })
            .await
    }

    /// Whether anything is due.
    pub async fn is_anything_due(&self) -> Result<bool, StateError> {
        self.writer.call(any_due).await
    }
}

fn park(connection: &Connection, moment: Moment, path: &ObjectKey, attempts: Attempts, next_attempt: Timestamp) -> Result<(), StateError> {
    let Failure { reason, message } = attempts.failed.clone().unwrap_or_default();
    let mut statement = connection.prepare_cached("SELECT attempts > 0 AND reason IS ?3 FROM pending WHERE sink = ?1 AND path = ?2")?;
    let Some(again) = statement.query_row(params![FILE_MANAGER, path.as_str(), reason], |row| row.get(0)).optional()? else {
        return Ok(());
    };
    let mut statement = connection.prepare_cached(
        "UPDATE OR FAIL pending SET status = 'parked', attempts = attempts + 1, next_attempt = ?3, reason = ?4, message = ?5
         WHERE sink = ?1 AND path = ?2",
    )?;
    statement.execute(params![FILE_MANAGER, path.as_str(), next_attempt.as_microsecond(), reason, message])?;
    // One that fails for the same reason over the years has one row of history; how often, its own row says.
    if again { Ok(()) } else { history::operation(connection, moment, path, attempts, Outcome::Failed { next_attempt }) }
}

pub(super) const RELEASE_DUE: &str =
    "UPDATE pending SET status = 'due', next_attempt = NULL WHERE sink = ?1 AND status = 'parked' AND next_attempt <= ?2";

pub(super) const ANY_DUE: &str = "SELECT EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND status = 'due')";

fn any_due(connection: &Connection) -> Result<bool, StateError> {
    let mut statement = connection.prepare_cached(ANY_DUE)?;
    Ok(statement.query_row([FILE_MANAGER], |row| row.get(0))?)
}

/// What is known of a path, and its row here.
pub(super) struct Known {
    pub(super) sides: Sides,
    standing: Option<Standing>,
    /// When the first of the events was received that are being used up and name the path.
    pub(super) told_at: Option<Timestamp>,
}

/// All that is known of a path.
pub(super) fn sides(connection: &Connection, path: &ObjectKey) -> Result<Sides, StateError> {
    Ok(known(connection, path)?.sides)
}

fn known(connection: &Connection, path: &ObjectKey) -> Result<Known, StateError> {
    let mut known = all_known(connection, std::iter::once(path))?;
    known.pop().ok_or_else(|| StateError::Corrupt("a question has no answer".to_owned()))
}

/// What is known of each of these paths, in their order, in one question.
pub(super) fn all_known<'p>(connection: &Connection, paths: impl Iterator<Item = &'p ObjectKey> + Clone) -> Result<Vec<Known>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT o.look, o.present, o.size, o.etag, o.last_modified, o.storage_class, o.version_id,
                a.confirmed, a.size, a.etag, a.last_modified, a.storage_class, a.version_id, a.file_type, a.internal_id,
                a.permissions, a.owner, a.owner_group, t.permissions, t.owner, t.owner_group,
                p.status = 'due', p.status = 'held', p.deletion, p.told_at
         FROM rarray(?2) k LEFT JOIN observed o ON o.path = k.value
         LEFT JOIN applied a ON a.sink = ?1 AND a.path = k.value
         LEFT JOIN told t ON t.path = k.value
         LEFT JOIN pending p ON p.sink = ?1 AND p.path = k.value",
    )?;
    let mut rows = statement.query(params![FILE_MANAGER, texts(paths.clone())])?;
    let mut known = Vec::new();
    for path in paths {
        let row = rows.next()?.ok_or_else(|| StateError::Corrupt("a question has no answer".to_owned()))?;
        let is_there = row.get_ref(21)? != ValueRef::Null;
        let standing = is_there.then(|| standing_from_row(row, 21)).transpose()?;
        known.push(Known { sides: sides_from_row(row, 0, path)?, standing, told_at: None });
    }
    Ok(known)
}

/// Paths as a statement takes many of them at once.
pub(super) fn texts<'p>(paths: impl Iterator<Item = &'p ObjectKey>) -> Array {
    Rc::new(paths.map(|path| Value::from(path.as_str().to_owned())).collect())
}

/// Reads the columns of both sides, in the order of [`sides`], from `first` on.
pub(super) fn sides_from_row(row: &Row<'_>, first: usize, path: &ObjectKey) -> rusqlite::Result<Sides> {
    let (applied, told) = (first + 7, first + 18);
    let (looked, held): (Option<i64>, Option<bool>) = (row.get(first)?, row.get(applied)?);
    Ok(Sides {
        observed: looked.map(|_| looks::from_row(row, first)).transpose()?,
        applied: held.map(|_| applied::from_row(row, applied, path.clone())).transpose()?,
        wanted: Permissions { permissions: row.get(told)?, owner: row.get(told + 1)?, group: row.get(told + 2)? },
    })
}

/// Reads what is known again and decides anew.
pub(super) fn think_again(connection: &Connection, path: &ObjectKey, trigger: Trigger, limits: Limits) -> Result<(), StateError> {
    bring_into_line(connection, path, &known(connection, path)?, trigger, limits).map(drop)
}

/// As [`think_again`], for whoever knows both sides; says whether something is to be done now.
pub(super) fn reconsider(
    connection: &Connection,
    path: &ObjectKey,
    sides: Sides,
    trigger: Trigger,
    limits: Limits,
) -> Result<bool, StateError> {
    let known = Known { sides, standing: standing(connection, path)?, told_at: None };
    bring_into_line(connection, path, &known, trigger, limits)
}

fn bring_into_line(connection: &Connection, path: &ObjectKey, known: &Known, trigger: Trigger, limits: Limits) -> Result<bool, StateError> {
    match decide_anew(connection, path, known, trigger, limits)? {
        Place::Stays { to_do } => Ok(to_do),
        Place::AtTheEnd(lane) => append(connection, &[path], lane).map(|()| true),
    }
}

/// As [`think_again`], for all of these paths, whose triggers `trigger` says.
pub(super) fn think_of_all_again(
    connection: &Connection,
    all: &[(&ObjectKey, Known)],
    trigger: impl Fn(&ObjectKey) -> Trigger,
    limits: Limits,
) -> Result<(), StateError> {
    let mut queued: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (path, known) in all {
        if let Place::AtTheEnd(lane) = decide_anew(connection, path, known, trigger(path), limits)? {
            queued.entry(lane).or_default().push(*path);
        }
    }
    queued.into_iter().try_for_each(|(lane, paths)| append(connection, &paths, lane))
}

/// Whether it is a delete, whether it is large, and when what is to be done was told.
type Lane = (bool, bool, Option<i64>);

/// What becomes of a path's row.
enum Place {
    /// Nothing, or all that had to was done.
    Stays {
        /// Whether something is to be done now.
        to_do: bool,
    },
    /// It is due, and has no row (any more).
    AtTheEnd(Lane),
}

/// Brings a path's row into line with the decision, but for a new row.
fn decide_anew(connection: &Connection, path: &ObjectKey, known: &Known, trigger: Trigger, limits: Limits) -> Result<Place, StateError> {
    let Known { sides, standing: row, .. } = known;
    let large = is_large(sides);
    // A page that showed the key absent is newer than a look that showed it there: only a look answers it.
    let in_question = row.as_ref().is_some_and(|row| row.deletion) && !matches!(trigger, Trigger::Look { .. });
    match plan::decide(path, sides, limits) {
        // Whatever the verdict is, an effect without an outcome is to be brought to one first.
        Verdict::Nothing | Verdict::Skip(_) | Verdict::TooLarge if intents::is_open(connection, path)? => {
            queue(connection, path, known, (false, large), trigger)
        }
        Verdict::Nothing => {
            let found_gone = sides.observed.as_ref().is_some_and(|observed| observed.facts.is_none());
            let only_seen = row.is_some() && sides.applied.is_none() && matches!(trigger, Trigger::Look { .. });
            if found_gone && only_seen && identity::restored_at(connection)?.is_some() {
                // It was seen, nothing that was done about it came to an outcome, and it is gone: whether the sink has it from the time
                // that this state has forgotten, nobody knows.
                applied::unconfirm(connection, path)?;
                return queue(connection, path, known, (true, false), trigger);
            }
            if row.is_some() && (found_gone || !in_question) {
                remove(connection, path)?;
            }
            Ok(Place::Stays { to_do: false })
        }
        Verdict::Do(planned) if planned.effect == Effect::Delete => queue(connection, path, known, (true, false), trigger),
        Verdict::Do(_) | Verdict::Confirm(_) | Verdict::Look => queue(connection, path, known, (false, large), trigger),
        Verdict::Skip(_) | Verdict::TooLarge if in_question => Ok(Place::Stays { to_do: false }),
        Verdict::Skip(reason) => put_aside(connection, path, "skipped", reason.as_str()).map(|()| Place::Stays { to_do: false }),
        Verdict::TooLarge => put_aside(connection, path, "parked", SkipReason::TooLarge.as_str()).map(|()| Place::Stays { to_do: false }),
    }
}

/// As [`reconsider`], for a path of which nothing else is known than this look.
pub(super) fn consider_first(connection: &Connection, path: &ObjectKey, looked: Observed, limits: Limits) -> Result<bool, StateError> {
    let sides = Sides { observed: Some(looked), ..Sides::default() };
    match plan::decide(path, &sides, limits) {
        Verdict::Nothing => Ok(false),
        Verdict::Do(_) | Verdict::Confirm(_) | Verdict::Look => {
            append(connection, &[path], (false, is_large(&sides), None))?;
            Ok(true)
        }
        Verdict::Skip(reason) => put_aside(connection, path, "skipped", reason.as_str()).map(|()| false),
        Verdict::TooLarge => put_aside(connection, path, "parked", SkipReason::TooLarge.as_str()).map(|()| false),
    }
}

fn is_large(sides: &Sides) -> bool {
    let facts = sides.observed.as_ref().and_then(|observed| observed.facts.as_ref());
    facts.is_some_and(|facts| facts.size >= LARGE_BYTES)
}

/// What is there about a path already.
struct Standing {
    due: bool,
    held: bool,
    deletion: bool,
    told_at: Option<i64>,
}

fn standing(connection: &Connection, path: &ObjectKey) -> Result<Option<Standing>, StateError> {
    let mut statement = connection
        .prepare_cached("SELECT status = 'due', status = 'held', deletion, told_at FROM pending WHERE sink = ?1 AND path = ?2")?;
    Ok(statement.query_row(params![FILE_MANAGER, path.as_str()], |row| standing_from_row(row, 0)).optional()?)
}

fn standing_from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Standing> {
    Ok(Standing { due: row.get(first)?, held: row.get(first + 1)?, deletion: row.get(first + 2)?, told_at: row.get(first + 3)? })
}

/// Where a path with something to do belongs: at the end of the queue. What waits there already keeps its place (it may be in hand at
/// this moment: whoever has it thinks again when it is done), what failed before keeps its wait until a look shows something new, and
/// a delete that the guard holds is held whatever else says that the key is gone.
fn queue(
    connection: &Connection,
    path: &ObjectKey,
    known: &Known,
    (deletion, large): (bool, bool),
    trigger: Trigger,
) -> Result<Place, StateError> {
    let row = known.standing.as_ref();
    // In whole seconds: what is queued with the same values is queued together.
    let told_at = known.told_at.map(|at| at.as_second() * 1_000_000);
    let stays = row.is_some_and(|row| match trigger {
        _ if row.held && deletion => true,
        Trigger::Look { changed } => row.deletion == deletion && (row.due || !changed),
        Trigger::InHand => true,
        Trigger::Outcome => row.deletion && !deletion,
        Trigger::Settled => row.deletion == deletion,
    });
    if stays {
        if told_at.is_some() && row.is_some_and(|row| row.told_at.is_none()) {
            connection.prepare_cached("UPDATE OR FAIL pending SET told_at = ?3 WHERE sink = ?1 AND path = ?2")?.execute(params![
                FILE_MANAGER,
                path.as_str(),
                told_at
            ])?;
        }
        return Ok(Place::Stays { to_do: true });
    }
    // No `OR REPLACE` later: a row that it removes is seen by no trigger, and what waits would be counted wrong.
    if row.is_some() {
        remove(connection, path)?;
    }
    Ok(Place::AtTheEnd((deletion, large, row.and_then(|row| row.told_at).or(told_at))))
}

fn append(connection: &Connection, paths: &[&ObjectKey], (deletion, large, told_at): Lane) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "INSERT OR FAIL INTO pending (sink, path, status, deletion, large, told_at) SELECT ?1, value, 'due', ?3, ?4, ?5 FROM rarray(?2)",
    )?;
    statement.execute(params![FILE_MANAGER, texts(paths.iter().copied()), deletion, large, told_at])?;
    Ok(())
}

fn remove(connection: &Connection, path: &ObjectKey) -> Result<(), StateError> {
    connection.prepare_cached("DELETE FROM pending WHERE sink = ?1 AND path = ?2")?.execute(params![FILE_MANAGER, path.as_str()])?;
    Ok(())
}

fn put_aside(connection: &Connection, path: &ObjectKey, status: &str, reason: &str) -> Result<(), StateError> {
    let values = params![FILE_MANAGER, path.as_str(), status, reason];
    let mut update =
        connection.prepare_cached("UPDATE OR FAIL pending SET status = ?3, deletion = 0, reason = ?4 WHERE sink = ?1 AND path = ?2")?;
    if update.execute(values)? == 0 {
        let mut insert = connection
            .prepare_cached("INSERT OR FAIL INTO pending (sink, path, status, deletion, large, reason) VALUES (?1, ?2, ?3, 0, 1, ?4)")?;
        insert.execute(values)?;
    }
    Ok(())
}

/// Queues every key of a page's range that an older look or the sink knows and the page does not show.
/// In SQL alone: an emptied bucket's last page covers millions of them. (No upper bound is an empty blob, which is
/// greater than every text: a comparison with it still bounds the scan of the index.)
pub(super) fn queue_absent(connection: &Connection, page: &Page) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO pending (sink, path, status, deletion, large)
         SELECT ?1, path, 'due', 1, 0 FROM observed o
         WHERE path >= ?2 AND path < ifnull(?3, x'') AND look < ?4
           AND (present = 1 OR EXISTS (SELECT 1 FROM applied a WHERE a.sink = ?1 AND a.path = o.path))
         UNION ALL
         SELECT sink, path, 'due', 1, 0 FROM applied a
         WHERE sink = ?1 AND path >= ?2 AND path < ifnull(?3, x'')
           AND NOT EXISTS (SELECT 1 FROM observed o WHERE o.path = a.path)
         ON CONFLICT (sink, path) DO UPDATE SET deletion = 1, large = 0, status = iif(status = 'held', 'held', 'due')",
    )?;
    let (from, to) = page.range();
    let look = if mutant::is("absence_is_judged_by_an_older_look") { i64::MAX } else { integer(page.look.0) };
    statement.execute(params![FILE_MANAGER, from, to, look])?;
    Ok(())
}
