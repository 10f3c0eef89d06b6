//! An endpoint fails during the work or before the start: the service reports it, loses nothing, and catches up afterwards.

use crate::crashes::in_sync;
use crate::engine::docker;
use crate::file_manager::{hanging_creates, slow_creates};
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn s3_is_killed_and_started_again_in_the_middle_of_an_initial_sync() {
    let mut stage = Stage::with("a/", 60).await;
    stage.setting("CONCURRENCY", "4");
    stage.setting("RETRY_ATTEMPTS", "1");
    let files = stage.files().await;
    // The work takes seconds, because a container engine under load needs time for a kill.
    files.order(&slow_creates(500)).await;
    let enough = files.calls_in_all().await + 20;
    let service = stage.start(&["initial-sync"]).await;
    files.wait_for_calls(enough).await;
    docker(&["kill", "--signal", "KILL", &stage.name("source")]).await;
    let ended = service.ended().await.expect(1);
    ended.says(&["check CUSTOMER_S3_ENDPOINT"]);
    docker(&["start", &stage.name("source")]).await;
    stage.run(&["setup", "--wait", "60"]).await.expect(0);
    files.no_faults().await;
    stage.run(&["initial-sync"]).await.expect(0);
    in_sync(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_is_paused_in_the_middle_of_a_body() {
    let mut stage = Stage::with("a/", 2).await;
    stage.setting("CUSTOMER_S3_TIMEOUT", "2");
    stage.setting("RETRY_ATTEMPTS", "1");
    // Larger than the socket buffers on the way.
    stage.bucket().await.put("large.bin", vec![b'x'; 64 << 20]).await;
    let files = stage.files().await;
    let slow = mock_api::Fault::new(mock_api::FaultAction::SlowRead { pause_millis: 50 }).path("large.bin").operation("create");
    files.order(&slow).await;
    // A set or get of permissions and a create for each of the three files.
    let enough = files.calls_in_all().await + 6;
    let service = stage.start(&["initial-sync"]).await;
    files.wait_for_calls(enough).await;
    docker(&["pause", &stage.name("source")]).await;
    let ended = service.ended().await;
    docker(&["unpause", &stage.name("source")]).await;
    assert!([1, 3].contains(&ended.code), "{ended:#?}");
    assert!(!files.digests().await.contains_key("large.bin"), "half a body is no file");
    files.no_faults().await;
    stage.run(&["initial-sync"]).await.expect(0);
    in_sync(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_manager_is_cut_off_for_longer_than_a_deadline_and_the_daemon_catches_up_by_itself() {
    let mut stage = Stage::with("a/", 60).await;
    stage.setting("CONCURRENCY", "4");
    stage.setting("RETRY_ATTEMPTS", "1");
    stage.setting("SYNC_INTERVAL", "1");
    let files = stage.files().await;
    files.order(&hanging_creates()).await;
    let daemon = stage.start(&["daemon"]).await;
    // The maximum number in flight, each received completely. If a call were cut off within its body, the double would get no
    // more bytes and never free its key.
    files.wait_for_hanging(4).await;
    docker(&["network", "disconnect", &stage.network(), &stage.name("files")]).await;
    // No packet reports the failure: the calls in flight time out after a minute.
    daemon.logs("waiting for unreachable endpoints: file manager", 1).await;
    let status = daemon.ask("status").await.well();
    assert!(status.contains("status        error") && status.contains("check FILE_MANAGER_API_URL"), "{status}");
    assert!(!daemon.ask("health").await.success, "it cannot do its work");
    docker(&["network", "connect", &stage.network(), &stage.name("files")]).await;
    let files = stage.files().await;
    files.no_faults().await;
    files.holds(60).await;
    daemon.healthy().await;
    in_sync(&stage).await;
    daemon.stop(40).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_reports_wrong_credentials_and_a_missing_bucket_at_the_start_and_recovers() {
    let mut stage = Stage::bare(&[]).await;
    stage.run(&["setup", "--wait", "60", "--create-buckets"]).await.expect(0);
    stage.setting("CUSTOMER_S3_SECRET_KEY", "wrong");
    stage.run(&["initial-sync"]).await.expect(1).says(&["check CUSTOMER_S3_ACCESS_KEY"]);
    stage.setting("CUSTOMER_S3_SECRET_KEY", crate::stage::SECRET_KEY);
    stage.setting("CUSTOMER_S3_BUCKET", "not-there-yet");
    stage.run(&["setup", "--wait", "0"]).await.expect(1).says(&["there is no bucket not-there-yet"]);
    stage.run(&["initial-sync"]).await.expect(1).says(&["create the bucket, or correct CUSTOMER_S3_BUCKET"]);
    stage.run(&["setup", "--create-buckets"]).await.expect(0);
    stage.run(&["initial-sync", "--new-source"]).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_waits_for_an_endpoint_that_starts_late_and_fills_an_empty_bucket_once() {
    let stage = Stage::bare(&[]).await;
    docker(&["network", "disconnect", &stage.network(), &stage.name("files")]).await;
    let waiting = stage.start_with_test_data(&["setup", "--wait", "240", "--create-buckets", "--seed", "/test-data"]).await;
    docker(&["network", "connect", &stage.network(), &stage.name("files")]).await;
    waiting.ended().await.expect(0).says(&["created", "22 objects from /test-data"]);
    let again = stage.start_with_test_data(&["setup", "--create-buckets", "--seed", "/test-data"]).await;
    again.ended().await.expect(0).says(&["there", "left alone"]);
    stage.run(&["initial-sync"]).await.expect(0).says(&["22 created"]);
    in_sync(&stage).await;
}
