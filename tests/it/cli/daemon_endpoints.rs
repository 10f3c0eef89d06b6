//! Unreachable endpoints while the daemon runs: it waits, reports them, and continues when they are reachable.

use super::stage::Stage;
use mock_api::{Fault, FaultAction};

/// 15: started before the bucket existed, the program exited and was restarted for ever.
#[tokio::test(flavor = "multi_thread")]
async fn defect_15_a_daemon_started_before_the_bucket_exists_waits_reports_it_and_recovers() {
    let mut stage = Stage::set().await;
    stage.setting("CUSTOMER_S3_BUCKET", "late-bucket");
    let mut daemon = stage.daemon();
    daemon.says("waiting for unreachable endpoints: S3: ").await.expect("it says what it waits for");
    stage.expect(&["status"], 0).await.prints(&["status        error", "daemon: waiting for unreachable endpoints: S3: ", "late-bucket"]);
    stage.expect(&["health"], 1).await.prints(&["error", "late-bucket", "create the bucket"]);
    // A client that requests a run gets an answer, and does not wait as long as the daemon.
    stage.expect(&["initial-sync"], 1).await.prints(&["NOT in sync yet", "late-bucket"]);
    stage.s3.server().create_bucket("late-bucket");
    stage.s3.server().put("late-bucket", "a.txt", "a", Some("text/plain"));
    daemon.says("outcome=\"done\"").await.expect("the bucket is found");
    stage.expect(&["health"], 0).await.prints(&["healthy"]);
    assert_eq!(stage.api().files().len(), 1);
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_and_a_file_manager_that_is_not_there_end_nothing() {
    for (name, value, words) in [
        ("CUSTOMER_S3_SECRET_KEY", "wrong".to_owned(), "SignatureDoesNotMatch"),
        ("FILE_MANAGER_API_URL", super::stage::unreachable_address(), "file manager: "),
    ] {
        let mut stage = Stage::with(&["a.txt"]).await;
        stage.setting(name, value);
        let mut daemon = stage.daemon();
        daemon.says(words).await.expect("it says what it waits for");
        stage.expect(&["health"], 1).await;
        daemon.signal("TERM").await;
        let ended = daemon.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(stage.api().files().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_while_the_daemon_runs_is_an_error_until_it_recovers() {
    let stage = Stage::with(&["a.txt"]).await;
    let mut daemon = stage.daemon_at_rest().await;
    stage.put("b.txt", "b");
    stage.api().order(Fault::new(FaultAction::status(401)).operation("create").always());
    stage.expect(&["reconcile"], 1).await.prints(&["stopped: ", "401"]);
    stage.expect(&["health"], 1).await.prints(&["error", "run 2 failed", "401"]);
    stage.api().clear_faults();
    daemon.says("outcome=\"done\"").await.expect("it tries again by itself");
    stage.expect(&["health"], 0).await.prints(&["healthy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_reports_an_unreachable_queue_and_runs_go_on_without_it() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.setting("EVENTS_SQS_QUEUE_URL", format!("{}/123456789012/events", super::stage::unreachable_address()));
    let mut daemon = stage.daemon_at_rest().await;
    daemon
        .lives_until(async { while !stage.run(&["health"]).await.stdout.contains("sqs: the queue is unreachable since ") {} })
        .await
        .expect("health reports it");
    stage.expect(&["reconcile"], 0).await;
    stage.expect(&["status"], 0).await.prints(&[
        "status        degraded",
        "daemon: sqs: the queue is unreachable",
        "endpoint      sqs: unreachable since ",
        "task          sqs: running",
    ]);
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_reports_an_unreachable_events_api_from_the_start_and_runs_go_on_without_it() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.setting("EVENTS_API_URL", super::stage::unreachable_address());
    let mut daemon = stage.daemon();
    daemon.says("runs go on without unreachable endpoints: events API: ").await.expect("it says so before it begins");
    daemon.says("run=1 outcome=\"partial\"").await.expect("the initial sync comes all the same");
    assert_eq!(stage.api().files().len(), 1);
    let health = stage.expect(&["health"], 0).await;
    health.prints(&[
        "degraded",
        "- events API: ",
        "events API: unreachable since ",
        ", runs go on without it: ",
        "S3: reachable since ",
        "file manager: reachable since ",
    ]);
    let status = stage.expect(&["status", "--json"], 0).await.json();
    let endpoints: Vec<_> =
        status["daemon"]["doors"].as_array().expect("a list").iter().map(|endpoint| (&endpoint["name"], &endpoint["open"])).collect();
    assert_eq!(serde_json::json!(endpoints), serde_json::json!([["S3", true], ["events API", false], ["file manager", true]]));
    // The hint was the file manager's.
    let message = status["daemon"]["doors"][1]["message"].as_str().expect("a reason");
    assert!(message.contains("check EVENTS_API_URL, and that the events API is running"), "{message}");
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
}
