//! Removes the inbox rows that a replay has consumed and adds them to the history. Rows that failed too often become dead
//! letters.

use crate::mutant;
use crate::plan::fold::{TimedEvent, consumable_rows};
use crate::record::{Event, ObjectKey, Observation};
use crate::run::Replayed;
use crate::state::error::StateError;
use crate::state::tables::dead_letters::{self, Poisoned};
use crate::state::tables::history::{self, ConsumedEvent, EventDisposition, HistoryEvent, Moment, ObservedContent};
use crate::state::tables::inbox::{self, InboxRow};
use crate::state::tables::sources::SourceId;
use crate::state::transactions::spelling;
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// A row whose own paths failed this often becomes a dead letter, after 15 minutes at the earliest (see `inbox.rs`).
const MAX_FAILURES: u32 = 5;

/// A batch of the inbox with the lookups of its paths.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Oldest first.
    pub rows: Vec<InboxRow>,
    /// The results of the lookups.
    pub observations: Vec<Observation>,
    /// The paths whose lookup failed, and why.
    pub failed: BTreeMap<ObjectKey, String>,
    /// The paths of earlier rows that stay in the inbox: a row that shares a path with them stays, too.
    pub locked: BTreeSet<ObjectKey>,
}

/// The rows that a batch consumes.
#[derive(Default)]
pub(crate) struct ConsumedRows {
    /// The events that they mean, each with the spelling of its keys that it concerns.
    pub(crate) timed_events: Vec<TimedEvent>,
    /// The time of receipt of the first event that names each path.
    pub(crate) first_received: BTreeMap<ObjectKey, Timestamp>,
    /// The paths that the remaining rows may concern.
    pub(crate) unsettled: BTreeSet<ObjectKey>,
}

/// Removes the consumed rows from the inbox, and makes dead letters of those that failed too often: what those report is applied,
/// too. If the transaction is repeated, the rows that it has consumed are gone: they are not consumed again.
pub(crate) fn take_rows(
    connection: &Connection,
    (source, moment): (SourceId, Moment),
    replay: &Replay,
    replayed: &mut Replayed,
) -> Result<ConsumedRows, StateError> {
    let observations: BTreeMap<_, _> =
        replay.observations.iter().map(|observation| (&observation.path, ObservedContent::from(observation.facts.as_ref()))).collect();
    let waiting = inbox::waiting(connection, &replay.rows)?;
    let rows: Vec<_> = replay.rows.iter().filter(|row| waiting.contains(&row.seq)).collect();
    let results = replay.observations.iter().map(|Observation { path, facts, .. }| (path, Some(facts.is_some())));
    let lookups: BTreeMap<_, _> = replay.failed.keys().map(|path| (path, None)).chain(results).collect();
    let paths: Vec<_> = rows.iter().map(|row| (row.seq, spelling::concerned(&row.event, &lookups))).collect();
    let failed = if mutant::is("a_row_is_used_up_after_a_failed_look") {
        BTreeSet::new()
    } else {
        replay.failed.keys().chain(&replay.locked).cloned().collect()
    };
    let used = consumable_rows(&paths, &failed);
    let concerned = rows.iter().zip(&paths).map(|(row, (_, paths))| (&row.event, &paths[..]));
    let facts = spelling::facts_of_spellings(connection, source, &lookups, concerned)?;
    let (mut consumed, mut gone) = (ConsumedRows::default(), Vec::new());
    for (row, (_, paths)) in rows.into_iter().zip(&paths) {
        let mut dead_lettered = None;
        if !used.contains(&row.seq) {
            let why = paths.iter().find_map(|path| replay.failed.get(*path));
            // Only an earlier row blocks this one: that is no failure of its own.
            let failures = if why.is_some() { inbox::count_failure(connection, row.seq, moment.at)? } else { row.failures };
            if failures < MAX_FAILURES {
                replayed.kept_rows += 1;
                replayed.locked.extend(paths.iter().copied().cloned());
                consumed.unsettled.extend(paths.iter().copied().cloned());
                continue;
            }
            let message = why.cloned().unwrap_or_default();
            dead_lettered = Some(message.clone());
            let letter = Poisoned { reason: "look_failed".to_owned(), message, raw: Vec::new() };
            dead_letters::add(connection, (row.source, row.received_at), &letter, Some(&row.event))?;
            replayed.dead_lettered += 1;
        }
        gone.push(row.seq);
        let events = spelling::resolve(&row.event, paths, &facts);
        if let Some(event) = events.first() {
            record_consumed(connection, moment, (row, event), became(event, &observations, dead_lettered))?;
        }
        *replayed.events.entry(row.event.kind.as_str()).or_default() += 1;
        for event in events {
            for path in event.paths() {
                let first = consumed.first_received.entry(path.clone()).or_insert(row.received_at);
                *first = row.received_at.min(*first);
            }
            consumed.timed_events.push(TimedEvent::new(event, row.received_at, row.newest_observation));
        }
    }
    inbox::remove(connection, &gone)?;
    if replayed.dead_lettered > 0 {
        dead_letters::make_room(connection)?;
    }
    Ok(consumed)
}

/// What happened to a consumed event, for the history.
fn became(event: &Event, observations: &BTreeMap<&ObjectKey, ObservedContent>, dead_lettered: Option<String>) -> EventDisposition {
    let shown = |path| observations.get(path).cloned().unwrap_or(ObservedContent::Nothing);
    match dead_lettered {
        Some(message) => EventDisposition::DeadLetter { message },
        None => EventDisposition::LookedAt { path: shown(&event.path), new_path: event.new_path.as_ref().map(shown) },
    }
}

fn record_consumed(
    connection: &Connection,
    moment: Moment,
    (row, event): (&InboxRow, &Event),
    became: EventDisposition,
) -> Result<(), StateError> {
    let InboxRow { source, received_at, .. } = row;
    let consumed = ConsumedEvent {
        source: *source,
        kind: event.kind,
        told_at: event.time,
        received_at: *received_at,
        permissions: event.permissions.clone(),
        became,
    };
    history::append(connection, (moment, None), (&event.path, event.new_path.as_ref()), &HistoryEvent::Event(consumed))
}
