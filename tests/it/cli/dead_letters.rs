//! `dead-letters`: list, retry with other settings, drop. The daemon does it if it runs; the command never does it beside another
//! writer.

use super::pages::same_keys;
use super::stage::{BUCKET, Stage};
use jiff::Timestamp;
use s3_sync::events::decode::Scope;
use s3_sync::events::notified;
use s3_sync::state::{EventChannel, InstanceLock, State};
use serde_json::json;

/// A state with dead letters: messages about another bucket.
async fn with(messages: &[String]) -> Stage {
    let stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    let opened = State::open(&stage.path("data/sync.db")).await.expect("a state");
    for message in messages {
        let batch = notified(EventChannel::Sqs, message.as_bytes(), &Scope::new("another-bucket", "")).batch;
        opened.inbox().receive(batch, Timestamp::UNIX_EPOCH).await.expect("stored");
    }
    stage
}

fn put(bucket: &str, key: &str) -> String {
    json!({ "eventName": "ObjectCreated:Put", "s3": { "bucket": { "name": bucket }, "object": { "key": key } } }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_retried_and_dropped() {
    let stage = with(&[put(BUCKET, "b.txt"), "{\u{1b}[2J".to_owned()]).await;
    let listed = stage.expect(&["dead-letters", "list", "--json"], 0).await.json();
    same_keys("dead-letters", std::slice::from_ref(&listed));
    let dead_letters = listed["dead_letters"].as_array().expect("a list");
    assert_eq!(dead_letters.len(), 2, "{listed}");
    assert_eq!(dead_letters[0]["excerpt"], put(BUCKET, "b.txt"));
    assert_eq!(
        (&dead_letters[0]["id"], &dead_letters[0]["source"], &dead_letters[0]["reason"]),
        (&json!(1), &json!("sqs"), &json!("foreign_bucket"))
    );
    let shown = stage.expect(&["dead-letters", "list"], 0).await;
    shown.prints(&["bad_json", "customer-bucket", "\\u{1b}[2J", "1970-01-01T00:00:00Z"]);

    let retried = stage.expect(&["dead-letters", "retry", "--all", "--json"], 3).await.json();
    assert_eq!((&retried["letters"], &retried["events"], &retried["kept"][0]["reason"]), (&json!(1), &json!(1), &json!("bad_json")));
    let opened = State::open(&stage.path("data/sync.db")).await.expect("a state");
    assert_eq!(opened.inbox().events_batch(0, 10).await.expect("read")[0].event.path.as_str(), "b.txt");
    drop(opened);

    stage.expect(&["dead-letters", "retry", "1"], 1).await.says(&["there is no dead letter 1", "dead-letters list"]);
    stage.expect(&["dead-letters", "drop", "2"], 0).await.prints(&["forgotten: 1"]);
    stage.expect(&["dead-letters", "drop", "2"], 1).await.says(&["there is no dead letter 2"]);
    stage.expect(&["dead-letters", "drop", "--all"], 0).await.prints(&["forgotten: 0"]);
    stage.expect(&["dead-letters", "list"], 0).await.prints(&["no dead letters"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_refuses_to_write_beside_another_writer_and_reads_beside_it() {
    let stage = with(&["{".to_owned()]).await;
    let _held = InstanceLock::take(&stage.path("data/sync.db"), "another-writer").expect("free");
    for action in [["dead-letters", "retry", "--all"], ["dead-letters", "drop", "--all"]] {
        stage.expect(&action, 4).await.says(&["in use by", "another-writer"]);
    }
    stage.expect(&["dead-letters", "list"], 0).await.prints(&["bad_json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_retries_dead_letters_and_syncs_the_decodable_ones() {
    let mut stage = with(&[put(BUCKET, "b.txt"), "{".to_owned()]).await;
    let mut daemon = stage.daemon();
    daemon.says("run=2 outcome=\"done\"").await.expect("its first cycle ends well");
    stage.put("b.txt", "b");
    let ran = stage.expect(&["dead-letters", "retry", "--all", "--json"], 3).await;
    ran.says(&["the running daemon is asked for it"]);
    let retried = ran.json();
    assert_eq!((&retried["letters"], &retried["events"], retried["kept"].as_array().map(Vec::len)), (&json!(1), &json!(1), Some(1)));
    assert_eq!((&retried["kept"][0]["id"], &retried["kept"][0]["reason"]), (&json!(2), &json!("bad_json")));
    daemon.says("run=3 outcome=\"done\"").await.expect("the event wakes a cycle, without a schedule");
    assert_eq!(stage.api().effects().of("b.txt", "create"), 1);

    stage.expect(&["dead-letters", "retry", "1"], 1).await.says(&["there is no dead letter 1", "dead-letters list"]);
    stage.setting("CUSTOMER_S3_BUCKET", "another-bucket");
    for action in [["dead-letters", "retry", "2"], ["dead-letters", "drop", "2"]] {
        stage.expect(&action, 2).await.says(&["the running daemon works with the source", BUCKET, "another-bucket"]);
    }
    // A command without a bucket setting uses the daemon's.
    stage.without("CUSTOMER_S3_BUCKET");
    stage.expect(&["dead-letters", "drop", "2"], 0).await.prints(&["forgotten: 1"]);
    stage.expect(&["dead-letters", "drop", "2"], 1).await.says(&["there is no dead letter 2"]);
    stage.expect(&["dead-letters", "drop", "--all"], 0).await.prints(&["forgotten: 0"]);
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_creates_no_state() {
    let mut stage = Stage::set().await;
    for action in [["dead-letters", "list"].as_slice(), &["dead-letters", "retry", "--all"], &["dead-letters", "drop", "1"]] {
        stage.expect(action, 1).await.says(&["data/sync.db", "there is none yet"]);
    }
    assert!(stage.left_behind().is_empty(), "{:?}", stage.left_behind());
    stage.without("CUSTOMER_S3_BUCKET");
    stage.expect(&["dead-letters", "retry", "--all"], 2).await.says(&["CUSTOMER_S3_BUCKET"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_probes_a_configured_queue() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.setting("EVENTS_SQS_QUEUE_URL", format!("{}/000000000000/events", super::stage::unreachable_address()));
    stage.expect(&["test"], 1).await.prints(&["failed   queue", "GetQueueAttributes", "EVENTS_SQS_QUEUE_URL"]);
}

/// V8: a run said "in sync" and `status` "healthy" although some events could not be used.
#[tokio::test(flavor = "multi_thread")]
async fn status_and_runs_name_dead_letters_until_they_are_dropped() {
    let stage = with(&["{".to_owned(), include_str!("../../fixtures/events/sns-subscription-confirmation.json").to_owned()]).await;
    let status = stage.expect(&["status"], 0).await;
    status.prints(&["status        degraded", "- events that could not be used: 2 (`s3-sync dead-letters list` shows them"]);
    status.prints(&["the SNS subscription waits for its confirmation"]);
    let run = stage.expect(&["incremental-sync"], 0).await;
    run.prints(&[
        "in sync, except for 2 dead letters",
        "dead      2 events that could not be used: `s3-sync dead-letters list` shows them",
    ]);
    let report = stage.expect(&["incremental-sync", "--json"], 0).await.json();
    assert_eq!(report["dead_letters"], 2, "{report}");
    stage.expect(&["reconcile"], 0).await.prints(&["dead      2 events that could not be used"]);
    stage.expect(&["dead-letters", "drop", "--all"], 0).await;
    stage.expect(&["status"], 0).await.prints(&["status        healthy"]);
    let run = stage.expect(&["incremental-sync"], 0).await;
    assert!(!run.stdout.contains("dead"), "{}", run.stdout);
}

/// V8: the daemon's health stayed "healthy".
#[tokio::test(flavor = "multi_thread")]
async fn the_health_of_a_daemon_is_degraded_until_its_dead_letters_are_dropped() {
    let stage = with(&["{".to_owned()]).await;
    let mut daemon = stage.daemon();
    daemon.says("run=2 outcome=\"done\"").await.expect("its first cycle ends well");
    stage.expect(&["health"], 0).await.prints(&["degraded", "- events that could not be used: 1 (`s3-sync dead-letters list` shows them"]);
    stage.expect(&["dead-letters", "drop", "--all"], 0).await;
    stage.expect(&["health"], 0).await.prints(&["healthy"]);
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
}
