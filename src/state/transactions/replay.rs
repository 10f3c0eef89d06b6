//! The transaction of a replay: stores what events reported and what lookups found, and consumes the inbox rows. `plan::fold`
//! decides what the events mean, `plan` the work that follows.

use crate::mutant;
use crate::plan::fold::{FoldedBatch, Lineage, TimedEvent, WaitingHints, fold};
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
use crate::state::tables::{applied, lineage, observed, permissions, restore_mark, sides};
use crate::state::transactions::consume::{self, ConsumedRows, Replay};
use crate::state::transactions::move_facts::MoveFacts;
use crate::state::transactions::{moves, outdate, requeue};
use jiff::Timestamp;
use rusqlite::{Connection, params};
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
            if !nowhere.contains(path) {
                continue;
            }
            // After a restore, the plan may have added an unconfirmed row for the path.
            let is_doubted = view.state_restored && applied::read(connection, *sink, path)?.is_some();
            if is_doubted || !is_nowhere(&view.path_state) {
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
    let mut changed = Vec::new();
    for (path, now) in now {
        let before = before.get(path);
        if before.is_some_and(|before| before == now) {
            continue;
        }
        if mutant::is("permissions_told_before_the_object_are_dropped") && is_nowhere_at_all(connection, sinks, path)? {
            continue;
        }
        permissions::write(connection, source, path, now)?;
        changed.push((path, before.map(EventPermissions::wanted).unwrap_or_default(), now.wanted()));
    }
    sinks.iter().filter(|_| !changed.is_empty()).try_for_each(|sink| applied::mark_asked_unconfirmed(connection, *sink, &changed))
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
    // Only events with permissions or a target change permissions. For most events the stored permissions need not be read.
    let reports = timed_events.iter().filter(|timed| timed.event.new_path.is_some() || !timed.event.permissions.is_empty());
    let targets = waiting.lineages.iter().flat_map(|lineage| lineage.keys());
    let reported: BTreeSet<_> = reports.flat_map(|timed| timed.event.paths()).chain(targets).cloned().collect();
    waiting.reported = permissions::read_all(connection, source, reported)?;
    let permissions = timed_events.iter().filter(|timed| !timed.event.permissions.is_empty());
    load_gone(connection, source, permissions.flat_map(|timed| timed.event.paths()).collect(), &mut waiting)?;
    Ok(waiting)
}

/// Loads the reported time of the delete of each path, and the observation that found it gone.
fn load_gone(connection: &Connection, source: SourceId, paths: BTreeSet<&ObjectKey>, waiting: &mut WaitingHints) -> Result<(), StateError> {
    if paths.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(
        "SELECT o.path, o.gone_told_at, o.gone_look FROM rarray(?2) k CROSS JOIN observed o ON o.source = ?1 AND o.path = k.value
         WHERE o.gone_told_at IS NOT NULL OR o.gone_look IS NOT NULL",
    )?;
    let mut rows = statement.query(params![source, codec::texts(paths.into_iter())])?;
    while let Some(row) = rows.next()? {
        let path = lineage::key(row.get(0)?)?;
        let (reported_at, seq): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
        waiting.delete_reported_at.extend(reported_at.and_then(codec::time).map(|gone| (path.clone(), gone)));
        waiting.found_gone_by.extend(seq.map(|seq| (path, ObservationSeq(seq.unsigned_abs()))));
    }
    Ok(())
}

/// A tombstone keeps its reported time. A path that exists again has none.
fn keep_times_of_the_gone(
    connection: &Connection,
    (source, sinks): (SourceId, &[RegisteredSink]),
    hints: &FoldedBatch,
) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "UPDATE observed SET gone_told_at = max(ifnull(gone_told_at, ?3), ?3), gone_by_event = 1
         WHERE source = ?1 AND path = ?2 AND present = 0",
    )?;
    let mut tombstones = Vec::new();
    for (path, at) in &hints.gone {
        if statement.execute(params![source, path.as_str(), Timestamp::as_microsecond(*at)])? > 0 {
            tombstones.push(path);
        }
    }
    for sink in sinks.iter().filter(|_| !tombstones.is_empty()) {
        let views = sides::views(connection, *sink, tombstones.iter().copied())?;
        for (path, view) in tombstones.iter().zip(views) {
            if view.path_state.applied.is_none() && !view.open_intent {
                outdate::gone(connection, *sink, path, false)?;
            }
        }
    }
    Ok(())
}

/// A refuted move hint is removed, and each of its paths is planned by itself.
fn drop_obsolete_moves(connection: &Connection, sink: RegisteredSink, lineage: &Lineage) -> Result<(), StateError> {
    let looked_up = || lineage.iter().filter(|(_, move_origin)| move_origin.failed_lookups == 0);
    let mut facts = MoveFacts::read(connection, sink, looked_up())?;
    for (target, move_origin) in looked_up() {
        let known = facts.of(target, move_origin);
        if known.intent.is_none() && decide_move(&known.moving, sink.policy) == MoveVerdict::NotAMove {
            lineage::remove(connection, sink, target)?;
            facts.drop_hint(target);
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
