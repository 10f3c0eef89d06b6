//! Histories that violated an invariant, as the model shrank them: one for each bug, with a description.

use super::machine::play;
use super::op::{ApiTrouble, Change, Condition, Fate, History, ModelEvent, Op, Publication, S3Trouble, Second, Setup, Trouble, WrittenAs};
use super::runner;
use s3_sync::plan::{PermissionSupport, Renames};
use s3_sync::state::RunKind;

const PLAIN: Setup = Setup {
    seed: 0,
    page_keys: 1000,
    concurrency: 1,
    attempts: 1,
    max_delete: 100,
    prefix: "",
    honours_if_match: true,
    lists_in_order: true,
    written_keys: WrittenAs::Certain,
    cursor: false,
    second: None,
};

const CYCLE: Op = Op::Run(RunKind::Incremental, None);
const RECONCILE: Op = Op::Run(RunKind::Reconcile, None);

fn published(what: ModelEvent) -> Op {
    Op::Publish(Publication { what, ago: Some(0), notified: false })
}

/// Plays the history; returns each path's file id at the end.
fn holds(ops: &[Op]) -> Vec<(String, u64)> {
    holds_under(PLAIN, ops)
}

fn holds_under(setup: Setup, ops: &[Op]) -> Vec<(String, u64)> {
    let played = play(&History { setup, ops: ops.to_vec() }, runner::directory().path());
    assert!(played.violations.is_empty(), "{}", played.trace.join("\n"));
    played.ids.into_iter().collect()
}

/// The HEAD of a rename's origin failed, that of its target succeeded: the target was created as a new file in the same cycle,
/// and when the event was consumed there was no rename left.
#[test]
fn half_of_a_rename_is_not_applied() {
    let ids = holds(&[
        Op::Change(Change::Put(0, 1)),
        published(ModelEvent::Create(0)),
        CYCLE,
        Op::Change(Change::Rename(0, 1)),
        published(ModelEvent::Rename(0, 1)),
        Op::At(0, Trouble::S3(S3Trouble::Server)),
        CYCLE,
        CYCLE,
    ]);
    assert_eq!(ids, [("a b+c".to_owned(), 1)], "the identity is kept");
}

/// A file created after the backup was renamed after the restore, and an event reported it. The state had no row for it and
/// ignored the event, so the old name stayed in the file manager for ever.
#[test]
fn a_restored_state_follows_an_event_of_a_file_that_it_does_not_know() {
    let ids = holds(&[
        RECONCILE,
        Op::Change(Change::Put(4, 3)),
        Op::Backup,
        RECONCILE,
        Op::Restore,
        Op::Change(Change::Rename(4, 0)),
        published(ModelEvent::Rename(4, 0)),
        CYCLE,
    ]);
    assert_eq!(ids.len(), 1, "{ids:?}");
}

/// The guard held two deletes. The next cycle was allowed to send them, received no new event, and ended at once.
#[test]
fn a_cycle_sends_allowed_deletes_though_it_received_no_new_event() {
    let setup = Setup { max_delete: 1, ..PLAIN };
    let ops = [
        Op::Change(Change::Put(5, 0)),
        published(ModelEvent::Create(5)),
        Op::Change(Change::Put(4, 2)),
        published(ModelEvent::Create(4)),
        CYCLE,
        Op::Change(Change::Delete(4)),
        published(ModelEvent::Delete(4)),
        Op::Change(Change::Delete(5)),
        published(ModelEvent::Delete(5)),
        CYCLE,
        Op::Run(RunKind::Incremental, Some(2)),
    ];
    let played = play(&History { setup, ops: ops.to_vec() }, runner::directory().path());
    assert!(played.violations.is_empty(), "{}", played.trace.join("\n"));
    assert!(played.ids.is_empty(), "{:?}", played.ids);
}

/// The objects behind the deletes that an empty listing had held were back. Because of that earlier hold, a later
/// `--allow-deletes` made the guard stricter than without it.
#[test]
fn allow_deletes_never_sends_fewer_deletes_than_a_run_without_it() {
    let files = [0, 1]
        .map(|key| [Op::Change(Change::Put(key, 1 + u8::try_from(key).expect("small"))), published(ModelEvent::Create(key))])
        .concat();
    let gone = [0, 1].map(|key| Op::Change(Change::Delete(key)));
    let ops = [&files[..], &[CYCLE], &gone, &[RECONCILE], &files, &[CYCLE], &gone, &[0, 1].map(|key| published(ModelEvent::Delete(key)))]
        .concat();
    assert!(holds(&[&ops[..], &[Op::Run(RunKind::Incremental, Some(1))]].concat()).is_empty());
}

/// A bug of the reference, not of the product: because of a reported rename whose target did not exist, it did not pair the gone
/// file with the new one.
#[test]
fn an_event_of_a_rename_that_never_happened_keeps_no_file_from_its_new_name() {
    let ids = holds_under(
        Setup { max_delete: 0, ..PLAIN },
        &[
            Op::Change(Change::Put(5, 3)),
            RECONCILE,
            Op::Change(Change::Rename(5, 2)),
            published(ModelEvent::Delete(5)),
            published(ModelEvent::Rename(2, 4)),
            CYCLE,
        ],
    );
    assert_eq!(ids, [("d/a".to_owned(), 1)], "the file under its new name");
}

/// After a restore, a listing showed a file that the file manager held from before the restore, and the process was killed before
/// it called the file manager. Then the object was deleted. The state had no row for it, so the file stayed in the file manager
/// for ever.
#[test]
fn a_file_that_a_restored_state_observed_and_never_applied_is_deleted_with_its_object() {
    for point in 0..40 {
        let ids = holds(&[
            Op::Backup,
            Op::Change(Change::Put(5, 3)),
            RECONCILE,
            Op::Restore,
            Op::At(point, Trouble::Crash),
            RECONCILE,
            Op::Change(Change::Rename(5, 4)),
            Op::Publish(Publication { what: ModelEvent::Delete(5), ago: Some(0), notified: true }),
        ]);
        assert_eq!(ids.len(), 1, "a crash at {point}: {ids:?}");
    }
}

/// Permissions were set for a path whose file never arrived. Another file was moved there later, and the state recorded for it
/// the permissions that the file manager had returned for its origin.
#[test]
fn permissions_answered_for_one_path_are_not_recorded_for_another() {
    let ids = holds_under(
        Setup { page_keys: 2, attempts: 2, ..PLAIN },
        &[
            published(ModelEvent::Permissions(5, 2)),
            Op::Change(Change::Put(5, 2)),
            Op::Change(Change::Rename(5, 2)),
            published(ModelEvent::Rename(5, 2)),
            Op::At(61, Trouble::Api(ApiTrouble::Timeout)),
            Op::At(36, Trouble::S3(S3Trouble::WrongByte)),
            CYCLE,
            Op::Change(Change::Rename(2, 0)),
            Op::Change(Change::Put(1, 2)),
            published(ModelEvent::Create(1)),
            Op::Run(RunKind::Reconcile, Some(1)),
            Op::Change(Change::Rename(1, 5)),
            Op::Change(Change::Put(2, 2)),
            published(ModelEvent::Create(2)),
        ],
    );
    assert_eq!(ids.len(), 3, "{ids:?}");
}

/// A bug of the judge: a delete that the operator had allowed had no outcome, and the next run, which may send none, repeated it.
/// The same delete was counted twice.
#[test]
fn a_delete_without_an_outcome_passed_the_guard_of_an_earlier_run() {
    let ids = holds_under(
        Setup { max_delete: 0, ..PLAIN },
        &[
            Op::Change(Change::Put(0, 0)),
            Op::Run(RunKind::Reconcile, Some(100)),
            Op::Change(Change::Delete(0)),
            published(ModelEvent::Delete(0)),
            Op::At(10, Trouble::Api(ApiTrouble::Reset)),
            Op::Run(RunKind::Incremental, Some(100)),
            Op::Wait { minutes: 30 },
            CYCLE,
        ],
    );
    assert_eq!(ids, []);
}

/// A listing without files had a delete held. The file's content came back under another name, and other content under its own,
/// without an event. The move's own HEAD finds that. (The reference had not looked it up.)
#[test]
fn an_object_that_a_move_finds_at_its_origin_is_sent_as_well() {
    let ids = holds_under(
        Setup { page_keys: 3, attempts: 3, ..PLAIN },
        &[
            Op::Change(Change::Put(0, 4)),
            published(ModelEvent::Create(0)),
            Op::Run(RunKind::Incremental, Some(1)),
            Op::Change(Change::Delete(0)),
            RECONCILE,
            Op::Change(Change::Put(3, 4)),
            published(ModelEvent::Create(3)),
            Op::Change(Change::Put(0, 1)),
        ],
    );
    assert_eq!(ids, [("a".to_owned(), 2), ("d/b".to_owned(), 1)]);
}

/// A bug of the judge: a delete that the operator allowed was decided, and the process was killed before it could send it. The
/// next run sends it.
#[test]
fn a_delete_that_passed_the_guard_of_a_run_that_was_killed_is_sent_by_the_next() {
    let setup = Setup { page_keys: 3, attempts: 3, max_delete: 0, ..PLAIN };
    let ops = [
        Op::Change(Change::Put(0, 1)),
        Op::At(39, Trouble::Crash),
        Op::At(34, Trouble::Change(Change::Delete(0))),
        Op::Run(RunKind::Initial, Some(100)),
        CYCLE,
        Op::At(55, Trouble::Crash),
        Op::Run(RunKind::Incremental, Some(1)),
        Op::Run(RunKind::Initial, None),
    ];
    holds_under(setup, &ops);
}

/// One sink's guard had judged its deletes. While they were being sent, another sink found more keys gone. Those became due in
/// the first sink, too, and were sent without a judgement.
#[test]
fn a_delete_found_by_another_sink_is_judged_by_the_guard() {
    let second = Some(Second { permissions: PermissionSupport::SetAndAsk, renames: Renames::None, connections: 2 });
    holds_under(
        Setup { attempts: 3, max_delete: 1, second, ..PLAIN },
        &[
            Op::Change(Change::Put(0, 3)),
            published(ModelEvent::Create(0)),
            Op::Change(Change::Put(4, 4)),
            published(ModelEvent::Create(4)),
            Op::Sink(1, Fate::Turns(Condition::Hanging)),
            CYCLE,
            Op::Change(Change::Rename(0, 2)),
            Op::Change(Change::Delete(4)),
            published(ModelEvent::Permissions(4, 1)),
            Op::Wait { minutes: 1 },
            CYCLE,
        ],
    );
}

/// A sink without permissions was asked for those of a new file. The state then recorded them for the file, also under its later
/// name.
#[test]
fn the_state_records_no_permissions_for_a_sink_without_them() {
    let second = Some(Second { permissions: PermissionSupport::None, renames: Renames::Any, connections: 1 });
    holds_under(
        Setup { second, ..PLAIN },
        &[
            published(ModelEvent::Permissions(0, 0)),
            Op::Change(Change::Put(0, 4)),
            Op::Run(RunKind::Incremental, Some(100)),
            Op::Change(Change::Rename(0, 5)),
        ],
    );
}

/// A sink hung, and the run ended while operations waited for it. Their claims on paths outlived the run, and the next run waited
/// for ever for operations that no longer existed.
#[test]
fn an_operation_that_was_cut_off_claims_its_path_no_longer() {
    let second = Some(Second { permissions: PermissionSupport::None, renames: Renames::SameDirectory, connections: 2 });
    holds_under(
        Setup { concurrency: 4, attempts: 3, max_delete: 2, honours_if_match: false, cursor: true, second, ..PLAIN },
        &[
            Op::Publish(Publication { what: ModelEvent::Permissions(0, 0), ago: Some(10), notified: false }),
            Op::Change(Change::Put(0, 4)),
            Op::Sink(1, Fate::Turns(Condition::Hanging)),
            Op::Change(Change::Put(1, 3)),
            published(ModelEvent::Create(1)),
            CYCLE,
        ],
    );
}

/// The judge's mistake: what a sink kept that was started over is unknown to the state after a restore, too.
#[test]
fn what_a_sink_that_was_started_over_kept_may_be_sent_again_after_a_restore() {
    let before = [Op::Change(Change::Put(2, 4)), published(ModelEvent::Create(2)), CYCLE, Op::Sink(0, Fate::New), CYCLE, Op::Backup];
    holds(&[&before[..], &[RECONCILE, Op::Restore]].concat());
}
