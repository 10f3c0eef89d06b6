//! SIGTERM and SIGINT: work in flight ends within a limit, nothing new starts, and the next run continues.

use super::process::Process;
use super::{Scene, key};
use mock_api::{Call, CallName, CallState, FaultAction};
use mock_s3::{Fault, Gate, Matcher};
use std::collections::{BTreeMap, BTreeSet};

const OBJECTS: usize = 30;
const PAGED: [(&str, &str); 2] = [("LIST_PAGE_KEYS", "10"), ("CONCURRENCY", "2")];
const STOPPING: &str = "stopping: ";

/// Starts a run with these settings in addition to the common ones.
fn start(scene: &Scene, settings: &[(&str, &str)]) -> Process {
    scene.start(&["initial-sync"], &[&PAGED[..], settings].concat())
}

/// A further run completes the work: everything was applied once, however often it was sent with its key.
async fn goes_on(scene: &Scene) {
    let run = start(scene, &[]).end().await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let effects = scene.file_manager().effects();
    assert_eq!(effects.total, OBJECTS as u64);
    let mut keys: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for call in creates(scene) {
        keys.entry(call.path).or_default().insert(call.idempotency_key);
    }
    for path in (0..OBJECTS).map(key) {
        assert_eq!(effects.of(&path, "create"), 1, "{path}");
        assert_eq!(keys.get(&Some(path.clone())).map(BTreeSet::len), Some(1), "{path}");
    }
}

fn creates(scene: &Scene) -> Vec<Call> {
    scene.file_manager().calls().into_iter().filter(is_create).collect()
}

fn is_create(call: &Call) -> bool {
    call.call == CallName::SaveToDisk && call.operation.as_deref() == Some("create")
}

/// Makes every create hang, and waits until two do, which is the concurrency.
async fn until_creates_hang(scene: &Scene, process: &mut Process) {
    let hang = |calls: &[Call]| calls.iter().filter(|call| call.state == CallState::Hanging).count() == 2;
    process.lives_until(scene.file_manager().wait_for_calls(hang)).await.expect("two creates hang");
}

fn creates_hang(scene: &Scene) {
    scene.file_manager().order(mock_api::Fault::new(FaultAction::Hang).operation("create").always());
}

#[tokio::test]
async fn a_signal_lets_work_in_flight_finish_and_nothing_new_begin() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let scene = Scene::with_objects(OBJECTS).await;
        let gate = Gate::new();
        scene.bucket().order(Matcher::operation("GetObject"), Fault::Hold(gate.clone()));
        let mut process = start(&scene, &[]);
        process.lives_until(gate.arrived(2)).await.expect("two objects are in flight");
        process.signal(signal).await;
        process.says(STOPPING).await.expect("it says that it stops");
        gate.open();
        let ended = process.end().await;
        assert_eq!(ended.code, Some(code), "{signal}: {}", ended.stderr);
        assert_eq!(scene.file_manager().effects().total, 2, "{signal}: those in flight and no other");
        goes_on(&scene).await;
        assert_eq!(creates(&scene).len(), OBJECTS, "{signal}: what was finished was recorded as well, and not sent again");
    }
}

#[tokio::test]
async fn a_call_that_hangs_delays_the_end_no_longer_than_the_limit() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let scene = Scene::with_objects(OBJECTS).await;
        creates_hang(&scene);
        let mut process = start(&scene, &[("SHUTDOWN_TIMEOUT", "1")]);
        until_creates_hang(&scene, &mut process).await;
        process.signal(signal).await;
        // The hanging call is never released: without the limit, the wait for the end would fail.
        let ended = process.end().await;
        assert_eq!(ended.code, Some(code), "{signal}: {}", ended.stderr);
        scene.file_manager().clear_faults();
        goes_on(&scene).await;
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let scene = Scene::with_objects(OBJECTS).await;
    creates_hang(&scene);
    let mut process = start(&scene, &[("SHUTDOWN_TIMEOUT", "3600")]);
    until_creates_hang(&scene, &mut process).await;
    process.signal("TERM").await;
    process.says(STOPPING).await.expect("it says that it stops");
    process.signal("TERM").await;
    let ended = process.end().await;
    assert_eq!(ended.code, Some(143), "{}", ended.stderr);
    scene.file_manager().clear_faults();
    goes_on(&scene).await;
}

#[tokio::test]
async fn a_stopped_listing_continues_after_its_last_page() {
    let scene = Scene::with_objects(OBJECTS).await;
    let second_page = scene.bucket().order(Matcher::operation("ListObjectsV2").skip(1), Fault::Hang);
    let mut process = start(&scene, &[]);
    process.lives_until(second_page.struck(1)).await.expect("the second page hangs");
    process.signal("INT").await;
    let ended = process.end().await;
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    second_page.withdraw();
    scene.bucket().clear_requests();
    goes_on(&scene).await;
    let pages = scene.bucket().requests().into_iter().filter(|request| request.operation == "ListObjectsV2");
    let pages: Vec<_> = pages.map(|request| (request.is_resumed_listing(), request.begins_after().is_some())).collect();
    assert_eq!(pages, [(true, true), (false, true)], "the first page is not read again, and only the first request resumes");
}
