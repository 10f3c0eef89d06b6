//! The daemon in its container: the whole workflow, a graceful stop, a second daemon, kills during cycles, a failing endpoint.

use crate::crashes::in_sync;
use crate::engine::docker;
use crate::file_manager::slow_creates;
use crate::stage::Stage;
use serde_json::{Value, json};

const KILLS: usize = 20;

fn event(kind: &str, path: &str) -> Value {
    json!({ "event_type": kind, "file_path": format!("/{path}"), "new_path": null, "metadata": null, "timestamp": "2026-11-21T10:00:00Z" })
}

fn pair(kind: &str, from: &str, to: &str) -> Value {
    let mut event = event(kind, from);
    event["new_path"] = json!(format!("/{to}"));
    event
}

fn permissions(kind: &str, path: &str, permissions: &str) -> Value {
    let mut event = event(kind, path);
    event["metadata"] = json!({ "permissions": permissions });
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_workflow_with_all_five_types_of_events() {
    let stage = Stage::with("a/", 6).await;
    let (bucket, files) = (stage.bucket().await, stage.files().await);
    let daemon = stage.start(&["daemon"]).await;
    daemon.healthy().await;
    daemon.ask("initial-sync").await.well();
    in_sync(&stage).await;
    for (from, to) in [("a/001.txt", "a/renamed.txt"), ("a/002.txt", "b/002.txt")] {
        bucket.put(to, format!("this is {from}\n").into_bytes()).await;
        bucket.delete(from).await;
    }
    bucket.delete("a/000.txt").await;
    bucket.put_many("new", 2).await;
    files.forget_calls().await;
    let feed = [
        permissions("create", "new000.txt", "rw-------"),
        event("create", "new001.txt"),
        permissions("change_permission", "a/003.txt", "r--r--r--"),
        permissions("change_permission", "a/004.txt", "rwx------"),
        event("delete", "a/000.txt"),
        pair("rename", "a/001.txt", "a/renamed.txt"),
        pair("move", "a/002.txt", "b/002.txt"),
    ];
    files.feed(&feed).await;
    daemon.ask("incremental-sync").await.well();
    let expected = [
        "create new000.txt",
        "create new001.txt",
        "delete a/000.txt",
        "get new001.txt",
        "move a/002.txt b/002.txt",
        "rename a/001.txt a/renamed.txt",
        "set a/003.txt",
        "set a/004.txt",
        "set new000.txt",
    ];
    assert_eq!(files.arrived().await, expected);
    files.forget_calls().await;
    daemon.ask("incremental-sync").await.well();
    assert_eq!(files.arrived().await, [""; 0]);
    in_sync(&stage).await;
    daemon.stop(40).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_stop_drains_and_ends_with_0_in_the_middle_of_a_run() {
    let mut stage = Stage::with("a/", 60).await;
    stage.setting("CONCURRENCY", "4");
    let files = stage.files().await;
    files.order(&slow_creates(500)).await;
    let enough = files.calls_in_all().await + 20;
    let daemon = stage.start(&["daemon"]).await;
    files.wait_for_calls(enough).await;
    daemon.stop(40).await.expect(0);
    assert!((1..60).contains(&files.digests().await.len()), "it was stopped in the middle");
    files.no_faults().await;
    stage.run(&["initial-sync"]).await.expect(0);
    in_sync(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_volume_ends_with_4_and_names_the_first() {
    let stage = Stage::with("a/", 3).await;
    let daemon = stage.start(&["daemon"]).await;
    daemon.healthy().await;
    let first = docker(&["inspect", "--format", "{{.Config.Hostname}}", daemon.id()]).await;
    stage.run(&["daemon"]).await.expect(4).says(&["s3-sync daemon", &format!("process 1 on {first}")]);
    daemon.healthy().await;
    daemon.stop(40).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_twenty_times_in_the_middle_of_its_cycles() {
    let mut stage = Stage::with("a/", 5).await;
    stage.run(&["initial-sync"]).await.expect(0);
    stage.setting("CONCURRENCY", "4");
    stage.setting("SYNC_INTERVAL", "1");
    let (bucket, files) = (stage.bucket().await, stage.files().await);
    files.order(&slow_creates(20)).await;
    let mut feed = Vec::new();
    for round in 0..KILLS {
        bucket.put_many(&format!("r{round:02}/"), 10).await;
        feed.extend((0..10).map(|index| event("create", &format!("r{round:02}/{index:03}.txt"))));
        // The feed serves each event once: it does not repeat events that a killed daemon has received.
        files.feed_with_cursor(&feed).await;
        files.forget_calls().await;
        let daemon = stage.start(&["daemon"]).await;
        // At least ten creates follow; each round kills at another one.
        files.wait_for_creates(1 + round % 10).await;
        daemon.kill().await;
    }
    files.no_faults().await;
    // No reconcile runs, because it would find what a cycle has lost.
    stage.run(&["incremental-sync"]).await.expect(0);
    in_sync(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_manager_is_cut_off_and_the_daemon_says_so_and_catches_up_by_itself() {
    let mut stage = Stage::with("a/", 3).await;
    stage.setting("SYNC_INTERVAL", "1");
    stage.setting("RETRY_ATTEMPTS", "1");
    let daemon = stage.start(&["daemon"]).await;
    daemon.healthy().await;
    daemon.ask("initial-sync").await.well();
    docker(&["network", "disconnect", &stage.network(), &stage.name("files")]).await;
    stage.bucket().await.put_many("late/", 5).await;
    // The daemon's probes of the endpoint have failed repeatedly.
    daemon.logs("WARN", 1).await;
    daemon.logs("waiting for unreachable endpoints: file manager", 3).await;
    let status = daemon.ask("status").await.well();
    assert!(status.contains("status        error") && status.contains("check FILE_MANAGER_API_URL"), "{status}");
    let health = daemon.ask("health").await;
    assert!(!health.success && health.stdout.contains("waiting for unreachable endpoints: file manager"), "{health:?}");
    docker(&["network", "connect", &stage.network(), &stage.name("files")]).await;
    let files = stage.files().await;
    let events: Vec<_> = (0..5).map(|index| event("create", &format!("late/{index:03}.txt"))).collect();
    files.feed(&events).await;
    // No command requests it.
    files.holds(8).await;
    daemon.healthy().await;
    in_sync(&stage).await;
    daemon.stop(40).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_reports_wrong_credentials_and_a_missing_bucket_and_recovers_from_both() {
    const LATER: &str = "the-password-that-comes-later";
    let mut stage = Stage::bare(&[]).await;
    stage.setting("CUSTOMER_S3_SECRET_KEY", LATER);
    let daemon = stage.start(&["daemon"]).await;
    daemon.logs("check CUSTOMER_S3_ACCESS_KEY", 1).await;
    assert!(daemon.ask("status").await.well().contains("check CUSTOMER_S3_ACCESS_KEY"));
    stage.replace_source(LATER).await;
    daemon.logs("create the bucket, or correct CUSTOMER_S3_BUCKET", 1).await;
    assert!(daemon.ask("status").await.well().contains("create the bucket, or correct CUSTOMER_S3_BUCKET"));
    let setup = stage.start_with_test_data(&["setup", "--create-buckets", "--seed", "/test-data"]).await;
    setup.ended().await.expect(0).says(&["22 objects from /test-data"]);
    stage.files().await.holds(22).await;
    daemon.healthy().await;
    daemon.stop(40).await.expect(0);
}
