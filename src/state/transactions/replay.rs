//! The transaction of a replay: stores what events reported and what lookups found, and consumes the inbox rows. `plan::fold`
//! decides what the events mean, `plan` the work that follows.

use crate::mutant;
use crate::plan::fold::{Hints, Lineage, TimedEvent, WaitingHints, fold};
use crate::plan::requeue::Trigger;
use crate::plan::{MoveVerdict, decide_move};
use crate::record::Observation;
use crate::record::{EventKind, EventPermissions, ObjectKey, ObservationSeq, Observed, PathState};
use crate::run::Replayed;
use crate::state::database::codec;
use crate::state::error::StateError;
use crate::state::handle::SourceState;
use crate::state::tables::history::Moment;
use crate::state::tables::sinks::{self, RegisteredSink};
use crate::state::tables::sources::SourceId;
use crate::state::tables::{applied, intents, lineage, observed, permissions, restore_mark, sides};
use crate::state::transactions::consume::{self, ConsumedRows, Replay};
use crate::state::transactions::{moves, outdate, requeue};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::{BTreeMap, BTreeSet};

impl SourceState {
    /// Stores the results of a batch in one transaction.
    pub async fn replay(&self, replay: Replay) -> Result<Replayed, StateError> {
        let at = (self.state.source, self.state.moment());
        self.state.store(move |connection| store(connection, at, &replay)).await
    }
}

fn store(connection: &Connection, (source, moment): (SourceId, Moment), replay: &Replay) -> Result<Replayed, StateError> {
    let mut replayed = Replayed::default();
    let sinks = sinks::all(connection, source)?;
    let ConsumedRows { timed_events, first_received, unsettled } = consume::take_rows(connection, (source, moment), replay, &mut replayed)?;
    sinks.iter().try_for_each(|sink| mark_forgotten_unconfirmed(connection, *sink, &timed_events))?;
    // Leaves out the paths of rows that stay in the inbox: half of a rename alone would look like a new file. A spelling that no event
    // means gets no row.
    let is_meant = |path: &ObjectKey| first_received.contains_key(path) && !unsettled.contains(path);
    let observations: Vec<_> = replay.observations.iter().filter(|observation| is_meant(&observation.path)).collect();
    for Observation { path, facts, seq } in &observations {
        let gone = |timed: &TimedEvent| timed.event.kind == EventKind::Delete && timed.event.path == *path;
        let believed = mutant::is("a_delete_event_is_believed") && timed_events.iter().any(gone);
        observed::write(connection, source, path, &Observed { facts: facts.clone().filter(|_| !believed), seq: *seq })?;
    }
    let observed_paths: BTreeSet<_> = observations.iter().map(|observation| &observation.path).collect();
    let mut waiting = load(connection, (source, &sinks), &timed_events)?;
    let (lineages_before, reported_before) = (waiting.lineages.clone(), waiting.reported.clone());
    let hints = fold(&mut waiting, timed_events);
    store_reported(connection, (source, &sinks), &reported_before, &waiting.reported)?;
    for ((sink, before), lineage) in sinks.iter().zip(&lineages_before).zip(&mut waiting.lineages) {
        store_lineage(connection, *sink, (before, lineage), |path| (replay.failed.contains_key(path), observed_paths.contains(path)))?;
    }
    keep_times_of_the_gone(connection, (source, &sinks), &hints)?;
    let mut nowhere: BTreeSet<_> = hints.touched.iter().collect();
    for ((sink, before), lineage) in sinks.iter().zip(&lineages_before).zip(&waiting.lineages) {
        drop_obsolete_moves(connection, *sink, lineage)?;
        let named = before.iter().chain(lineage).flat_map(|(target, move_origin)| [target, &move_origin.origin]);
        let paths: BTreeSet<_> = named.chain(&hints.touched).collect();
        let mut views = sides::views(connection, *sink, paths.iter().copied())?;
        for (path, view) in paths.iter().zip(&mut views) {
            view.reported_at = first_received.get(*path).map(|at| at.as_microsecond());
        }
        // An event named the path: earlier failures are retried at once.
        let trigger =
            |path: &ObjectKey| if observed_paths.contains(path) { Trigger::Observed { changed: true } } else { Trigger::InFlight };
        let all: Vec<_> = paths.iter().copied().zip(&views).collect();
        requeue::requeue_all(connection, *sink, &all, trigger)?;
        for (path, view) in all {
            // After a restore, the plan may have added an unconfirmed row for the path.
            if nowhere.contains(path) && !(is_nowhere(&view.path_state) && applied::read(connection, *sink, path)?.is_none()) {
                nowhere.remove(path);
            }
        }
    }
    replayed.not_in_bucket = nowhere.len() as u64;
    replayed.not_in_bucket_example = nowhere.first().map(|path| (*path).clone());
    Ok(replayed)
}

/// Stores the permissions that a batch changed. If an event sets a field, the sink's own answer about that field no longer
/// confirms the row.
fn store_reported(
    connection: &Connection,
    (source, sinks): (SourceId, &[RegisteredSink]),
    before: &BTreeMap<ObjectKey, EventPermissions>,
    now: &BTreeMap<ObjectKey, EventPermissions>,
) -> Result<(), StateError> {
    for (path, now) in now {
        let before = before.get(path);
        if before.is_some_and(|before| before == now) {
            continue;
        }
        if mutant::is("permissions_told_before_the_object_are_dropped") && is_nowhere_at_all(connection, sinks, path)? {
            continue;
        }
        permissions::write(connection, source, path, now)?;
        for sink in sinks {
            applied::mark_asked_unconfirmed(connection, *sink, path, before.unwrap_or(&EventPermissions::default()), now)?;
        }
    }
    Ok(())
}

/// Stores the move hints for one sink. `seen` returns for a path whether its lookup failed, and whether it was looked up.
fn store_lineage(
    connection: &Connection,
    sink: RegisteredSink,
    (before, lineage): (&Lineage, &mut Lineage),
    seen: impl Fn(&ObjectKey) -> (bool, bool),
) -> Result<(), StateError> {
    before.keys().try_for_each(|target| lineage::remove(connection, sink, target))?;
    for (target, move_origin) in lineage {
        // The rename of an event that becomes a dead letter is kept: a later lookup decides whether it is true.
        let (at_target, at_origin) = (seen(target), seen(&move_origin.origin));
        let failed = at_target.0 || at_origin.0;
        let both_observed = at_target.1 && at_origin.1;
        move_origin.failed_lookups =
            if failed { move_origin.failed_lookups.max(1) } else { move_origin.failed_lookups * u32::from(!both_observed) };
        if mutant::is("waiting_lineage_is_dropped") && before.contains_key(target) {
            continue;
        }
        lineage::write(connection, sink, target, move_origin)?;
    }
    Ok(())
}

/// A restored state lacks the sink calls made after its backup: a path with an event but without a row becomes unconfirmed.
fn mark_forgotten_unconfirmed(connection: &Connection, sink: RegisteredSink, timed_events: &[TimedEvent]) -> Result<(), StateError> {
    let Some(restored_at) = restore_mark::restored_at(connection)? else { return Ok(()) };
    for path in timed_events.iter().flat_map(|timed| timed.event.paths()) {
        let observed_since = observed::read(connection, sink.source, path)?.is_some_and(|observed| observed.seq > restored_at);
        if !observed_since && applied::read(connection, sink, path)?.is_none() {
            applied::unconfirm(connection, sink, path)?;
        }
    }
    Ok(())
}

/// Reads the stored rows that the batch may change.
fn load(
    connection: &Connection,
    (source, sinks): (SourceId, &[RegisteredSink]),
    timed_events: &[TimedEvent],
) -> Result<WaitingHints, StateError> {
    let paths = || timed_events.iter().flat_map(|timed| timed.event.paths());
    let mut waiting = WaitingHints::default();
    for sink in sinks {
        waiting.lineages.push(lineage::concerning(connection, *sink, paths())?);
    }
    for target in waiting.lineages.iter().flat_map(|lineage| lineage.keys().cloned()).collect::<Vec<_>>() {
        load_reported(connection, source, &target, &mut waiting)?;
    }
    for (timed, path) in timed_events.iter().flat_map(|timed| timed.event.paths().map(move |path| (timed, path))) {
        // Only events with permissions or a target change permissions. For most events the stored permissions need not be read.
        if timed.event.new_path.is_some() || !timed.event.permissions.is_empty() {
            load_reported(connection, source, path, &mut waiting)?;
        }
        if timed.event.permissions.is_empty() {
            continue;
        }
        let mut statement = connection.prepare_cached("SELECT gone_told_at, gone_look FROM observed WHERE source = ?1 AND path = ?2")?;
        let gone: Option<(Option<i64>, Option<i64>)> =
            statement.query_row(params![source, path.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (reported_at, seq) = gone.unwrap_or_default();
        waiting.gone_until.extend(reported_at.and_then(codec::time).map(|gone| (path.clone(), gone)));
        waiting.gone_at.extend(seq.map(|seq| (path.clone(), ObservationSeq(seq.unsigned_abs()))));
    }
    Ok(waiting)
}

fn load_reported(connection: &Connection, source: SourceId, path: &ObjectKey, waiting: &mut WaitingHints) -> Result<(), StateError> {
    if !waiting.reported.contains_key(path) {
        waiting.reported.insert(path.clone(), permissions::read(connection, source, path)?);
    }
    Ok(())
}

/// A tombstone keeps its reported time. A path that exists again has none.
fn keep_times_of_the_gone(
    connection: &Connection,
    (source, sinks): (SourceId, &[RegisteredSink]),
    hints: &Hints,
) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "UPDATE observed SET gone_told_at = max(ifnull(gone_told_at, ?3), ?3), gone_by_event = 1
         WHERE source = ?1 AND path = ?2 AND present = 0",
    )?;
    for (path, at) in &hints.gone {
        statement.execute(params![source, path.as_str(), Timestamp::as_microsecond(*at)])?;
        if observed::read(connection, source, path)?.is_none_or(|observed| observed.facts.is_some()) {
            continue;
        }
        for sink in sinks {
            if applied::read(connection, *sink, path)?.is_none() && !intents::is_open(connection, *sink, path)? {
                outdate::gone(connection, *sink, path, false)?;
            }
        }
    }
    Ok(())
}

/// A refuted move hint is removed, and each of its paths is planned by itself.
fn drop_obsolete_moves(connection: &Connection, sink: RegisteredSink, lineage: &Lineage) -> Result<(), StateError> {
    for (target, move_origin) in lineage.iter().filter(|(_, move_origin)| move_origin.failed_lookups == 0) {
        let known = moves::read_move(connection, sink, target.clone(), move_origin.clone())?;
        if known.intent.is_none() && decide_move(&known.moving, sink.policy) == MoveVerdict::NotAMove {
            lineage::remove(connection, sink, target)?;
            moves::forget_reported_if_gone(connection, sink, &move_origin.origin, Some(move_origin))?;
        }
    }
    Ok(())
}

fn is_nowhere(sides: &PathState) -> bool {
    sides.applied.is_none() && sides.observed.as_ref().is_some_and(|observed| observed.facts.is_none())
}

/// As [`is_nowhere`], for every sink.
fn is_nowhere_at_all(connection: &Connection, sinks: &[RegisteredSink], path: &ObjectKey) -> Result<bool, StateError> {
    for sink in sinks {
        if !is_nowhere(&sides::sides(connection, *sink, path)?) {
            return Ok(false);
        }
    }
    Ok(true)
}
