//! Properties of the fold that hold for any events: how they are split into batches and in which order they arrive changes nothing that
//! their times decide, and a file that moved is found again.

use super::*;
use crate::record::Permissions;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::VecDeque;

/// One of the three permissions.
type Field = fn(&Permissions) -> &Option<String>;

const PATHS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a moment")
}

fn path() -> impl Strategy<Value = ObjectKey> {
    select(&PATHS[..]).prop_map(key)
}

fn permissions() -> impl Strategy<Value = Permissions> {
    let value = || option::of(select(&["1", "2", "3"][..]).prop_map(str::to_owned));
    (value(), value(), value()).prop_map(|(permissions, owner, group)| Permissions { permissions, owner, group })
}

/// An event of one of a few moments, so that some have equal times.
fn timed(renames: bool) -> impl Strategy<Value = TimedEvent> {
    use EventKind::{ChangePermission, Create, Delete, Rename, Touch};
    let kinds = if renames { vec![Create, Delete, Rename, Rename, ChangePermission, Touch] } else { vec![Create, ChangePermission, Touch] };
    (select(kinds), path(), path(), permissions(), 0..6_i64).prop_map(|(kind, path, other, permissions, second)| {
        let new_path = (kind == Rename && other != path).then_some(other);
        let event = Event { new_path, permissions, ..Event::new(kind, path) };
        TimedEvent { event, at: at(second), seq: ObservationSeq(1) }
    })
}

/// Folds batches one after another, for two sinks. Their hints together are those of all events.
fn fold_all(batches: impl IntoIterator<Item = Vec<TimedEvent>>) -> (WaitingHints, FoldedBatch) {
    let mut waiting = WaitingHints { lineages: vec![Lineage::new(), Lineage::new()], ..WaitingHints::default() };
    let mut all = FoldedBatch::default();
    for batch in batches {
        let hints = fold(&mut waiting, batch);
        all.touched.extend(hints.touched);
        for (path, since) in hints.gone {
            all.note_gone(&path, since);
        }
    }
    (waiting, all)
}

fn split(events: &[TimedEvent], lengths: &[usize]) -> Vec<Vec<TimedEvent>> {
    let (mut batches, mut left) = (Vec::new(), events);
    for length in lengths {
        let (batch, rest) = left.split_at((*length).min(left.len()));
        batches.push(batch.to_vec());
        left = rest;
    }
    batches.push(left.to_vec());
    batches
}

/// Objects of a bucket and the path at which each was at the beginning; `None` = it was made since.
#[derive(Default)]
struct Bucket(BTreeMap<ObjectKey, Option<ObjectKey>>);

impl Bucket {
    /// What happens, if it can happen: a file goes to a path that is free, one is made where none is, one is deleted.
    fn take(&mut self, event: &Event) -> bool {
        let is_there = self.0.contains_key(&event.path);
        match (&event.new_path, event.kind) {
            (Some(target), _) if is_there && !self.0.contains_key(target) => {
                let file = self.0.remove(&event.path).expect("it is there");
                self.0.insert(target.clone(), file);
                true
            }
            (None, EventKind::Delete) => self.0.remove(&event.path).is_some(),
            (None, EventKind::Create) if !is_there => self.0.insert(event.path.clone(), None).is_none(),
            _ => false,
        }
    }
}

proptest! {
    #[test]
    fn batches_in_the_order_of_time_come_to_what_one_batch_comes_to(
        mut events in vec(timed(true), 0..24),
        lengths in vec(0..8_usize, 0..6),
    ) {
        let whole = fold_all([events.clone()]);
        events.sort_by_key(|timed| timed.at);
        prop_assert_eq!(fold_all(split(&events, &lengths)), whole);
    }

    #[test]
    fn within_a_batch_the_order_of_arrival_decides_between_equal_times_only(
        (events, order) in vec(timed(true), 0..24).prop_flat_map(|events| {
            let order = Just((0..events.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(events), order)
        }),
    ) {
        let whole = fold_all([events.clone()]);
        let mut shuffled: Vec<_> = order.into_iter().collect();
        // Events of equal times keep their order: each place of a time takes the next event of that time.
        let mut by_time: BTreeMap<Timestamp, VecDeque<TimedEvent>> = BTreeMap::new();
        for event in &events {
            by_time.entry(event.at).or_default().push_back(event.clone());
        }
        let arrived: Vec<_> =
            shuffled.drain(..).map(|place| by_time.get_mut(&events[place].at).and_then(VecDeque::pop_front).expect("one is left")).collect();
        prop_assert_eq!(fold_all([arrived]), whole);
    }

    #[test]
    fn of_permissions_the_latest_report_wins_and_of_equal_times_the_later_arrival_in_whatever_batches_they_come(
        events in vec(timed(false), 0..24),
        lengths in vec(0..8_usize, 0..6),
    ) {
        let (waiting, _) = fold_all(split(&events, &lengths));
        for path in PATHS.map(key) {
            let wanted = waiting.reported.get(&path).map(EventPermissions::wanted).unwrap_or_default();
            for field in [(|all| &all.permissions) as Field, |all| &all.owner, |all| &all.group] {
                let reports = events.iter().filter(|timed| timed.event.path == path && field(&timed.event.permissions).is_some());
                // Of equal ones `max_by_key` takes the last.
                let latest = reports.max_by_key(|timed| timed.at).and_then(|timed| field(&timed.event.permissions).clone());
                prop_assert_eq!(field(&wanted), &latest);
            }
        }
    }

    #[test]
    fn every_path_that_an_event_names_is_looked_up_and_no_file_goes_to_two_paths(events in vec(timed(true), 0..24)) {
        let (waiting, hints) = fold_all([events.clone()]);
        for named in events.iter().flat_map(|timed| timed.event.paths()) {
            prop_assert!(hints.touched.contains(named), "{} is not looked up", named);
        }
        for lineage in &waiting.lineages {
            let origins: BTreeSet<_> = lineage.values().map(|move_origin| &move_origin.origin).collect();
            prop_assert_eq!(origins.len(), lineage.len());
            prop_assert!(lineage.iter().all(|(target, move_origin)| *target != move_origin.origin));
        }
    }

    /// What can happen in a bucket, event by event: a file that is not where it was has a hint that says where it was.
    #[test]
    fn a_file_that_moved_is_found_again(events in vec(timed(true), 0..40), lengths in vec(0..8_usize, 0..6)) {
        let mut bucket = Bucket(["a", "b", "c"].map(|path| (key(path), Some(key(path)))).into());
        let happened = (0..).zip(events.into_iter().filter(|timed| bucket.take(&timed.event)));
        let happened: Vec<_> = happened.map(|(second, timed)| TimedEvent { at: at(second), ..timed }).collect();
        let (waiting, hints) = fold_all(split(&happened, &lengths));
        for (path, origin) in bucket.0.iter().filter_map(|(path, origin)| Some((path, origin.as_ref()?))) {
            for lineage in &waiting.lineages {
                prop_assert_eq!(lineage.get(path).map_or(path, |move_origin| &move_origin.origin), origin, "the file at {}", path);
            }
            prop_assert!(path == origin || hints.touched.contains(path));
        }
    }
}
