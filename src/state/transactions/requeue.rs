//! Pending: the paths with something to do, derived from the two sides whenever one of them changes.
//!
//! **Invariant:** a path has a row here exactly while `plan::decide` finds something to do about it, an intent of it is
//! open, or a page showed it absent and no look has answered yet.

use crate::plan::{self, Effect, Limits, SkipReason, Verdict};
use crate::record::{ObjectKey, Observed, Sides};
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::history::{self, Attempts, Moment, Outcome};
use crate::state::tables::pending::{self, Failure, Queue};
use crate::state::tables::sides::{Known, known, standing};
use crate::state::tables::sinks::FILE_MANAGER;
use crate::state::tables::{applied, intents, restore_mark};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

/// From this size on an object goes the way of the large ones.
const LARGE_BYTES: u64 = 8 << 20;

/// What made us think about a path again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
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

    /// Whether anything is due.
    pub async fn is_anything_due(&self) -> Result<bool, StateError> {
        self.writer.call(pending::any_due).await
    }
}

fn park(connection: &Connection, moment: Moment, path: &ObjectKey, attempts: Attempts, next_attempt: Timestamp) -> Result<(), StateError> {
    let Failure { reason, message } = attempts.failed.clone().unwrap_or_default();
    let mut statement = connection.prepare_cached("SELECT attempts > 0 AND reason IS ?3 FROM pending WHERE sink = ?1 AND path = ?2")?;
    let Some(again) = statement.query_row(params![FILE_MANAGER, path.as_str(), reason], |row| row.get(0)).optional()? else {
        return Ok(());
    };
    let mut statement = connection.prepare_cached(
        "UPDATE OR FAIL pending SET status = iif(status = 'held', 'held', 'parked'), attempts = attempts + 1, next_attempt = ?3, reason = ?4, message = ?5
         WHERE sink = ?1 AND path = ?2",
    )?;
    statement.execute(params![FILE_MANAGER, path.as_str(), next_attempt.as_microsecond(), reason, message])?;
    // One that fails for the same reason over the years has one row of history; how often, its own row says.
    if again { Ok(()) } else { history::operation(connection, moment, path, attempts, Outcome::Failed { next_attempt }) }
}

/// Reads what is known again and decides anew.
pub(crate) fn think_again(connection: &Connection, path: &ObjectKey, trigger: Trigger, limits: Limits) -> Result<(), StateError> {
    bring_into_line(connection, path, &known(connection, path)?, trigger, limits).map(drop)
}

/// As [`think_again`], for whoever knows both sides; says whether something is to be done now.
pub(crate) fn reconsider(
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
        Place::AtTheEnd(lane) => pending::append(connection, &[path], lane).map(|()| true),
    }
}

/// As [`think_again`], for all of these paths, whose triggers `trigger` says.
pub(crate) fn think_of_all_again(
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
    queued.into_iter().try_for_each(|(lane, paths)| pending::append(connection, &paths, lane))
}

/// What becomes of a path's row.
enum Place {
    /// All that had to be done with it was; whether something is to be done about the path now.
    Stays { to_do: bool },
    /// It is due, and has no row (any more).
    AtTheEnd(Queue),
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
            if found_gone && only_seen && !path.is_directory_marker(0) && restore_mark::restored_at(connection)?.is_some() {
                // It was seen, was not brought to an outcome since, and is gone: whether the sink has it from the time that this state
                // has forgotten, nobody knows. (Nor whether it is a new one: in a restored state each of them costs a call.)
                applied::unconfirm(connection, path)?;
                return queue(connection, path, known, (true, false), trigger);
            }
            if row.is_some() && (found_gone || !in_question) {
                pending::remove(connection, path)?;
            }
            Ok(Place::Stays { to_do: false })
        }
        Verdict::Do(planned) if planned.effect == Effect::Delete => queue(connection, path, known, (true, false), trigger),
        Verdict::Do(_) | Verdict::Confirm(_) | Verdict::Look => queue(connection, path, known, (false, large), trigger),
        Verdict::Skip(_) | Verdict::TooLarge if in_question => Ok(Place::Stays { to_do: false }),
        Verdict::Skip(reason) => pending::put_aside(connection, path, "skipped", reason.as_str()).map(|()| Place::Stays { to_do: false }),
        Verdict::TooLarge => {
            pending::put_aside(connection, path, "parked", SkipReason::TooLarge.as_str()).map(|()| Place::Stays { to_do: false })
        }
    }
}

/// As [`reconsider`], for a path of which nothing else is known than this look.
pub(crate) fn consider_first(connection: &Connection, path: &ObjectKey, looked: Observed, limits: Limits) -> Result<bool, StateError> {
    let sides = Sides { observed: Some(looked), ..Sides::default() };
    match plan::decide(path, &sides, limits) {
        Verdict::Nothing => Ok(false),
        Verdict::Do(_) | Verdict::Confirm(_) | Verdict::Look => {
            pending::append(connection, &[path], (false, is_large(&sides), None))?;
            Ok(true)
        }
        Verdict::Skip(reason) => pending::put_aside(connection, path, "skipped", reason.as_str()).map(|()| false),
        Verdict::TooLarge => pending::put_aside(connection, path, "parked", SkipReason::TooLarge.as_str()).map(|()| false),
    }
}

fn is_large(sides: &Sides) -> bool {
    let facts = sides.observed.as_ref().and_then(|observed| observed.facts.as_ref());
    facts.is_some_and(|facts| facts.size >= LARGE_BYTES)
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
        pending::remove(connection, path)?;
    }
    Ok(Place::AtTheEnd((deletion, large, row.and_then(|row| row.told_at).or(told_at))))
}
