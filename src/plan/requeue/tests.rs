//! Tests of the change of a path's row: the table, and the rules that hold for all inputs.

use super::*;
use crate::record::{Applied, ETag, FileRecord, ObjectFacts, ObservationSeq};
use proptest::prelude::*;

const OBSERVED: Trigger = Trigger::Observed { changed: true };

fn key() -> ObjectKey {
    ObjectKey::new("a").expect("not empty")
}

fn facts(etag: &str, size: u64) -> ObjectFacts {
    ObjectFacts { size, etag: ETag::parse(etag), last_modified: None, storage_class: None, version_id: None }
}

/// The sides: the content that the sink holds and the newest observation, each an ETag; `None` = nothing.
fn sides(held: Option<&str>, shown: Option<&str>) -> PathState {
    let file = |etag| FileRecord { size: Some(3), etag: ETag::parse(etag), ..FileRecord::at(key()) };
    let applied = held.map(|etag| Applied { file: file(etag), confirmed: true });
    let facts = shown.map(|etag| facts(etag, 3));
    PathState { applied, observed: Some(Observed { facts, seq: ObservationSeq(1) }), ..PathState::default() }
}

fn due() -> PendingRow {
    PendingRow { status: RowStatus::Due, maybe_deleted: false, reported_at: None }
}

const CONTENT: QueuePosition = QueuePosition { deletion: false, large: false, reported_at: None };
const DELETE: QueuePosition = QueuePosition { deletion: true, large: false, reported_at: None };

#[test]
fn the_table() {
    let parked = PendingRow { status: RowStatus::Waiting, ..due() };
    let missing = PendingRow { status: RowStatus::ListedButMissing, ..due() };
    let missed = PendingRow { maybe_deleted: true, ..due() };
    let held = PendingRow { status: RowStatus::Held, maybe_deleted: true, ..due() };
    let (new, changed, gone, same) =
        (sides(None, Some("x")), sides(Some("x"), Some("y")), sides(Some("x"), None), sides(Some("x"), Some("x")));
    let nowhere = sides(None, None);
    let idle = Trigger::Observed { changed: false };
    for (name, sides, pending, trigger, expected) in [
        ("new", &new, None, OBSERVED, QueueChange::Append(CONTENT)),
        ("new, in its queue", &new, Some(due()), OBSERVED, QueueChange::Keep),
        ("it failed, and nothing changed", &changed, Some(parked), idle, QueueChange::Keep),
        ("it failed, and something changed", &changed, Some(parked), OBSERVED, QueueChange::Replace(CONTENT)),
        ("a lookup missed it, and it is listed again", &changed, Some(missing), idle, QueueChange::MakeDue),
        ("a lookup missed it, and it is listed otherwise", &changed, Some(missing), OBSERVED, QueueChange::Replace(CONTENT)),
        ("a lookup missed it, and a move of it ended", &changed, Some(missing), Trigger::MoveEnded, QueueChange::Keep),
        ("it failed, and its operation goes on", &changed, Some(parked), Trigger::InFlight, QueueChange::Keep),
        ("an outcome that an observation overtook", &changed, Some(due()), Trigger::OperationEnded, QueueChange::Replace(CONTENT)),
        ("gone", &gone, None, OBSERVED, QueueChange::Append(DELETE)),
        ("gone, and the guard holds it", &gone, Some(held), OBSERVED, QueueChange::Keep),
        ("back, while the guard held it", &same, Some(held), OBSERVED, QueueChange::Remove),
        ("there, while a listing missed it", &same, Some(missed), Trigger::OperationEnded, QueueChange::Keep),
        ("done", &same, Some(due()), Trigger::OperationEnded, QueueChange::Remove),
        ("nothing to do, and no row", &same, None, OBSERVED, QueueChange::Keep),
        ("gone before it was sent", &nowhere, Some(due()), OBSERVED, QueueChange::Remove),
        ("a move of it ended", &gone, Some(missed), Trigger::MoveEnded, QueueChange::Keep),
    ] {
        let view = PathView { path_state: sides.clone(), pending, ..PathView::default() };
        assert_eq!(decide_pending(&key(), &view, trigger, Policy::default()).change, expected, "{name}");
    }
}

#[test]
fn an_effect_without_an_outcome_keeps_its_path_pending() {
    let view = PathView { path_state: sides(Some("x"), Some("x")), open_intent: true, ..PathView::default() };
    assert_eq!(decide_pending(&key(), &view, OBSERVED, Policy::default()).change, QueueChange::Append(CONTENT));
}

#[test]
fn a_file_that_a_restored_state_observed_and_never_applied_is_deleted_with_its_object() {
    let view = PathView { path_state: sides(None, None), pending: Some(due()), state_restored: true, ..PathView::default() };
    let found = decide_pending(&key(), &view, OBSERVED, Policy::default());
    assert_eq!((found.unconfirm, found.change), (true, QueueChange::Replace(DELETE)));
}

#[test]
fn a_row_learns_once_when_its_event_was_received_in_whole_seconds() {
    let view = PathView { path_state: sides(None, Some("x")), pending: Some(due()), reported_at: Some(2_500_000), ..PathView::default() };
    assert_eq!(decide_pending(&key(), &view, OBSERVED, Policy::default()).change, QueueChange::SetReportedAt(2_000_000));
    let known = PathView { pending: Some(PendingRow { reported_at: Some(1), ..due() }), ..view };
    assert_eq!(decide_pending(&key(), &known, OBSERVED, Policy::default()).change, QueueChange::Keep);
}

#[test]
fn a_new_object_above_the_limit_is_skipped_and_a_known_one_is_parked() {
    let policy = Policy { max_file_bytes: Some(2), ..Policy::default() };
    let found =
        |held| decide_pending(&key(), &PathView { path_state: sides(held, Some("y")), ..PathView::default() }, OBSERVED, policy).change;
    assert_eq!(found(None), QueueChange::Skip(SkipReason::TooLarge));
    assert_eq!(found(Some("x")), QueueChange::Park(SkipReason::TooLarge));
    let first = decide_new(&key(), Observed { facts: Some(facts("y", 3)), seq: ObservationSeq(1) }, policy);
    assert_eq!((first.change, first.to_do), (QueueChange::Skip(SkipReason::TooLarge), false));
}

fn any_row() -> impl Strategy<Value = Option<PendingRow>> {
    let status = prop_oneof![Just(RowStatus::Due), Just(RowStatus::Held), Just(RowStatus::ListedButMissing), Just(RowStatus::Waiting)];
    let row = (status, any::<bool>(), proptest::option::of(0..9_i64));
    proptest::option::of(row.prop_map(|(status, maybe_deleted, reported_at)| {
        // The guard holds only deletes, and what is listed is none.
        let status = match status {
            RowStatus::Held if !maybe_deleted => RowStatus::Waiting,
            RowStatus::ListedButMissing if maybe_deleted => RowStatus::Waiting,
            status => status,
        };
        PendingRow { status, maybe_deleted, reported_at }
    }))
}

fn any_trigger() -> impl Strategy<Value = Trigger> {
    prop_oneof![
        any::<bool>().prop_map(|changed| Trigger::Observed { changed }),
        Just(Trigger::InFlight),
        Just(Trigger::OperationEnded),
        Just(Trigger::MoveEnded)
    ]
}

proptest! {
    #[test]
    fn a_path_has_a_pending_row_exactly_while_there_is_something_to_do_or_to_ask(
        held in proptest::option::of("[xy]"),
        shown in proptest::option::of("[xy]"),
        pending in any_row(),
        open_intent: bool,
        trigger in any_trigger(),
    ) {
        let sides = sides(held.as_deref(), shown.as_deref());
        let view = PathView { path_state: sides, pending, open_intent, ..PathView::default() };
        let found = decide_pending(&key(), &view, trigger, Policy::default());
        let something_to_do = decide(&key(), &view.path_state, Policy::default()) != Verdict::Nothing || open_intent;
        let in_question = pending.is_some_and(|row| row.maybe_deleted) && !matches!(trigger, Trigger::Observed { .. }) && shown.is_some();
        let has_row = match found.change {
            QueueChange::Keep => pending.is_some(),
            QueueChange::Remove => false,
            _ => true,
        };
        prop_assert_eq!(has_row, something_to_do || in_question, "{:?}", found);
        prop_assert_eq!(found.to_do, something_to_do);
        // A row can be replaced or removed only if there is one, and appended only if there is none.
        let needs_row = matches!(
            found.change,
            QueueChange::Replace(_) | QueueChange::Remove | QueueChange::SetReportedAt(_) | QueueChange::MakeDue
        );
        prop_assert!(!needs_row || pending.is_some());
        prop_assert!(!matches!(found.change, QueueChange::Append(_)) || pending.is_none());
    }

    #[test]
    fn a_held_delete_stays_held_until_the_object_is_there_again(
        trigger in any_trigger(),
        reported_at in proptest::option::of(0..9_i64),
    ) {
        let pending = Some(PendingRow { status: RowStatus::Held, maybe_deleted: true, ..due() });
        let view = PathView { path_state: sides(Some("x"), None), pending, reported_at, ..PathView::default() };
        let change = decide_pending(&key(), &view, trigger, Policy::default()).change;
        prop_assert!(matches!(change, QueueChange::Keep | QueueChange::SetReportedAt(_)), "{change:?}");
    }
}
