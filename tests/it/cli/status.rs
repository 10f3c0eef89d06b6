//! `status` before, during and after runs. "healthy" only if the endpoints were probed and reachable.

use super::stage::{BUCKET, Stage, unreachable_address};
use jiff::Timestamp;
use mock_api::{CallName, Fault, FaultAction};
use mock_s3::{Fault as S3Fault, Gate, Matcher};
use s3_sync::events::decode::Scope;
use s3_sync::events::notified;
use s3_sync::state::{EventChannel, State};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn status_without_a_database_says_which_command_to_run_and_creates_none() {
    let stage = Stage::with(&["a.txt"]).await;
    let ran = stage.expect(&["status"], 0).await;
    ran.prints(&["status        degraded", "there is no database at data/sync.db yet: run initial-sync", "0 confirmed"]);
    assert!(stage.left_behind().is_empty() && !stage.path("data").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_healthy_only_after_it_has_tried_the_endpoints() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    stage.api().reset_calls();
    let before = stage.s3.server().counters().requests;
    let status = stage.expect(&["status", "--json"], 0).await.json();
    assert_eq!((&status["service_status"], &status["database_records"]), (&"healthy".into(), &1.into()), "{status}");
    assert_eq!(status["database_path"], "data/sync.db");
    assert_eq!(status["customer_bucket"], BUCKET);
    assert_eq!(status["api_endpoints"], serde_json::json!({ "mock_api": stage.files.url(), "file_manager": stage.files.url() }));
    assert!(stage.api().calls().iter().any(|call| call.call == CallName::Health), "the file manager was asked");
    assert!(stage.s3.server().counters().requests > before, "the bucket was asked");
    stage.setting("CUSTOMER_S3_ENDPOINT", unreachable_address());
    let ran = stage.expect(&["status"], 0).await;
    ran.prints(&["status        error", "S3: ", "check CUSTOMER_S3_ENDPOINT", "1 confirmed by the file manager"]);
}

/// The next sync would confirm every file again, and `status` called that healthy.
#[tokio::test(flavor = "multi_thread")]
async fn status_reports_a_database_older_than_its_last_run_and_that_no_daemon_runs() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    let (database, backup) = (stage.path("data/sync.db"), stage.path("backup.db"));
    std::fs::copy(&database, &backup).expect("copied");
    stage.expect(&["initial-sync"], 0).await;
    stage.expect(&["status"], 0).await.prints(&["status        healthy", "daemon        none runs"]);
    std::fs::copy(&backup, &database).expect("put back");
    stage.expect(&["status"], 0).await.prints(&["status        degraded", "the database is older than run 2", "restored backup"]);
    stage.expect(&["initial-sync"], 0).await;
    stage.expect(&["status"], 0).await.prints(&["status        healthy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_a_run_of_another_process_without_disturbing_it_and_marks_a_killed_one() {
    let stage = Stage::with(&["a.txt"]).await;
    let gate = Gate::new();
    stage.s3.server().order(Matcher::operation("GetObject"), S3Fault::Hold(gate.clone()));
    let mut run = stage.start(&["initial-sync"]);
    gate.arrived(1).await;
    let ran = stage.expect(&["status"], 0).await;
    ran.prints(&[
        "status        degraded",
        "the initial sync has not come to its end yet",
        "in use by     process ",
        "(s3-sync initial-sync, since ",
    ]);
    assert!(!ran.stdout.contains("killed"), "{ran:?}");
    ran.prints(&["run 1         initial not ended"]);
    stage.expect(&["export"], 0).await;
    run.kill().await.expect("it is killed");
    stage
        .expect(&["status"], 0)
        .await
        .prints(&["run 1 was killed: the next one goes on where it was", "operations that are still to be done: 1"]);
    gate.open();
    stage.expect(&["initial-sync"], 0).await;
    stage.expect(&["status"], 0).await.prints(&["status        healthy", "initial done"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_failures_with_reason_example_and_next_attempt_until_they_are_resolved() {
    let stage = Stage::with(&["bad.txt", "good.txt"]).await;
    stage.api().order(Fault::new(FaultAction::status(400)).operation("create").path("bad.txt").always());
    stage.expect(&["initial-sync"], 3).await;
    let ran = stage.expect(&["status"], 0).await;
    ran.prints(&["status        degraded", "run 1 left something undone", "operations that failed and wait for their next attempt: 1"]);
    ran.prints(&["parked        1 file_manager_400", "bad.txt", "next attempt 20"]);
    let pending = &stage.expect(&["status", "--json"], 0).await.json()["pending"][0];
    assert_eq!(
        (&pending["status"], &pending["reason"], &pending["example"]),
        (&"parked".into(), &"file_manager_400".into(), &"bad.txt".into())
    );
    assert!(pending["next_attempt"].is_string() && pending["message"].is_string(), "{pending}");
    stage.api().clear_faults();
    stage.expect(&["initial-sync"], 0).await;
    stage.expect(&["status"], 0).await.prints(&["status        healthy", "2 confirmed"]);
}

/// A list of a hundred events, the maximum that the feed serves.
fn full_list(name: &str) -> Vec<Value> {
    (0..100).map(|number| json!({ "event_type": "create", "file_path": format!("/{name}/{number}") })).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn status_describes_waiting_paths_in_words_and_only_while_they_wait() {
    let keys: Vec<String> = (0..12).map(|number| format!("{number}.txt")).collect();
    let stage = Stage::with(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    stage.expect(&["initial-sync"], 0).await;
    let quiet = stage.expect(&["status"], 0).await.stdout;
    for word in ["inbox", "dead letters", "held", "reconcile", "next run", "feed"] {
        assert!(!quiet.contains(word), "{word} is worth no line: {quiet}");
    }

    stage.api().set_feed([vec![json!({ "event_type": "explode" })], full_list("first")].concat());
    stage.expect(&["incremental-sync"], 0).await;
    for key in keys.iter().skip(1) {
        stage.s3.server().remove(BUCKET, key);
    }
    stage.expect(&["reconcile"], 5).await;
    stage.api().set_feed(full_list("second"));
    stage.expect(&["incremental-sync"], 5).await;
    let opened = State::open(&stage.path("data/sync.db")).await.expect("a state");
    let notice = json!({ "eventName": "ObjectCreated:Put", "s3": { "bucket": { "name": BUCKET }, "object": { "key": "a" } } });
    let received = notified(EventChannel::Sqs, notice.to_string().as_bytes(), &Scope::new(BUCKET, "")).batch;
    opened.inbox().receive(received, Timestamp::UNIX_EPOCH).await.expect("stored");
    drop(opened);

    let ran = stage.expect(&["status"], 0).await;
    ran.prints(&["status        degraded", "deletes that the guard holds: 11 (--allow-deletes 11 sends them"]);
    ran.prints(&["- events may have been missed since 20"]);
    ran.prints(&["held          11 absent from the bucket, and more than the guard lets go (MAX_DELETE), for example 1.txt"]);
    ran.prints(&["reconcile     the last one ended 20", ": run 3, partial"]);
    ran.prints(&["inbox         1 event for the next cycle"]);
    ran.prints(&["dead letters  1 event that could not be used: `s3-sync dead-letters list` shows them"]);
    let status = stage.expect(&["status", "--json"], 0).await.json();
    let counts = json!([status["deletes_held"], status["inbox"], status["dead_letters"], status["last_reconcile"]["run"]]);
    assert_eq!(counts, json!([11, 1, 1, 3]), "{status}");
    assert!(status["feed_gap"].is_string(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_a_report_that_was_not_accepted() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.api().order(Fault::new(FaultAction::status(500)).call(CallName::ReportResults));
    stage.expect(&["initial-sync"], 3).await;
    stage.expect(&["status"], 0).await.prints(&["status        degraded", "run 1 could not post its report: ", "reportResults"]);
}
