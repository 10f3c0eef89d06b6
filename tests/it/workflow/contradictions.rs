//! A store whose listing and whose lookups disagree: no object is deleted, and no run calls that a success without a word.

use super::scene::{BUCKET, Scene, files, in_memory, key, kill, over_http};
use mock_s3::{Fault, Gate, Matcher};
use s3_sync::s3::{self, Call, MemoryBucket, S3ErrorKind};
use s3_sync::state::RunOutcome;
use s3_sync::workflow::FinishedRun;
use serde_json::json;
use std::sync::Arc;

/// HEAD and GET say that `ghost` does not exist.
fn deny_the_ghost(bucket: &MemoryBucket) {
    bucket.on_call(|call| {
        let is_denied = call.key().is_some_and(|key| key.as_str() == "ghost");
        is_denied.then_some(s3::Fault::Error(S3ErrorKind::NoSuchKey))
    });
}

/// A store that lists `ghost`, and does not find it; in the file manager it has this content.
async fn haunted(applied: Option<&'static str>) -> (Arc<MemoryBucket>, Scene) {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    if let Some(content) = applied {
        bucket.put(key("ghost"), content);
        scene.run_to_success().await;
    }
    bucket.put(key("ghost"), "new");
    deny_the_ghost(&bucket);
    scene.api.api().reset_calls();
    (bucket, scene)
}

fn skipped(ended: &FinishedRun) -> Option<u64> {
    ended.report.skipped.get("listed_but_missing").copied()
}

fn assert_fails(ended: &FinishedRun) {
    let failure = ended.report.failures.first().map(|failure| (failure.reason.as_str(), failure.example.as_str()));
    assert_eq!((ended.outcome, failure), (RunOutcome::Partial, Some(("listed_but_missing", "ghost"))), "{}", ended.report);
    assert_eq!((ended.report.pending.parked, skipped(ended)), (1, None), "{}", ended.report);
}

/// Case L6.
#[tokio::test]
async fn a_key_that_is_listed_and_not_found_is_skipped_once_and_then_fails() {
    for applied in [None, Some("old")] {
        let (bucket, scene) = haunted(applied).await;
        let ended = scene.run_to_success().await;
        assert_eq!(skipped(&ended), Some(1), "{}", ended.report);
        assert!(ended.report.to_string().contains("listed_but_missing, for example ghost: deleted while"), "{}", ended.report);
        for _ in 0..2 {
            assert_fails(&scene.reconcile().await);
        }
        assert_eq!(scene.contents().get("ghost").map(|content| &content[..]), applied.map(str::as_bytes));
        assert!(scene.saves().iter().all(|(_, path)| path != "ghost"), "{:?}", scene.saves());

        bucket.on_call(|_| None);
        scene.run_to_success().await;
        assert_eq!(scene.contents(), files(&[("a", "a"), ("ghost", "new")]));
        assert_eq!(skipped(&scene.cycle_to_success().await), None);
    }
}

/// Between listings nothing is decided: a skip waits, and a failure is tried again and fails again.
#[tokio::test]
async fn a_cycle_deletes_no_file_whose_key_is_listed_and_not_found() {
    let (_bucket, mut scene) = haunted(Some("old")).await;
    scene.run_to_success().await;
    assert_eq!(skipped(&scene.cycle_to_success().await), Some(1));
    assert_fails(&scene.reconcile().await);
    scene.later(60);
    assert_fails(&scene.cycle().await);
    assert_eq!(scene.contents(), files(&[("a", "a"), ("ghost", "old")]));
}

/// The race that the first skip allows for: the object was deleted after its page.
#[tokio::test]
async fn an_object_that_was_deleted_while_it_was_listed_goes_with_the_next_listing() {
    for applied in [None, Some("old")] {
        let (bucket, scene) = haunted(applied).await;
        scene.run_to_success().await;
        bucket.on_call(|_| None);
        bucket.remove(&key("ghost"));
        let ended = scene.reconcile().await;
        assert!(ended.report.success, "{}", ended.report);
        assert_eq!((skipped(&ended), scene.contents()), (None, files(&[("a", "a")])));
    }
}

/// An event is looked up after the listing: what it finds gone is gone, whatever was listed before.
#[tokio::test]
async fn a_404_after_an_event_is_evidence() {
    for listings in [1, 2] {
        let (_bucket, scene) = haunted(Some("old")).await;
        for _ in 0..listings {
            scene.reconcile().await;
        }
        scene.api.api().set_feed(vec![json!({ "event_type": "delete", "file_path": "/ghost" })]);
        let ended = scene.cycle_to_success().await;
        assert_eq!((skipped(&ended), scene.contents()), (None, files(&[("a", "a")])));
    }
}

/// A run that goes on with a killed one's listing has not listed the key a second time.
#[tokio::test]
async fn a_resumed_listing_is_no_second_listing() {
    let (server, mut scene) = over_http().await;
    let s3 = server.server();
    scene.program.options.page_keys = 1;
    for key in ["a", "ghost", "z"] {
        s3.put(BUCKET, key, key.to_owned(), None);
    }
    for operation in ["GetObject", "HeadObject"] {
        s3.order(Matcher::operation(operation).key("ghost"), Fault::no_such_key());
    }
    // The third page is held until the lookup of `ghost` has ended: then nothing but its skip is stored.
    let gate = Gate::new();
    let held = s3.order(Matcher::operation("ListObjectsV2").skip(2).times(1), Fault::Hold(gate.clone()));
    let run = scene.start();
    gate.arrived(1).await;
    while scene.overview().await.sinks[0].paths("skipped") == 0 {
        tokio::task::yield_now().await;
    }
    kill(run).await;
    held.withdraw();
    gate.open();
    let ended = scene.run_to_success().await;
    assert_eq!(skipped(&ended), Some(1), "{}", ended.report);
    assert_fails(&scene.run().await);
}

/// Case L6, the reverse: the listing ends early.
#[tokio::test]
async fn keys_that_are_there_and_not_listed_stay_and_the_run_says_that_the_listing_is_incomplete() {
    let (server, mut scene) = over_http().await;
    scene.program.options.page_keys = 2;
    for key in ["k0", "k1", "k2", "k3", "k4"] {
        server.server().put(BUCKET, key, key.to_owned(), None);
    }
    scene.run_to_success().await;
    let truncated = Fault::edit("<IsTruncated>true</IsTruncated>", "<IsTruncated>false</IsTruncated>");
    server.server().order(Matcher::operation("ListObjectsV2"), truncated);
    scene.api.api().reset_calls();
    for _ in 0..2 {
        let ended = scene.reconcile().await;
        let listing = &ended.report.listing;
        assert_eq!((listing.missed, listing.missed_unchanged, listing.missed_example.as_deref()), (3, 3, Some("k2")), "{}", ended.report);
        assert_eq!((ended.outcome, ended.report.success), (RunOutcome::Partial, false), "{}", ended.report);
        assert!(ended.report.to_string().contains("listing: the store has 3 known keys"), "{}", ended.report);
        assert_eq!((scene.saves(), scene.contents().len()), (Vec::new(), 5));
    }
    server.server().clear_faults();
    assert!(scene.reconcile().await.report.success);
}

/// A key that was written between its page and its lookup is normal. The report counts it, and the run is a success.
#[tokio::test]
async fn a_key_that_was_written_after_its_page_is_counted_and_is_no_failure() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.put(key("b"), "b");
    scene.run_to_success().await;
    bucket.remove(&key("b"));
    let inside = Arc::downgrade(&bucket);
    bucket.on_call(move |call| {
        if let (Call::Head(_), Some(bucket)) = (call, inside.upgrade()) {
            bucket.put(key("b"), "b");
        }
        None
    });
    let ended = scene.reconcile().await;
    let listing = &ended.report.listing;
    assert_eq!((ended.outcome, listing.missed, listing.missed_unchanged), (RunOutcome::Done, 1, 0), "{}", ended.report);
    assert!(ended.report.to_string().contains("missed    1 known key not listed"), "{}", ended.report);
}

/// The guard held the deletes of an incomplete listing, and nothing said that the objects are there.
#[tokio::test]
async fn before_the_guard_holds_deletes_a_sample_of_their_keys_is_looked_up() {
    let (server, mut scene) = over_http().await;
    scene.program.options.page_keys = 2;
    for number in 0..30 {
        server.server().put(BUCKET, &format!("{number:02}"), "x", None);
    }
    scene.run_to_success().await;
    let truncated = Fault::edit("<IsTruncated>true</IsTruncated>", "<IsTruncated>false</IsTruncated>");
    server.server().order(Matcher::operation("ListObjectsV2"), truncated);
    for held in [18, 18] {
        let ended = scene.reconcile().await;
        let listing = &ended.report.listing;
        assert_eq!((ended.deletes_held, ended.report.deletes_held, listing.missed_unchanged), (true, held, 10), "{}", ended.report);
    }
    scene.program.options.allow_deletes = Some(100);
    let ended = scene.reconcile().await;
    assert_eq!((ended.report.operations.delete, ended.report.listing.missed_unchanged), (0, 28), "{}", ended.report);
    assert_eq!(scene.contents().len(), 30);
}
