//! Bugs about unreachable endpoints: what their failures may count against.

use crate::workflow::scene::{Scene, files, in_memory, key};
use mock_api::CallName;
use s3_sync::file_manager::MAX_FEED_EVENTS;
use s3_sync::s3::{Call, Fault, MemoryBucket, S3ErrorKind};
use s3_sync::state::RunOutcome;
use serde_json::json;
use std::sync::Arc;

/// One more than the number of failed cycles after which a row becomes a dead letter.
const CYCLES: usize = 6;

/// A bucket and a file manager in sync; then the object changes, and the feed reports it once.
async fn with_a_reported_change() -> (Arc<MemoryBucket>, Scene) {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "old");
    scene.run_to_success().await;
    bucket.put(key("a"), "new");
    scene.api.api().set_feed(vec![json!({ "event_type": "create", "file_path": "/a" })]);
    (bucket, scene)
}

/// Five cycles against an unreachable store, or one with expired credentials, made dead letters of all events: their changes were
/// lost, and the next cycle reported no work.
#[tokio::test]
async fn an_unreachable_endpoint_consumes_no_row_of_the_inbox() {
    // A HEAD has no body that could name the reason: expired credentials look like a missing permission.
    for kind in [S3ErrorKind::Unreachable, S3ErrorKind::BadCredentials, S3ErrorKind::AccessDenied, S3ErrorKind::Server] {
        let (bucket, scene) = with_a_reported_change().await;
        let ordered = kind.clone();
        bucket.on_call(move |_| Some(Fault::Error(ordered.clone())));
        for _ in 0..CYCLES {
            let ended = scene.cycle().await;
            assert_eq!((ended.outcome, ended.report.event_counts.errors), (RunOutcome::Failed, 0), "{kind:?}: {}", ended.report);
            let overview = scene.overview().await;
            assert_eq!((overview.inbox, overview.dead_letters), (1, 0), "{kind:?}");
        }
        bucket.on_call(|_| None);
        scene.cycle_to_success().await;
        assert_eq!(scene.contents(), files(&[("a", "new")]), "{kind:?}");
    }
}

/// The opposite: an object that cannot be read while its bucket answers is no unreachable endpoint, and must not wait for ever.
#[tokio::test]
async fn a_failed_lookup_counts_against_its_own_inbox_row() {
    let (bucket, mut scene) = with_a_reported_change().await;
    bucket.on_call(|call| matches!(call, Call::Head(_)).then_some(Fault::Error(S3ErrorKind::AccessDenied)));
    let mut ended = scene.cycle().await;
    for _ in 2..CYCLES {
        assert_eq!((ended.outcome, scene.overview().await.inbox), (RunOutcome::Partial, 1), "{}", ended.report);
        scene.later(8);
        ended = scene.cycle().await;
    }
    let overview = scene.overview().await;
    assert_eq!((ended.report.event_counts.errors, overview.inbox, overview.dead_letters), (1, 0, 1), "{}", ended.report);
}

/// Events of a dozen kilobytes each made a list larger than 1 MiB, and no cycle could read it any more: "is this a file manager?"
#[tokio::test]
async fn a_feed_of_long_events_is_read_and_one_that_is_too_long_says_so_and_loses_nothing() {
    let (bucket, scene) = with_a_reported_change().await;
    let list = |note_bytes| {
        let event = |number: usize| {
            let note = "x".repeat(note_bytes);
            json!({ "event_type": "create", "file_path": format!("/{number}"), "metadata": { "note": note } })
        };
        (0..MAX_FEED_EVENTS).map(event).collect::<Vec<_>>()
    };
    for number in 0..MAX_FEED_EVENTS {
        bucket.put(key(&number.to_string()), "x");
    }
    scene.api.api().set_feed(list(200 << 10));
    scene.api.api().reset_calls();
    let ended = scene.cycle().await;
    assert_eq!(ended.outcome, RunOutcome::Failed, "{}", ended.report);
    let report = ended.report.to_string();
    assert!(report.contains("longer than the limit of 16777216 bytes") && report.contains("serve fewer events"), "{report}");
    let asked = scene.api.api().calls().iter().filter(|call| call.call == CallName::PubSubFullList).count();
    assert_eq!(asked, 1, "the same answer is not fetched again at once");
    scene.api.api().set_feed(list(20 << 10));
    scene.cycle_to_success().await;
    assert_eq!(scene.contents().len(), MAX_FEED_EVENTS + 1);
}
