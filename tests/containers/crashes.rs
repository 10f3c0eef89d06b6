//! The service is stopped by a signal or SIGKILL during its work and started again: nothing is lost or done twice.

use crate::engine::docker;
use crate::file_manager::{hanging_creates, slow_creates};
use crate::stage::Stage;

const KILLS: u64 = 20;

/// Asserts that bucket and file manager hold the same.
pub(crate) async fn in_sync(stage: &Stage) {
    let (bucket, files) = (stage.bucket().await.digests().await, stage.files().await.digests().await);
    assert!(!bucket.is_empty());
    assert_eq!(bucket, files);
    stage.files().await.nothing_is_doubled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_twenty_times_in_the_middle_of_its_work() {
    let mut stage = Stage::with("a/", 10).await;
    stage.setting("CONCURRENCY", "4");
    stage.setting("LIST_PAGE_KEYS", "7");
    stage.files().await.order(&slow_creates(20)).await;
    let (mut kills, mut rounds) = (0, 0);
    while kills < KILLS {
        assert!(rounds < 4 * KILLS, "{kills} kills in {rounds} runs");
        stage.bucket().await.put_many(&format!("r{rounds:02}/"), 10).await;
        let files = stage.files().await;
        // At another moment in every round: during the listing, the first effects, the last ones.
        let enough = files.calls_in_all().await + 1 + 3 * (rounds % 6);
        let service = stage.start(&["initial-sync"]).await;
        tokio::select! {
            () = files.wait_for_calls(enough) => {
                service.kill().await;
                kills += 1;
            }
            ended = service.ended() => drop(ended.expect(0)),
        }
        rounds += 1;
    }
    // The first run finishes the open work, the second lists what was added meanwhile.
    stage.run(&["initial-sync"]).await.expect(0);
    stage.run(&["initial-sync"]).await.expect(0);
    in_sync(&stage).await;
    stage.files().await.forget_calls().await;
    stage.run(&["initial-sync"]).await.expect(0).says(&["in sync"]);
    assert_eq!(stage.files().await.arrived().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_stop_finishes_the_work_in_flight() {
    let mut stage = Stage::with("a/", 60).await;
    stage.setting("CONCURRENCY", "4");
    let files = stage.files().await;
    files.order(&slow_creates(500)).await;
    let enough = files.calls_in_all().await + 20;
    let service = stage.start(&["initial-sync"]).await;
    files.wait_for_calls(enough).await;
    let ended = service.stop(40).await.expect(143);
    ended.says(&["stopping: work in flight is finished"]);
    files.no_faults().await;
    stage.run(&["initial-sync"]).await.expect(0);
    in_sync(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_process_1_and_has_no_privileges() {
    let stage = Stage::with("a/", 3).await;
    let files = stage.files().await;
    files.order(&hanging_creates()).await;
    let enough = files.calls_in_all().await + 3;
    let service = stage.start(&["initial-sync"]).await;
    files.wait_for_calls(enough).await;
    let script = "tr '\\0' ' ' </proc/1/cmdline; id -u; grep CapEff /proc/self/status; touch /x 2>&1 || true";
    let inside = docker(&["exec", service.id(), "bash", "-c", script]).await;
    for word in ["s3-sync initial-sync", "10001", "0000000000000000", "Read-only file system"] {
        assert!(inside.contains(word), "{word}: {inside}");
    }
    service.kill().await;
}
