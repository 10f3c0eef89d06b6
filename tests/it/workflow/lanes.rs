//! Concurrency: never more operations than `CONCURRENCY`, as many as that while there is work, and never large objects only.

use super::scene::{BUCKET, Scene, in_memory, key, over_http};
use async_trait::async_trait;
use mock_s3::{Fault, Gate, Matcher};
use s3_sync::file_manager::{FileManager, FileManagerError, IdempotencyKey, SaveRequest, Saved};
use s3_sync::record::{ObjectKey, Permissions};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Barrier;

/// An object of at least this size is large.
const LARGE_BYTES: u64 = 8 << 20;

/// A wait that would never end if the code were wrong fails after this time.
const FOR_EVER: Duration = Duration::from_mins(1);

/// A file manager at which saves wait for each other until the expected number is in flight.
struct Meeting {
    inner: Arc<dyn FileManager>,
    barrier: Barrier,
    in_flight: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl FileManager for Meeting {
    async fn health(&self) -> Result<(), FileManagerError> {
        self.inner.health().await
    }

    async fn permissions(&self, path: &ObjectKey) -> Result<Permissions, FileManagerError> {
        self.inner.permissions(path).await
    }

    async fn set_permissions(&self, path: &ObjectKey, wanted: &Permissions, key: IdempotencyKey) -> Result<Permissions, FileManagerError> {
        self.inner.set_permissions(path, wanted, key).await
    }

    async fn save(&self, request: SaveRequest) -> Result<Saved, FileManagerError> {
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.barrier.wait().await;
        let saved = self.inner.save(request).await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        saved
    }
}

fn meet(scene: &mut Scene, at_a_time: usize) -> Arc<Meeting> {
    let inner = scene.program.endpoints.file_manager.clone();
    let barrier = Barrier::new(at_a_time);
    let meeting = Arc::new(Meeting { inner, barrier, in_flight: AtomicUsize::new(0), most: AtomicUsize::new(0) });
    scene.program.endpoints.file_manager = meeting.clone();
    meeting
}

#[tokio::test]
async fn as_many_operations_as_configured_are_in_flight_and_never_one_more() {
    for at_a_time in [1, 3, 8] {
        let (bucket, mut scene) = in_memory().await;
        scene.program.options.concurrency = at_a_time;
        (0..at_a_time * 5).for_each(|number| bucket.put(key(&format!("f{number:02}")), "x"));
        let meeting = meet(&mut scene, at_a_time);
        // With fewer in flight, the saves would wait for each other for ever.
        tokio::time::timeout(FOR_EVER, scene.run_to_success()).await.expect("they meet");
        assert_eq!(meeting.most.load(Ordering::SeqCst), at_a_time);
        assert_eq!(scene.contents().len(), at_a_time * 5);
    }
}

#[tokio::test]
async fn the_store_never_sees_more_concurrent_requests_than_configured() {
    let (server, mut scene) = over_http().await;
    scene.program.options.concurrency = 4;
    for number in 0..40 {
        server.server().put(BUCKET, &format!("f{number:02}"), "x", None);
    }
    let gate = Gate::new();
    server.server().order(Matcher::operation("GetObject").times(4), Fault::Hold(gate.clone()));
    server.server().order(Matcher::operation("GetObject"), Fault::Delay(Duration::from_millis(5)));
    let run = scene.start();
    gate.arrived(4).await;
    assert_eq!(server.server().counters().operations["GetObject"], 4);
    gate.open();
    run.await.expect("it ends").expect("the state can be used");
    assert_eq!(scene.contents().len(), 40);
    // The server notices the end of an answer slightly later than the client.
    let most = server.server().counters().most_at_once;
    assert!((4..=5).contains(&most), "{most}");
}

#[tokio::test]
async fn large_objects_that_hang_leave_permits_to_the_small_ones() {
    let (server, mut scene) = over_http().await;
    scene.program.options.concurrency = 4;
    // Their keys are before those of all small ones.
    let large: Vec<_> = (0..6).map(|number| format!("a large one {number}")).collect();
    for (seed, name) in large.iter().enumerate() {
        server.server().put_generated(BUCKET, name, LARGE_BYTES, seed as u64);
    }
    for number in 0..30 {
        server.server().put(BUCKET, &format!("small {number:02}"), "x", None);
    }
    let gate = Gate::new();
    for name in &large {
        server.server().order(Matcher::operation("GetObject").key(name), Fault::Hold(gate.clone()));
    }
    let run = scene.start();
    gate.arrived(1).await;
    let small_ones_are_there = scene.api.api().wait_for_calls(|calls| {
        let answered = |call: &&mock_api::Call| call.operation.as_deref() == Some("create") && call.status == Some(200);
        calls.iter().filter(answered).count() == 30
    });
    tokio::time::timeout(FOR_EVER, small_ones_are_there).await.expect("a place is left for the small ones");
    let read =
        |request: &&mock_s3::Request| request.operation == "GetObject" && request.key.as_ref().is_some_and(|key| large.contains(key));
    let held = server.server().requests().iter().filter(read).count();
    assert_eq!(held, 1, "of four places, large objects take one");

    gate.open();
    assert!(run.await.expect("it ends").expect("the state can be used").report.success);
    assert_eq!(scene.contents().len(), 36);
}

#[tokio::test]
async fn a_concurrency_of_one_serves_large_and_small_objects() {
    let (server, mut scene) = over_http().await;
    scene.program.options.concurrency = 1;
    server.server().put_generated(BUCKET, "large", LARGE_BYTES, 1);
    server.server().put(BUCKET, "small", "x", None);
    tokio::time::timeout(FOR_EVER, scene.run_to_success()).await.expect("neither waits for the other");
    assert_eq!(scene.contents().len(), 2);
}
