//! Tests of the fold, in short notation: `a>b` is a rename, `-a` a delete, `+a` a create, `a=rw` permissions. Each event is a second later.

use super::*;
use crate::record::Permissions;

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a moment")
}

fn mode(value: &str) -> Permissions {
    Permissions { permissions: Some(value.to_owned()), ..Permissions::default() }
}

fn event(text: &str) -> Event {
    let bare = |kind, path: &str| Event::new(kind, key(path));
    if let Some((from, to)) = text.split_once('>') {
        return Event { new_path: Some(key(to)), ..bare(EventKind::Rename, from) };
    }
    if let Some((path, value)) = text.split_once('=') {
        return Event { permissions: mode(value), ..bare(EventKind::ChangePermission, path) };
    }
    match text.split_at(1) {
        ("-", path) => bare(EventKind::Delete, path),
        (_, path) => bare(EventKind::Create, path),
    }
}

/// Folds these events, each one second after the one before it; the first has the time `second`.
fn fold_events(waiting: &mut WaitingHints, second: i64, events: &str) -> FoldedBatch {
    let batch = (second..).zip(events.split_whitespace()).map(|(second, text)| TimedEvent {
        event: event(text),
        at: at(second),
        seq: ObservationSeq(9),
    });
    fold(waiting, batch.collect())
}

/// No waiting hints, for one sink.
fn one_sink() -> WaitingHints {
    WaitingHints { lineages: vec![Lineage::new()], ..WaitingHints::default() }
}

fn lineage(waiting: &WaitingHints) -> String {
    waiting.lineages[0].iter().map(|(path, move_origin)| format!("{}>{path}", move_origin.origin)).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_chain_of_renames_folds_into_one() {
    for (events, expected) in [
        ("a>b", "a>b"),
        ("a>b b>c", "a>c"),
        ("a>b b>a", ""),
        ("a>b b>c c>a", ""),
        ("b>c a>b", "a>b b>c"),
        ("a>t b>a t>b", "b>a a>b"),
        ("a>b +a a>c", "a>b"),
        ("a>b c>b", "c>b"),
        ("+x -x +x", ""),
    ] {
        let mut waiting = one_sink();
        fold_events(&mut waiting, 0, events);
        assert_eq!(lineage(&waiting), expected, "{events}");
        // The same with one event per batch.
        let mut waiting = one_sink();
        for (second, event) in (0..).zip(events.split_whitespace()) {
            fold_events(&mut waiting, second, event);
        }
        assert_eq!(lineage(&waiting), expected, "{events}, one by one");
    }
}

#[test]
fn every_path_that_an_event_names_is_touched_once() {
    let hints = fold_events(&mut one_sink(), 0, "+x -x +x a>b b=rw");
    assert_eq!(hints.touched, ["a", "b", "x"].map(key).into());
    assert_eq!(hints.gone, [(key("x"), at(1)), (key("a"), at(3))].into());
}

#[test]
fn permissions_follow_a_renamed_file() {
    for (events, path, expected) in [
        ("a=rw", "a", Some("rw")),
        ("a=rw a>b", "b", Some("rw")),
        ("a=rw a>b b>c", "c", Some("rw")),
        ("a>b a=rw", "b", None),
        ("a=r a=rw", "a", Some("rw")),
        ("b=old a=rw a>b", "b", Some("rw")),
        ("a=rw a>b b=r", "b", Some("r")),
    ] {
        let mut waiting = one_sink();
        fold_events(&mut waiting, 0, events);
        let permissions = waiting.reported.get(&key(path)).map(EventPermissions::wanted).unwrap_or_default();
        assert_eq!(permissions.permissions.as_deref(), expected, "{events}: {path}");
    }
}

#[test]
fn permissions_that_are_reported_late_follow_the_renamed_file() {
    let mut waiting = one_sink();
    fold_events(&mut waiting, 5, "a>b");
    let hints = fold_events(&mut waiting, 4, "a=rw");
    assert_eq!(waiting.reported[&key("b")].wanted(), mode("rw"));
    assert!(hints.touched.contains(&key("b")));
    fold_events(&mut waiting, 6, "a=r");
    assert_eq!(waiting.reported[&key("b")].wanted(), mode("rw"), "that is another file under the old name");
}

#[test]
fn permissions_of_a_deleted_file_are_not_used_again() {
    let mut waiting = WaitingHints { delete_reported_at: [(key("a"), at(5))].into(), ..one_sink() };
    fold_events(&mut waiting, 5, "a=rw");
    assert!(!waiting.reported.contains_key(&key("a")));
    fold_events(&mut waiting, 6, "a=rw");
    assert_eq!(waiting.reported[&key("a")].wanted(), mode("rw"));
}

#[test]
fn permissions_received_before_a_file_was_found_gone_are_ignored() {
    for (found_gone_by, kept) in [(9, true), (10, false)] {
        let mut waiting = WaitingHints { found_gone_by: [(key("a"), ObservationSeq(found_gone_by))].into(), ..one_sink() };
        fold_events(&mut waiting, 5, "a=rw");
        assert_eq!(waiting.reported.contains_key(&key("a")), kept, "received at observation 9, found gone by observation {found_gone_by}");
    }
}

#[test]
fn events_count_for_their_own_time_and_the_future_for_now() {
    let time_of = |time| TimedEvent::new(Event { time, ..event("+a") }, at(10), ObservationSeq(9)).at;
    assert_eq!((time_of(Some(at(3))), time_of(None), time_of(Some(at(11)))), (at(3), at(10), at(10)));
}

#[test]
fn rows_that_share_a_path_stay_together() {
    let (a, b, c, d) = (key("a"), key("b"), key("c"), key("d"));
    let rows = [(1, vec![&a, &b]), (2, vec![&c]), (3, vec![&d, &a]), (4, vec![&d])];
    assert_eq!(consumable_rows(&rows, &BTreeSet::new()), [1, 2, 3, 4].into());
    assert_eq!(consumable_rows(&rows, &[key("b")].into()), [2].into());
    assert_eq!(consumable_rows(&rows, &[key("c")].into()), [1, 3, 4].into());
}

/// One sink has applied a move and removed its hint, another one has not. For the first, a later rename starts at the move's
/// target.
#[test]
fn each_sink_has_its_own_move_hints_and_all_sinks_share_the_permissions() {
    let mut waiting = one_sink();
    fold_events(&mut waiting, 0, "a>b");
    waiting.lineages.push(Lineage::new());
    fold_events(&mut waiting, 1, "b>c");
    let ways =
        waiting.lineages.iter().map(|lineage| lineage.iter().map(|(path, move_origin)| format!("{}>{path}", move_origin.origin)).collect());
    assert_eq!(ways.collect::<Vec<Vec<_>>>(), [["a>c"], ["b>c"]]);
}
