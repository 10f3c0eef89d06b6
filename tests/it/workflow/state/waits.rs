//! Waits: a wait that a server requests is respected, and a failed path waits longer after each run. Uses tokio's paused clock,
//! so no test waits in real time.

use super::super::scene::{Scene, in_memory, key};
use async_trait::async_trait;
use mock_api::{Fault, FaultAction};
use s3_sync::file_manager::{FileManager, FileManagerError, FileManagerErrorKind, IdempotencyKey, SaveOperation, SaveRequest, Saved};
use s3_sync::record::{ObjectKey, Permissions};
use s3_sync::retry::RetryPolicy;
use s3_sync::s3::{self, Call, S3ErrorKind};
use s3_sync::state::RunOutcome;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// The calls with their times.
type Asked = Arc<Mutex<Vec<(String, Instant)>>>;

/// A file manager without a network: records each effect, and refuses as many as a test orders.
struct Refusing {
    asked: Asked,
    operation: SaveOperation,
    kinds: Mutex<Vec<FileManagerErrorKind>>,
}

#[async_trait]
impl FileManager for Refusing {
    async fn health(&self) -> Result<(), FileManagerError> {
        Ok(())
    }

    async fn permissions(&self, _: &ObjectKey) -> Result<Permissions, FileManagerError> {
        Ok(Permissions::default())
    }

    async fn set_permissions(&self, _: &ObjectKey, wanted: &Permissions, _: IdempotencyKey) -> Result<Permissions, FileManagerError> {
        Ok(wanted.clone())
    }

    async fn save(&self, request: SaveRequest) -> Result<Saved, FileManagerError> {
        self.asked.lock().expect("no panic").push((request.path.as_str().to_owned(), Instant::now()));
        let refusal = if request.operation == self.operation { self.kinds.lock().expect("no panic").pop() } else { None };
        let size = request.content.map(|content| content.size);
        match refusal {
            Some(kind) => Err(FileManagerError { call: "saveToDisk", subject: String::new(), kind, message: "ordered".to_owned() }),
            None => Ok(Saved { internal_id: None, size, metadata: None }),
        }
    }
}

fn refusing(scene: &mut Scene, operation: SaveOperation, kinds: &[FileManagerErrorKind]) -> Asked {
    let asked = Asked::default();
    let file_manager = Refusing { asked: asked.clone(), operation, kinds: Mutex::new(kinds.to_vec()) };
    scene.program.endpoints.file_manager = Arc::new(file_manager);
    scene.program.endpoints.reports = None;
    asked
}

/// The waits between the calls.
fn gaps(asked: &Asked) -> Vec<Duration> {
    let times: Vec<_> = asked.lock().expect("no panic").iter().map(|(_, at)| *at).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// One run without a time limit: a paused clock jumps to the next moment that a task waits for.
async fn run_to_success(scene: &Scene) {
    let ended = scene.program.run().await.expect("the state can be used");
    assert_eq!(ended.outcome, RunOutcome::Done, "{}", ended.report);
}

fn busy(status: u16, after_secs: u64) -> FileManagerErrorKind {
    FileManagerErrorKind::Busy { status, after: Some(Duration::from_secs(after_secs)) }
}

#[tokio::test]
async fn a_wait_requested_by_the_file_manager_precedes_the_next_attempt() {
    for status in [503, 429, 409] {
        let (bucket, mut scene) = in_memory().await;
        let asked = refusing(&mut scene, SaveOperation::Create, &[busy(status, 2), busy(status, 30)]);
        bucket.put(key("a"), "a");
        tokio::time::pause();
        run_to_success(&scene).await;
        let gaps = gaps(&asked);
        assert!(gaps.len() == 2 && gaps[0] >= Duration::from_secs(30) && gaps[1] >= Duration::from_secs(2), "{status}: {gaps:?}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_delete_too_waits_as_long_as_the_endpoint_asks() {
    let (bucket, mut scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.put(key("b"), "b");
    let asked = refusing(&mut scene, SaveOperation::Delete, &[busy(503, 45)]);
    scene.run_to_success().await;
    bucket.remove(&key("b"));
    asked.lock().expect("no panic").clear();
    tokio::time::pause();
    run_to_success(&scene).await;
    let gaps = gaps(&asked);
    assert!(gaps.len() == 1 && gaps[0] >= Duration::from_secs(45), "{gaps:?}");
}

#[tokio::test]
async fn a_wait_requested_by_the_store_precedes_every_next_call() {
    for operation in ["ListObjectsV2", "GetObject", "HeadObject", "HeadBucket"] {
        let (bucket, mut scene) = in_memory().await;
        bucket.put(key("a"), "a");
        bucket.put(key("b"), "b");
        refusing(&mut scene, SaveOperation::Get, &[]);
        scene.run_to_success().await;
        bucket.put(key("a"), "changed");
        bucket.remove(&key("b"));

        let asked = Asked::default();
        let (noted, mut refusals) = (asked.clone(), 1);
        bucket.on_call(move |call: &Call<'_>| {
            if call.operation() != operation {
                return None;
            }
            noted.lock().expect("no panic").push((operation.to_owned(), Instant::now()));
            let slow_down = S3ErrorKind::Throttled { after: Some(Duration::from_mins(1)) };
            (std::mem::take(&mut refusals) > 0).then_some(s3::Fault::Error(slow_down))
        });
        tokio::time::pause();
        run_to_success(&scene).await;
        tokio::time::resume();
        let gaps = gaps(&asked);
        assert!(gaps.first().is_some_and(|gap| *gap >= Duration::from_mins(1)), "{operation}: {gaps:?}");
    }
}

#[tokio::test]
async fn a_requested_wait_longer_than_the_budget_of_a_call_is_not_kept() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.options.retry = RetryPolicy { budget: Duration::from_mins(2), ..scene.program.options.retry };
    let asked = refusing(&mut scene, SaveOperation::Create, &[busy(503, 3600)]);
    bucket.put(key("a"), "a");
    tokio::time::pause();
    let begun = Instant::now();
    let ended = scene.program.run().await.expect("the state can be used");
    assert_eq!((ended.outcome, ended.report.pending.parked), (RunOutcome::Partial, 1));
    assert_eq!(asked.lock().expect("no panic").len(), 1);
    assert!(begun.elapsed() < Duration::from_mins(2));
}

#[tokio::test]
async fn repeated_failures_double_the_wait_up_to_a_limit() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.api.api().order(Fault::new(FaultAction::status(422)).operation("create").always());
    let mut waits = Vec::new();
    for _ in 0..10 {
        let ended = scene.run().await;
        let next: jiff::Timestamp = ended.report.pending.next_attempt.expect("a next attempt").parse().expect("a time");
        waits.push(next.duration_since(scene.program.clock.now()).as_mins());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]);
}
