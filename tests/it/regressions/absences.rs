//! Bugs about keys that a listing does not show: deletes, their evidence, their guard.

use super::stops::stopped_when;
use crate::workflow::scene::{BUCKET, files, in_memory, key, over_http};
use mock_api::FaultAction;
use mock_s3::Matcher;
use s3_sync::plan::MaxDelete;
use s3_sync::record::SinkName;
use s3_sync::s3::{Call, Fault, S3ErrorKind};
use s3_sync::state::{OperatorAnswer, RunOutcome, SinkSide, StateError, Views};
use serde_json::json;
use std::time::Duration;

/// Every deleted key was looked up again after its delete, and was also reported as a skipped object.
#[tokio::test]
async fn a_deleted_key_is_looked_up_once_and_is_not_skipped() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.put(key("b"), "b");
    scene.run_to_success().await;
    bucket.remove(&key("b"));
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.delete, ended.report.skipped.len()), (1, 0), "{}", ended.report);
    assert_eq!(bucket.calls().heads, 1);
}

/// A large object that disappeared before it was read was in no lane any more: it stayed due for ever and was never observed.
#[tokio::test]
async fn a_large_object_that_vanished_is_missed() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", "a", None);
    server.server().put_generated(BUCKET, "large", 8 << 20, 1);
    server.server().order(Matcher::operation("GetObject").key("large").times(1), mock_s3::Fault::Remove);
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.pending.due, ended.report.skipped["listed_but_missing"]), (0, 1), "{}", ended.report);
}

/// A file that had become too large and was then deleted stayed in the file manager: skipping it removed the evidence of its
/// absence.
#[tokio::test]
async fn a_file_that_grew_too_large_and_was_deleted_is_deleted() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.policy.max_file_bytes = Some(10);
    bucket.put(key("a"), "a");
    bucket.put(key("b"), "b");
    scene.run_to_success().await;
    bucket.put(key("a"), "more than ten bytes");
    let grown = scene.run().await;
    assert_eq!(grown.report.failures[0].reason, "too_large", "{}", grown.report);
    bucket.remove(&key("a"));
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("b", "b")]));
}

/// The guard counted files that the same run had created, so many new files allowed the delete of all old ones.
#[tokio::test]
async fn the_files_that_a_run_creates_do_not_raise_its_limit() {
    let (bucket, scene) = in_memory().await;
    (0..30).for_each(|number| bucket.put(key(&format!("old {number}")), "o"));
    scene.run_to_success().await;
    for number in 0..40 {
        bucket.remove(&key(&format!("old {number}")));
        bucket.put(key(&format!("new {number}")), "n");
    }
    let ended = scene.run().await;
    assert!(ended.deletes_held, "{}", ended.report);
    assert_eq!(scene.contents().len(), 70);
}

/// In a bucket that grew fast, deletes were held: the guard of a cycle counted only the files from before it.
#[tokio::test]
async fn the_guard_measures_deletes_of_events_against_the_files_at_that_time() {
    let (bucket, scene) = in_memory().await;
    (0..20).for_each(|number| bucket.put(key(&format!("early {number}")), "e"));
    scene.run_to_success().await;
    let mut events = Vec::new();
    for number in 0..15 {
        bucket.remove(&key(&format!("early {number}")));
        events.push(json!({ "event_type": "delete", "file_path": format!("/early {number}") }));
    }
    for number in 0..30 {
        bucket.put(key(&format!("late {number}")), "l");
        events.push(json!({ "event_type": "create", "file_path": format!("/late {number}") }));
    }
    scene.api.api().set_feed(events);
    let ended = scene.cycle_to_success().await;
    assert_eq!((ended.report.operations.delete, scene.contents().len()), (15, 35), "{}", ended.report);
}

/// While the guard held deletes, every snapshot contained a file that had never been sent and was gone as a new one, with no work
/// for it.
#[tokio::test]
async fn an_object_deleted_before_it_was_sent_is_in_no_snapshot() {
    let (bucket, scene) = in_memory().await;
    (0..30).for_each(|number| bucket.put(key(&format!("held {number}")), "h"));
    scene.run_to_success().await;
    bucket.put(key("late"), "l");
    scene.order(FaultAction::status(400), "create", "late");
    assert_eq!(scene.run().await.report.failures.len(), 1);
    (0..30).for_each(|number| assert!(bucket.remove(&key(&format!("held {number}")))));
    bucket.remove(&key("late"));
    assert!(scene.run().await.deletes_held);
    let mut known = Vec::new();
    let visited =
        Views::open(&scene.program.database).snapshot_rows((&SinkName::file_manager(), SinkSide::Known), |row| -> Result<(), StateError> {
            known.push(key(row.file_path));
            Ok(())
        });
    visited.expect("a state that can be read");
    assert!(known.len() == 30 && !known.contains(&key("late")), "{known:?}");
}

/// A narrower prefix made every key outside of it absent, and the file manager got deletes for them.
#[tokio::test]
async fn keys_outside_the_prefix_are_left_alone() {
    let (bucket, mut scene) = in_memory().await;
    for path in ["a/1", "b/1", "b/2"] {
        bucket.put(key(path), "x");
    }
    scene.run_to_success().await;
    bucket.remove(&key("b/1"));
    bucket.put(key("b/2"), "other");
    scene.program.options.prefix = "a/".to_owned();
    scene.api.api().reset_calls();
    scene.run_to_success().await;
    assert_eq!((scene.saves(), bucket.calls().heads), (Vec::new(), 0));
}

/// A stop was ignored while the absent keys were being looked up.
#[tokio::test]
async fn a_stop_ends_the_lookups_of_absent_keys() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", "a", None);
    server.server().put(BUCKET, "b", "b", None);
    scene.run_to_success().await;
    server.server().remove(BUCKET, "b");
    let heads = server.server().order(Matcher::operation("HeadObject"), mock_s3::Fault::Hang);
    let ended = stopped_when(&scene, heads.struck(1)).await;
    assert_eq!((ended.outcome, scene.contents().len()), (RunOutcome::Stopped, 2), "{}", ended.report);
    assert_eq!(heads.strikes(), 1, "it was not tried again");
}

/// A run was stopped before its guard had judged a listing's deletes. The next cycle sent them, because it counted the files that
/// it had just created, too.
#[tokio::test]
async fn a_cycle_after_a_listing_without_a_guard_decision_does_not_raise_the_limit() {
    let (server, mut scene) = over_http().await;
    scene.program.options.grace = Duration::from_millis(100);
    for number in 0..30 {
        server.server().put(BUCKET, &format!("old {number}"), "o", None);
    }
    scene.run_to_success().await;
    for number in 0..40 {
        server.server().remove(BUCKET, &format!("old {number}"));
        server.server().put(BUCKET, &format!("new {number}"), "n", None);
    }
    let reads = server.server().order(Matcher::operation("GetObject"), mock_s3::Fault::Hang);
    let ended = stopped_when(&scene, reads.struck(1)).await;
    assert_eq!((ended.outcome, ended.deletes_held), (RunOutcome::Stopped, false), "{}", ended.report);

    server.server().clear_faults();
    let ended = scene.cycle().await;
    assert!(ended.deletes_held, "{}", ended.report);
    assert_eq!((ended.report.operations.create, scene.contents().len()), (40, 70), "{}", ended.report);
}

/// Deletes held because of an emptied bucket were sent at the next event, if they were fewer than `MAX_DELETE`.
#[tokio::test]
async fn deletes_that_an_empty_listing_held_are_not_sent_with_the_next_event() {
    let (bucket, scene) = in_memory().await;
    let keys = ["a", "b", "c"].map(key);
    for key in &keys {
        bucket.put(key.clone(), "x");
    }
    scene.run_to_success().await;
    for key in &keys {
        bucket.remove(key);
    }
    assert_eq!(scene.run().await.report.deletes_held, 3);
    scene.api.api().set_feed(vec![serde_json::json!({ "event_type": "delete", "file_path": "/a" })]);
    let ended = scene.cycle().await;
    assert_eq!((ended.report.statistics.events_processed, ended.report.deletes_held), (1, 3), "{}", ended.report);
    assert_eq!(scene.contents().len(), 3);

    // The bucket is no longer empty: three deletes are within the limit.
    bucket.put(key("d"), "x");
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("d", "x")]));
}

/// While deletes were held, keys that the file manager never had were reported as work for the next run.
#[tokio::test]
async fn a_key_that_the_file_manager_never_had_is_not_reported_as_due() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.policy.max_file_bytes = Some(5);
    bucket.put(key("a"), "a");
    bucket.put(key("skipped"), "too large");
    scene.run_to_success().await;
    bucket.remove(&key("a"));
    bucket.remove(&key("skipped"));
    let ended = scene.run().await;
    assert_eq!((ended.report.deletes_held, ended.report.pending.due), (1, 1), "{}", ended.report);
}

/// A page showed a skipped object absent while an operation on its path was running. The operation overwrote that: the object was
/// reported as skipped for ever.
#[tokio::test]
async fn a_skipped_object_that_is_deleted_is_no_longer_reported() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.policy.max_file_bytes = Some(4);
    bucket.put(key("a"), "a");
    bucket.put(key("too large"), "12345");
    assert_eq!(scene.run_to_success().await.report.skipped["too_large"], 1);
    bucket.remove(&key("too large"));
    scene.run_to_success().await;
    assert_eq!(scene.run_to_success().await.report.skipped.len(), 0);
    assert_eq!(scene.overview().await.sinks[0].waiting, []);
}

/// A deleted directory marker was reported as an object "deleted while it was being listed", although it was never a file.
#[tokio::test]
async fn a_deleted_directory_marker_is_not_reported_as_skipped() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("m/"), "");
    bucket.put(key("m/a"), "a");
    scene.run_to_success().await;
    bucket.remove(&key("m/"));
    let ended = scene.run_to_success().await;
    assert!(ended.report.skipped.is_empty(), "{}", ended.report);
}

/// The files that a reconcile created while it held deletes raised the next cycle's limit, and the cycle sent the deletes.
#[tokio::test]
async fn files_created_since_release_no_held_delete() {
    let (bucket, scene) = in_memory().await;
    (0..30).for_each(|number| bucket.put(key(&format!("old {number}")), "o"));
    scene.run_to_success().await;
    for number in 0..40 {
        bucket.remove(&key(&format!("old {number}")));
        bucket.put(key(&format!("new {number}")), "n");
    }
    assert!(scene.run().await.deletes_held);
    bucket.put(key("later"), "l");
    bucket.remove(&key("new 1"));
    let feed = [("create", "later"), ("delete", "new 1"), ("delete", "old 1")];
    scene.api.api().set_feed(feed.map(|(kind, path)| json!({"event_type": kind, "file_path": path, "new_path": null, "metadata": null, "timestamp": "2024-01-15T10:00:00Z"})).to_vec());
    let cycle = scene.cycle().await;
    assert_eq!(
        (cycle.report.deletes_held, cycle.report.operations.delete),
        (30, 1),
        "what came since is judged by itself: {}",
        cycle.report
    );
    assert_eq!(scene.contents().len(), 70);
}

/// After a restore, objects that were observed, never sent, and then deleted bypassed the guard: the state had no row of them to
/// count.
#[tokio::test]
async fn the_guard_judges_deletes_of_files_that_a_restored_state_only_observed() {
    let (bucket, mut scene) = in_memory().await;
    scene.run_to_success().await;
    let backup = std::fs::read(&scene.program.database).expect("a database at rest");
    (0..9).for_each(|number| bucket.put(key(&format!("{number}")), "x"));
    bucket.put(key("marker/"), "");
    scene.run_to_success().await;
    std::fs::write(&scene.program.database, backup).expect("put back");
    scene.program.answer = OperatorAnswer { restored: true, ..OperatorAnswer::default() };
    bucket.on_call(|call| matches!(call, Call::Get(_)).then_some(Fault::Error(S3ErrorKind::Throttled { after: None })));
    assert_eq!(scene.run().await.report.pending.parked, 9, "seen, and not brought to an outcome");
    scene.program.answer = OperatorAnswer::default();
    bucket.on_call(|_| None);
    for name in (0..9).map(|number| number.to_string()).chain(["marker/".to_owned()]) {
        bucket.remove(&key(&name));
    }
    bucket.put(key("other"), "y");
    scene.program.options.max_delete = MaxDelete::Count(0);
    let held = scene.run().await;
    assert!(held.deletes_held, "{}", held.report);
    assert_eq!(scene.contents().len(), 10);
    scene.program.options.allow_deletes = Some(20);
    scene.run_to_success().await;
    assert_eq!((scene.contents(), scene.effects("marker/", "delete")), (files(&[("other", "y")]), 0));
}
