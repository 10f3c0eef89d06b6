//! The instance lock: the second process ends at once and names the first.

use super::Scene;
use mock_s3::{Fault, Matcher};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_second_process_ends_within_a_second_and_names_the_holder() {
    let scene = Scene::with_objects(3).await;
    let held = scene.bucket().order(Matcher::operation("ListObjectsV2"), Fault::Hang);
    let mut first = scene.start(&["initial-sync"], &[]);
    first.lives_until(held.struck(1)).await.expect("the listing hangs");
    let (requests, calls) = (scene.bucket().counters().requests, scene.file_manager().calls_in_all());

    let began = Instant::now();
    assert_eq!(scene.start(&["--version"], &[]).end().await.code, Some(0));
    let any_process_takes = began.elapsed();
    let began = Instant::now();
    let second = scene.start(&["initial-sync"], &[]).end().await;
    let took = began.elapsed();

    assert_eq!(second.code, Some(4), "{}", second.stderr);
    let holder = format!("process {} on ", first.id());
    for words in [&holder, " (s3-sync initial-sync, since "] {
        assert!(second.stderr.contains(words), "{words:?} is missing: {}", second.stderr);
    }
    assert_eq!(second.stdout, "");
    assert_eq!(scene.bucket().counters().requests, requests, "no endpoint was called");
    assert_eq!(scene.file_manager().calls_in_all(), calls, "no endpoint was called");
    // The contract's own limit, without the time that any process takes on this machine.
    assert!(took < any_process_takes + Duration::from_secs(1), "it took {took:?}");

    // The kernel releases a dead holder's lock.
    first.kill().await;
    held.withdraw();
    let third = scene.start(&["initial-sync"], &[]).end().await;
    assert_eq!(third.code, Some(0), "{}", third.stderr);
    assert_eq!(scene.file_manager().effects().total, 3);
}
