//! Bugs about when a listing is due, and what must precede it.

use crate::workflow::scene::{BUCKET, files, in_memory, key, over_http};
use mock_api::{CallName, Fault, FaultAction};
use mock_s3::Matcher;
use s3_sync::apply::StopSignal;
use s3_sync::state::{OperatorAnswer, RunKind, RunOutcome, State, Views};
use serde_json::json;
use std::collections::BTreeSet;

/// A reconcile before the cycle treated a rename that the feed had reported as a new and a deleted file: the id and the reported
/// permissions were lost.
#[tokio::test]
async fn a_reconcile_reads_its_events_before_it_lists() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("d/a"), "before");
    scene.run_to_success().await;
    let id = scene.internal_id("d/a");
    bucket.remove(&key("d/a"));
    bucket.put(key("d/b"), "after");
    let event = |kind, new_path, metadata| json!({"event_type": kind, "file_path": "d/a", "new_path": new_path, "metadata": metadata, "timestamp": "2024-01-15T10:00:00Z"});
    scene.api.api().set_feed(vec![
        event("change_permission", json!(null), json!({"permissions": "rwx-TOLD"})),
        event("rename", json!("d/b"), json!(null)),
    ]);
    let ended = scene.program.run_flow(RunKind::Reconcile, StopSignal::default()).await.expect("the state can be used");
    let operations = &ended.report.operations;
    assert_eq!((ended.outcome, operations.rename, operations.create, operations.delete), (RunOutcome::Done, 1, 0, 0), "{}", ended.report);
    assert_eq!((scene.contents(), scene.internal_id("d/b")), (files(&[("d/b", "after")]), id));
    assert_eq!(scene.api.api().permissions("d/b").permissions, "rwx-TOLD");
}

/// A reconcile that ended because of an unreachable endpoint was repeated only at the next scheduled time, a day later.
#[tokio::test]
async fn a_reconcile_that_did_not_list_everything_is_still_due() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    let reconcile =
        async || scene.program.run_flow(RunKind::Reconcile, StopSignal::default()).await.expect("the state can be used").outcome;
    let unfinished = async || {
        let state = State::open(&scene.program.database).await.expect("a state");
        let last = Views::open(&scene.program.database).last_reconcile().await.expect("read");
        (state.source().reconcile_unfinished().await.expect("read"), last.map(|run| run.number))
    };
    assert_eq!(unfinished().await, (false, None));
    bucket.vanish();
    assert_eq!(reconcile().await, RunOutcome::Failed);
    assert_eq!(unfinished().await, (true, None), "one that failed is not the last that there was");
    bucket.recreate();
    bucket.put(key("a"), "a");
    scene.cycle_to_success().await;
    assert_eq!(unfinished().await, (true, None), "a cycle finds nothing that no event reported");
    assert_eq!(reconcile().await, RunOutcome::Done);
    assert_eq!(unfinished().await, (false, Some(4)));
}

/// After a restore, no run confirmed the rows if a cycle came first: nothing recorded that a listing was due.
#[tokio::test]
async fn a_restored_backup_waits_for_a_listing_and_says_so() {
    let (bucket, mut scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    scene.program.answer = OperatorAnswer { restored: true, ..OperatorAnswer::default() };
    assert!(scene.cycle().await.report.feed_gap, "what was received since the backup is missing");
    scene.program.answer = OperatorAnswer::default();
    assert!(scene.cycle().await.report.feed_gap, "no cycle finds it");
    let ended = scene.program.run_flow(RunKind::Reconcile, StopSignal::default()).await.expect("the state can be used");
    assert_eq!((ended.outcome, ended.report.feed_gap), (RunOutcome::Done, false), "{}", ended.report);
}

/// A reconcile without changes wrote a pair of equal snapshots, and after ten nights no other pair was left.
#[tokio::test]
async fn a_reconcile_without_differences_keeps_the_earlier_snapshots() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    let reconcile = async || scene.program.run_flow(RunKind::Reconcile, StopSignal::default()).await.expect("the state can be used");
    let snapshots = || {
        let directory = scene.program.database.parent().expect("a directory");
        let paths = directory.read_dir().expect("readable").map(|entry| entry.expect("readable").path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "csv")).collect::<BTreeSet<_>>()
    };
    let before = snapshots();
    assert_eq!((reconcile().await.outcome, snapshots()), (RunOutcome::Done, before.clone()));
    bucket.put(key("b"), "b");
    assert_eq!(reconcile().await.outcome, RunOutcome::Done);
    let after = snapshots();
    assert_eq!((before.len(), after.len(), before.intersection(&after).count()), (2, 2, 0), "{before:?}, {after:?}");
}

/// A gap was noted while the clock was ahead. After the clock was corrected, no listing was later than the gap, so listings
/// followed one another without end.
#[tokio::test]
async fn a_gap_noted_in_the_future_is_closed_by_a_listing() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    let ahead = jiff::Timestamp::now() + std::time::Duration::from_hours(24 * 365);
    State::open(&scene.program.database).await.expect("a state").inbox().gap_note(ahead).await.expect("noted");
    let reconcile = async || scene.program.run_flow(RunKind::Reconcile, StopSignal::default()).await.expect("the state can be used");
    assert!(reconcile().await.report.feed_gap, "it may have been noted during this very listing");
    assert!(!reconcile().await.report.feed_gap);
}

/// A cycle that could not read its feed reported that there was nothing new.
#[tokio::test]
async fn a_cycle_that_could_not_read_its_feed_is_not_quiet() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    assert!(scene.cycle_to_success().await.report.quiet);
    scene.api.api().order(Fault::new(FaultAction::status(503)).call(CallName::PubSubFullList).always());
    let ended = scene.cycle().await;
    assert_eq!((ended.outcome, ended.report.quiet), (RunOutcome::Failed, false), "{}", ended.report);
    assert!(ended.report.errors[0].contains("the events API is overloaded"), "{}", ended.report);
}

/// The token of a Ceph gateway is the last key of the page, as it is. No listing went past a page that ended with a key that XML has no
/// characters for.
#[tokio::test]
async fn a_listing_goes_on_after_a_page_whose_token_is_no_xml() {
    let (server, mut scene) = over_http().await;
    scene.program.options.page_keys = 2;
    for key in ["a", "b\u{ffff}", "c", "d\u{ffff}", "e"] {
        server.server().put(BUCKET, key, "content", None);
    }
    let token = "<NextContinuationToken>";
    server.server().order(Matcher::operation("ListObjectsV2"), mock_s3::Fault::edit(token, format!("{token}\u{ffff}")));
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 5);
}
