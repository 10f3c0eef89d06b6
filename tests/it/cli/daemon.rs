//! `daemon`: starts, works by itself, and ends. Its requests and unreachable endpoints have their own files.

use super::stage::{BUCKET, Stage};
use crate::crash::Process;
use mock_api::{Fault, FaultAction};
use mock_s3::{Fault as S3Fault, Gate, Matcher};

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_runs_the_initial_sync_then_scheduled_cycles_and_ends_cleanly_on_a_signal() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.setting("SYNC_CRON", "* * * * * *");
    // Without any command.
    let mut daemon = Process::of(stage.start(&[]));
    for run in 1..=3 {
        daemon.says(&format!("run={run} outcome=\"done\"")).await.expect("runs come by themselves");
    }
    assert_eq!(stage.api().effects().of("a.txt", "create"), 1);
    let status = stage.expect(&["status", "--json"], 0).await.json();
    assert_eq!((&status["daemon"]["pid"], &status["in_use_by"]["command"]), (&daemon.id().into(), &"daemon".into()), "{status}");
    assert!(status["next_run"].is_string(), "{status}");
    let kinds: Vec<_> = status["runs"].as_array().expect("runs").iter().rev().take(2).map(|run| run["kind"].clone()).collect();
    assert_eq!(kinds, ["initial", "incremental"]);
    assert_eq!(stage.left_behind().get(&stage.path("data/sync.db.sock")), Some(&0o600));
    daemon.signal("TERM").await;
    let ended = daemon.end().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    assert!(!stage.path("data/sync.db.sock").exists());
    // The signal may have arrived during a cycle.
    stage.expect(&["incremental-sync"], 0).await;
    stage.expect(&["status"], 0).await.prints(&["status        healthy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_begins_cycles_too_and_a_restart_begins_with_one() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    stage.setting("SYNC_INTERVAL", "1");
    let mut daemon = stage.daemon();
    for run in 2..=4 {
        daemon.says(&format!("run={run} outcome=\"done\"")).await.expect("runs come by themselves");
    }
    daemon.signal("INT").await;
    assert_eq!(daemon.end().await.code, Some(0));
    let status = stage.expect(&["status", "--json"], 0).await.json();
    assert!(status["runs"].as_array().expect("runs").iter().take(3).all(|run| run["kind"] == "incremental"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_names_the_process_that_holds_the_state() {
    let stage = Stage::with(&["a.txt"]).await;
    let daemon = stage.daemon_at_rest().await;
    let requests = stage.s3.server().counters().requests;
    let holder = format!("in use by process {} on ", daemon.id());
    stage.expect(&["daemon"], 4).await.says(&[&holder, " (s3-sync daemon, since "]);
    assert_eq!(stage.s3.server().counters().requests, requests, "the loser calls no endpoint");
    stage.expect(&["health"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_finishes_work_in_flight_before_it_ends_and_begins_nothing_new() {
    let mut stage = Stage::with(&["a.txt", "b.txt", "c.txt"]).await;
    stage.setting("CONCURRENCY", "1");
    let gate = Gate::new();
    stage.s3.server().order(Matcher::operation("GetObject"), S3Fault::Hold(gate.clone()));
    let mut daemon = stage.daemon();
    daemon.lives_until(gate.arrived(1)).await.expect("an object is in flight");
    daemon.signal("TERM").await;
    daemon.says("stopping: ").await.expect("it says that it stops");
    gate.open();
    let ended = daemon.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(stage.api().effects().total, 1);
    stage.expect(&["status"], 0).await.prints(&["initial stopped", "run 1 was stopped by a signal"]);
    let daemon = stage.daemon();
    stage.api().wait_for_calls(|calls| calls.iter().filter(|call| call.operation.as_deref() == Some("create")).count() >= 3).await;
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
    assert_eq!(stage.api().effects().of("a.txt", "create"), 1, "what was finished was recorded as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_delays_the_daemons_end_no_longer_than_the_limit_and_a_second_signal_ends_it_at_once() {
    for (timeout, signals, code) in [("1", 1, 0), ("3600", 2, 143)] {
        let mut stage = Stage::with(&["a.txt"]).await;
        stage.setting("SHUTDOWN_TIMEOUT", timeout);
        stage.api().order(Fault::new(FaultAction::Hang).operation("create").always());
        let mut daemon = stage.daemon();
        let hangs = |calls: &[mock_api::Call]| calls.iter().any(|call| call.state == mock_api::CallState::Hanging);
        daemon.lives_until(stage.api().wait_for_calls(hangs)).await.expect("a create hangs");
        daemon.signal("TERM").await;
        daemon.says("stopping: ").await.expect("it says that it stops");
        if signals == 2 {
            daemon.signal("TERM").await;
        }
        let ended = daemon.end().await;
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        stage.api().clear_faults();
        stage.expect(&["initial-sync"], 0).await;
        assert_eq!(stage.api().effects().of("a.txt", "create"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_next_daemon_replaces_the_socket_and_goes_on() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.daemon_at_rest().await.kill().await;
    assert!(stage.path("data/sync.db.sock").exists());
    stage.expect(&["health"], 1).await.says(&["no daemon of data/sync.db answers"]);
    // No process listens on the leftover socket, so the command does the work itself.
    stage.expect(&["reconcile"], 0).await.prints(&["run 2"]);
    let mut daemon = stage.daemon();
    daemon.says("run=3 outcome=\"done\"").await.expect("a cycle");
    stage.expect(&["health"], 0).await.prints(&["healthy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_refuses_wrong_settings_and_states_before_it_begins() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.setting("SYNC_CRON", "every day");
    stage.setting("SYNC_INTERVAL", "0");
    stage.setting("RECONCILE_CRON", "3");
    let ran = stage.expect(&["daemon"], 2).await;
    ran.says(&["3 problems", "SYNC_CRON is \"every day\"", "six fields", "SYNC_INTERVAL is \"0\"", "RECONCILE_CRON is \"3\"", "or `off`"]);
    for name in ["SYNC_CRON", "SYNC_INTERVAL"] {
        stage.without(name);
    }
    stage.setting("RECONCILE_CRON", "0 0 3 30 2 *");
    stage.expect(&["daemon"], 2).await.says(&["RECONCILE_CRON", "it never fires"]);
    assert!(stage.left_behind().is_empty());
    stage.setting("RECONCILE_CRON", "off");
    stage.expect(&["initial-sync"], 0).await;
    stage.setting("CUSTOMER_S3_BUCKET", "other-bucket");
    stage.expect(&["daemon"], 2).await.says(&[BUCKET, "other-bucket", "--new-source"]);
}
