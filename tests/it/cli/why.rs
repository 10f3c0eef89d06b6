//! `why`: from the event to the result, under every name of the file; what waits, and what happens next.

use super::pages::same_keys;
use super::stage::{BUCKET, Stage};
use crate::workflow::scene::key;
use jiff::Timestamp;
use mock_api::{Fault, FaultAction};
use s3_sync::record::{Event, EventKind};
use s3_sync::state::{EventChannel, Received, State};
use serde_json::{Value, json};

fn event(kind: &str, second: u32, path: &str, new_path: Option<&str>) -> Value {
    let timestamp = format!("2024-01-15T10:00:{second:02}Z");
    json!({ "event_type": kind, "file_path": path, "new_path": new_path, "metadata": null, "timestamp": timestamp })
}

/// The lines of the history, without their times.
fn happened(stdout: &str) -> Vec<&str> {
    stdout.lines().filter_map(|line| line.split_once("  run ").map(|(_, rest)| rest)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_followed_to_its_result() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.setting("RETRY_ATTEMPTS", "2");
    stage.expect(&["initial-sync"], 0).await;
    let brought = stage.expect(&["why", "a.txt"], 0).await;
    brought.prints(&["key           a.txt", "run 1: the file manager confirmed it, at the first attempt"]);
    brought.prints(&["answer        the file manager holds what the last observation of the bucket showed: nothing is to be done"]);
    stage.put("a.txt", "changed");
    stage.api().set_feed(vec![event("create", 5, "/a.txt", None)]);
    stage.api().order(Fault::new(FaultAction::status(500)).operation("update").path("a.txt"));
    stage.expect(&["incremental-sync"], 0).await;

    let ran = stage.expect(&["why", "a.txt"], 0).await;
    let lines = happened(&ran.stdout);
    assert!(lines[0].starts_with("2: feed reported create for 2024-01-15T10:00:05Z (received 20"), "{lines:?}");
    assert!(lines[0].contains("): a lookup showed 7 bytes, ETag "), "{lines:?}");
    assert!(lines[1].starts_with("2: update applied, 7 bytes, ETag "), "{lines:?}");
    assert!(lines[1].contains(", 2 attempts, last failure file_manager_500 (saveToDisk update a.txt: "), "{lines:?}");
    assert_eq!(lines.len(), 2, "{ran:?}");

    let why = stage.expect(&["why", "a.txt", "--json"], 0).await.json();
    same_keys("why", std::slice::from_ref(&why));
    assert_eq!((&why["key"], &why["state"]), (&json!("a.txt"), &json!("in_step")));
    let operation = &why["history"][1]["operation"];
    let calls = stage.api().calls();
    let update = calls.iter().rfind(|call| call.operation.as_deref() == Some("update")).expect("an update");
    assert_eq!(operation["idempotency_key"].as_str(), update.idempotency_key.as_deref());
    assert_eq!((&operation["result"], &operation["attempts"], &operation["decided_in_run"]), (&json!("applied"), &json!(2), &json!(2)));
    assert_eq!(operation["internal_id"], why["file_manager"]["internal_id"]);
    assert_eq!((&why["file_manager"]["run"], &why["file_manager"]["size"]), (&json!(2), &json!(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_is_found_under_both_names() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    let mut reported = event("change_permission", 1, "/a.txt", None);
    reported["metadata"] = json!({ "permissions": "0640" });
    stage.api().set_feed(vec![reported.clone()]);
    stage.expect(&["incremental-sync"], 0).await;
    stage.s3.server().remove(BUCKET, "a.txt");
    stage.put("b.txt", "content of a.txt");
    stage.api().set_feed(vec![reported, event("rename", 2, "/a.txt", Some("/b.txt"))]);
    stage.expect(&["incremental-sync"], 0).await;

    let new = stage.expect(&["why", "b.txt"], 0).await;
    let lines = happened(&new.stdout);
    let expected = [
        "2: feed reported change_permission",
        "2: set_permissions permissions set, permissions 0640",
        "3: feed reported rename",
        "3: rename moved",
    ];
    assert!(lines.len() == 4 && lines.iter().zip(expected).all(|(line, begin)| line.starts_with(begin)), "{lines:?}");
    assert!(
        lines[2].contains("a lookup showed nothing, and at the new name 16 bytes") && lines[2].ends_with("[a.txt -> b.txt]"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("[a.txt]"), "{lines:?}");
    new.prints(&["answer        the file manager holds what the last observation of the bucket showed", "reported      permissions 0640"]);

    let old = stage.expect(&["why", "a.txt"], 0).await;
    assert_eq!(happened(&old.stdout), lines, "the same history");
    old.prints(&["bucket        nothing there", "its file has another name in the file manager now, b.txt: `s3-sync why` goes on there"]);
    assert_eq!(stage.expect(&["why", "a.txt", "--json"], 0).await.json()["state"], "absent");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_shows_a_failure_once_with_its_attempts_and_the_next_one() {
    let mut stage = Stage::with(&["bad.txt"]).await;
    stage.setting("RETRY_ATTEMPTS", "2");
    stage.api().order(Fault::new(FaultAction::status(503)).operation("create").path("bad.txt").always());
    stage.expect(&["initial-sync"], 3).await;
    let ran = stage.expect(&["why", "bad.txt"], 0).await;
    assert!(happened(&ran.stdout)[0].starts_with("1: create failed, 2 attempts, last failure file_manager_503 (saveToDisk"), "{ran:?}");
    ran.prints(&[
        "pending       parked, file_manager_503, failed runs 1, next attempt 20",
        "open          create of bad.txt, decided in run 1, key ",
    ]);
    ran.prints(&[
        "has nothing there that we know of",
        "answer        it failed in 1 run, at last with file_manager_503 (",
        "it is tried again in the first cycle after 20",
    ]);
    stage.expect(&["reconcile"], 3).await;
    let again = stage.expect(&["why", "bad.txt"], 0).await;
    again.prints(&["it failed in 2 runs"]);
    assert_eq!(happened(&again.stdout), happened(&ran.stdout), "the same failure is no new entry");
    stage.api().clear_faults();
    stage.expect(&["reconcile"], 0).await;
    let done = stage.expect(&["why", "bad.txt"], 0).await;
    assert!(happened(&done.stdout).last().is_some_and(|line| line.starts_with("3: create applied, 18 bytes")), "{done:?}");
    done.prints(&["nothing is to be done"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_names_the_flag_that_sends_a_held_delete() {
    let keys: Vec<String> = (0..12).map(|number| format!("{number}.txt")).collect();
    let stage = Stage::with(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    stage.expect(&["initial-sync"], 0).await;
    for key in keys.iter().skip(1) {
        stage.s3.server().remove(BUCKET, key);
    }
    stage.expect(&["reconcile"], 5).await;
    let held = stage.expect(&["why", "7.txt"], 0).await;
    held.prints(&["pending       held, absent from the bucket", "the guard holds its delete: 11 deletes are more than MAX_DELETE allows"]);
    held.prints(&["`s3-sync reconcile --allow-deletes 11` sends them"]);
    stage.expect(&["reconcile", "--allow-deletes", "11"], 0).await;
    let gone = stage.expect(&["why", "7.txt"], 0).await;
    assert!(happened(&gone.stdout)[0].starts_with("3: delete deleted, 1 attempt; decided in run 3, key "), "{gone:?}");
    gone.prints(&["it is not in the bucket, and was deleted from the file manager in run 3: nothing is to be done"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_reads_beside_a_daemon_and_shows_what_waits_in_the_inbox() {
    let stage = Stage::with(&["a.txt"]).await;
    let daemon = stage.daemon_at_rest().await;
    stage.expect(&["why", "a.txt"], 0).await.prints(&["nothing is to be done"]);
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
    let opened = State::open(&stage.path("data/sync.db")).await.expect("a state");
    let event = Event::new(EventKind::Delete, key("a.txt"));
    let batch = ["a.txt", "a.txt.old"].map(|path| Ok(Event { path: key(path), ..event.clone() }));
    let batch = batch.map(|outcome| Received { source: EventChannel::Sqs, outcome });
    opened.inbox().receive(batch.to_vec(), Timestamp::UNIX_EPOCH).await.expect("stored");
    drop(opened);
    let ran = stage.expect(&["why", "a.txt"], 0).await;
    ran.prints(&["1970-01-01T00:00:00Z  waits: sqs reported delete", "answer        an event about it waits: the next cycle looks"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_says_so_when_nothing_is_known_of_a_key() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["why", "a.txt"], 1).await.says(&["data/sync.db", "there is none yet"]);
    assert!(stage.left_behind().is_empty(), "{:?}", stage.left_behind());
    stage.expect(&["initial-sync"], 0).await;
    let unknown = stage.expect(&["why", "/a.txt"], 1).await;
    unknown.says(&["nothing is known of /a.txt", "without a slash before it"]);
    assert_eq!(unknown.stdout, "");
    stage.expect(&["why", ""], 2).await.says(&["an object key must not be empty"]);
    stage.setting("CUSTOMER_S3_PREFIX", "docs/");
    stage.expect(&["why", "b.txt"], 1).await.says(&["it does not begin with CUSTOMER_S3_PREFIX"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_key_is_found_and_controls_no_terminal() {
    let key = "-\u{1b}[2J\nrun 9: forged\u{202e}txt.exe";
    let stage = Stage::with(&[key]).await;
    stage.api().order(Fault::new(FaultAction::status(400)).operation("create").always());
    stage.expect(&["initial-sync"], 3).await;
    let ran = stage.expect(&["why", "--", key], 0).await;
    ran.prints(&["key           -\\u{1b}[2J\\u{a}run 9: forged\\u{202e}txt.exe", "file_manager_400"]);
    let json = stage.expect(&["why", "--json", "--", key], 0).await;
    assert_eq!(json.json()["key"], key);
    for shown in [&ran.stdout, &json.stdout] {
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    }
}
