//! The transaction of a replay: what was told and what the looks found, stored together with the inbox rows that they used up.
//! What the events mean is decided by `plan::fold`, what is to be done about it by `plan`.

use crate::mutant;
use crate::plan::fold::{Heard, Hints, Waiting, fold, used_up};
use crate::plan::{Limits, MoveVerdict, decide_move};
use crate::record::LookedAt;
use crate::record::{EventKind, Look, ObjectKey, Observed, Sides, Told};
use crate::run::Replayed;
use crate::state::database::codec;
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::dead_letters::{self, Poisoned};
use crate::state::tables::history::{self, Became, Moment, Shown, UsedUp, What};
use crate::state::tables::inbox::{self, InboxRow};
use crate::state::tables::{applied, intents, lineage, observed, permissions, restore_mark, sides};
use crate::state::transactions::moves;
use crate::state::transactions::requeue::{self, Trigger};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::{BTreeMap, BTreeSet};

/// A row whose replay failed as often by itself becomes a dead letter: after a quarter of an hour at the earliest (see `inbox.rs`).
const FAILURES_MOST: u32 = 5;

/// A batch of the inbox, and the looks at the paths that it touched.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Oldest first.
    pub rows: Vec<InboxRow>,
    /// What the looks found.
    pub looks: Vec<LookedAt>,
    /// The paths that could not be looked at, and why.
    pub failed: BTreeMap<ObjectKey, String>,
    /// The paths of rows that stayed in the batches before: rows that share a path stay together.
    pub locked: BTreeSet<ObjectKey>,
}

impl State {
    /// The newest look that was taken so far.
    pub fn newest_look(&self) -> Look {
        Look(self.looks.load(std::sync::atomic::Ordering::Relaxed))
    }

    /// Stores all that came of a batch, in one transaction.
    pub async fn replay(&self, replay: Replay) -> Result<Replayed, StateError> {
        let (limits, moment) = (self.limits, self.moment());
        self.writer.call(move |connection| store(connection, moment, &replay, limits)).await
    }
}

fn store(connection: &Connection, moment: Moment, replay: &Replay, limits: Limits) -> Result<Replayed, StateError> {
    let mut replayed = Replayed::default();
    let (heard, unsettled) = take_rows(connection, moment, replay, &mut replayed)?;
    doubt_what_was_forgotten(connection, &heard)?;
    // What a row touched that stays is not known yet: half of a rename alone would be a new file.
    let looks = || replay.looks.iter().filter(|looked| !unsettled.contains(&looked.path));
    for LookedAt { path, facts, look } in looks() {
        let gone = |heard: &Heard| heard.event.kind == EventKind::Delete && heard.event.path == *path;
        let believed = mutant::is("a_delete_event_is_believed") && heard.iter().any(gone);
        observed::write(connection, path, &Observed { facts: facts.clone().filter(|_| !believed), look: *look })?;
    }
    looks().map(|looked| looked.look).max().map_or(Ok(()), |newest| observed::raise_high_water(connection, newest))?;
    let mut waiting = load(connection, &heard)?;
    let (before, told_before): (Vec<_>, _) = (waiting.lineage.keys().cloned().collect(), waiting.told.clone());
    let mut paths: BTreeSet<_> = before.iter().cloned().chain(waiting.lineage.values().map(|came| came.origin.clone())).collect();
    let hints = fold(&mut waiting, heard);
    for (path, now) in &waiting.told {
        let before = told_before.get(path);
        if before.is_some_and(|before| before == now) {
            continue;
        }
        if mutant::is("permissions_told_before_the_object_are_dropped") && is_nowhere(&sides::sides(connection, path)?) {
            continue;
        }
        permissions::write(connection, path, now)?;
        applied::doubt_what_was_asked(connection, path, before.unwrap_or(&Told::default()), now)?;
    }
    before.iter().try_for_each(|target| lineage::remove(connection, target))?;
    let looked: BTreeSet<_> = looks().map(|looked| &looked.path).collect();
    for (target, came) in &mut waiting.lineage {
        // Of a row that is buried, what it told is heard: whether it is so, a later look says.
        let both = [target, &came.origin];
        let failed = both.iter().any(|path| replay.failed.contains_key(path));
        let seen = both.iter().all(|path| looked.contains(path));
        came.unseen = if failed { came.unseen.max(1) } else { came.unseen * u32::from(!seen) };
        if mutant::is("waiting_lineage_is_dropped") && before.contains(target) {
            continue;
        }
        lineage::write(connection, target, came)?;
        paths.extend([target.clone(), came.origin.clone()]);
    }
    keep_times_of_the_gone(connection, &hints)?;
    drop_moot(connection, &waiting)?;
    paths.extend(hints.touched.iter().cloned());
    // Somebody spoke of the path: what failed before is tried again at once.
    let trigger = |path: &ObjectKey| if looked.contains(path) { Trigger::Look { changed: true } } else { Trigger::InHand };
    let received = first_received(&replay.rows);
    let mut known: Vec<_> = paths.iter().zip(sides::all_known(connection, paths.iter())?).collect();
    for (path, known) in &mut known {
        known.told_at = received.get(path).copied();
    }
    requeue::think_of_all_again(connection, &known, trigger, limits)?;
    for (path, _) in known.iter().filter(|(path, known)| hints.touched.contains(path) && is_nowhere(&known.sides)) {
        // A restored state may have come to doubt it.
        if applied::read(connection, path)?.is_none() {
            replayed.not_in_bucket += 1;
            replayed.not_in_bucket_example.get_or_insert_with(|| (*path).clone());
        }
    }
    Ok(replayed)
}

/// Takes the rows that are used up out of the inbox, and buries those that failed too often: what they tell is heard all the same.
/// Says, too, which paths the rows name that stay.
fn take_rows(
    connection: &Connection,
    moment: Moment,
    replay: &Replay,
    replayed: &mut Replayed,
) -> Result<(Vec<Heard>, BTreeSet<ObjectKey>), StateError> {
    let looks: BTreeMap<_, _> = replay.looks.iter().map(|looked| (&looked.path, Shown::from(looked.facts.as_ref()))).collect();
    let paths: Vec<_> = replay.rows.iter().map(|row| (row.seq, row.event.paths().cloned().collect())).collect();
    let failed = if mutant::is("a_row_is_used_up_after_a_failed_look") {
        BTreeSet::new()
    } else {
        replay.failed.keys().chain(&replay.locked).cloned().collect()
    };
    let used = used_up(&paths, &failed);
    let (mut heard, mut gone, mut unsettled) = (Vec::new(), Vec::new(), BTreeSet::new());
    for row in &replay.rows {
        let mut buried = None;
        if !used.contains(&row.seq) {
            let why = row.event.paths().find_map(|path| replay.failed.get(path));
            // It is kept back by another row only: that is no failure of its own.
            let failures = if why.is_some() { inbox::count_failure(connection, row.seq, moment.at)? } else { row.failures };
            if failures < FAILURES_MOST {
                replayed.stayed += 1;
                replayed.locked.extend(row.event.paths().cloned());
                unsettled.extend(row.event.paths().cloned());
                continue;
            }
            let message = why.cloned().unwrap_or_default();
            buried = Some(message.clone());
            let letter = Poisoned { reason: "look_failed".to_owned(), message, raw: Vec::new() };
            dead_letters::add(connection, (row.source, row.received_at), &letter, Some(&row.event))?;
            replayed.buried += 1;
        }
        gone.push(row.seq);
        tell(connection, moment, row, became(row, &looks, buried))?;
        *replayed.events.entry(row.event.kind.as_str()).or_default() += 1;
        heard.push(Heard::new(row.event.clone(), row.received_at, row.received_at_look));
    }
    inbox::remove(connection, &gone)?;
    if replayed.buried > 0 {
        dead_letters::make_room(connection)?;
    }
    Ok((heard, unsettled))
}

/// When the first event was received that names each path.
fn first_received(rows: &[InboxRow]) -> BTreeMap<&ObjectKey, Timestamp> {
    let mut received = BTreeMap::new();
    for (path, at) in rows.iter().flat_map(|row| row.event.paths().map(|path| (path, row.received_at))) {
        received.entry(path).and_modify(|first: &mut Timestamp| *first = at.min(*first)).or_insert(at);
    }
    received
}

/// What became of an event that was used up.
fn became(row: &InboxRow, looks: &BTreeMap<&ObjectKey, Shown>, buried: Option<String>) -> Became {
    let shown = |path| looks.get(path).cloned().unwrap_or(Shown::Nothing);
    match buried {
        Some(message) => Became::DeadLetter { message },
        None => Became::LookedAt { path: shown(&row.event.path), new_path: row.event.new_path.as_ref().map(shown) },
    }
}

fn tell(connection: &Connection, moment: Moment, row: &InboxRow, became: Became) -> Result<(), StateError> {
    let InboxRow { source, received_at, event, .. } = row;
    let used_up = UsedUp {
        source: *source,
        kind: event.kind,
        told_at: event.time,
        received_at: *received_at,
        permissions: event.permissions.clone(),
        became,
    };
    history::append(connection, moment, (&event.path, event.new_path.as_ref()), &What::Event(used_up))
}

/// What the sink was sent after the backup that was put back, this state does not know: the first event on a path of which it
/// has no row is one on a path in doubt.
fn doubt_what_was_forgotten(connection: &Connection, heard: &[Heard]) -> Result<(), StateError> {
    let Some(restored_at) = restore_mark::restored_at(connection)? else { return Ok(()) };
    for path in heard.iter().flat_map(|heard| heard.event.paths()) {
        let looked_since = observed::read(connection, path)?.is_some_and(|observed| observed.look > restored_at);
        if !looked_since && applied::read(connection, path)?.is_none() {
            applied::unconfirm(connection, path)?;
        }
    }
    Ok(())
}

/// What waits and may concern a batch.
fn load(connection: &Connection, heard: &[Heard]) -> Result<Waiting, StateError> {
    let lineage = lineage::concerning(connection, heard.iter().flat_map(|heard| heard.event.paths()))?;
    let mut waiting = Waiting { lineage, ..Waiting::default() };
    for target in waiting.lineage.keys().cloned().collect::<Vec<_>>() {
        load_told(connection, &target, &mut waiting)?;
    }
    for (heard, path) in heard.iter().flat_map(|heard| heard.event.paths().map(move |path| (heard, path))) {
        // Nobody else's told permissions can change: those of most events need not be read.
        if heard.event.new_path.is_some() || !heard.event.permissions.is_empty() {
            load_told(connection, path, &mut waiting)?;
        }
        if heard.event.permissions.is_empty() {
            continue;
        }
        let mut statement = connection.prepare_cached("SELECT gone_told_at, gone_look FROM observed WHERE path = ?1")?;
        let gone: Option<(Option<i64>, Option<i64>)> =
            statement.query_row([path.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (told_at, look) = gone.unwrap_or_default();
        waiting.gone_until.extend(told_at.and_then(codec::time).map(|gone| (path.clone(), gone)));
        waiting.gone_at.extend(look.map(|look| (path.clone(), Look(look.unsigned_abs()))));
    }
    Ok(waiting)
}

fn load_told(connection: &Connection, path: &ObjectKey, waiting: &mut Waiting) -> Result<(), StateError> {
    if !waiting.told.contains_key(path) {
        waiting.told.insert(path.clone(), permissions::read(connection, path)?);
    }
    Ok(())
}

/// A tombstone keeps the time that was told for it. (A path that is there after all has no such time.)
fn keep_times_of_the_gone(connection: &Connection, hints: &Hints) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "UPDATE observed SET gone_told_at = max(ifnull(gone_told_at, ?2), ?2), gone_by_event = 1 WHERE path = ?1 AND present = 0",
    )?;
    for (path, at) in &hints.gone {
        statement.execute(params![path.as_str(), Timestamp::as_microsecond(*at)])?;
        let nothing_left = applied::read(connection, path)?.is_none() && !intents::is_open(connection, path)?;
        let gone = observed::read(connection, path)?.is_some_and(|observed| observed.facts.is_none());
        if nothing_left && gone {
            permissions::forget_gone(connection, path, false)?;
        }
    }
    Ok(())
}

/// What is no move never was one: each path is decided by itself.
fn drop_moot(connection: &Connection, waiting: &Waiting) -> Result<(), StateError> {
    for (target, came) in waiting.lineage.iter().filter(|(_, came)| came.unseen == 0) {
        let known = moves::read_move(connection, target.clone(), came.clone())?;
        if known.intent.is_none() && decide_move(&known.moving) == MoveVerdict::Moot {
            lineage::remove(connection, target)?;
            moves::forget_told_if_gone(connection, &came.origin, Some(came))?;
        }
    }
    Ok(())
}

fn is_nowhere(sides: &Sides) -> bool {
    sides.applied.is_none() && sides.observed.as_ref().is_some_and(|observed| observed.facts.is_none())
}
