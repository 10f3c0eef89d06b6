//! The delete guard: how many deletes a run sends without consent, and what allows more.

use super::super::scene::{Scene, in_memory, key};
use s3_sync::plan::MaxDelete;
use s3_sync::s3::MemoryBucket;
use s3_sync::state::RunOutcome;
use s3_sync::workflow::FinishedRun;
use std::sync::Arc;

fn name(number: usize) -> String {
    format!("f{number:03}")
}

async fn with_files(count: usize) -> (Arc<MemoryBucket>, Scene) {
    let (bucket, scene) = in_memory().await;
    (0..count).for_each(|number| bucket.put(key(&name(number)), "x"));
    scene.run_to_success().await;
    scene.api.api().reset_calls();
    (bucket, scene)
}

fn deletes(scene: &Scene) -> usize {
    scene.saves().iter().filter(|(operation, _)| operation == "delete").count()
}

/// Asserts that all deletes are held, reported, and still pending.
fn assert_held(ended: &FinishedRun, scene: &Scene, expected: u64) {
    let report = &ended.report;
    assert_eq!((ended.outcome, ended.deletes_held, report.success), (RunOutcome::Partial, true, false), "{report}");
    assert_eq!((report.deletes_held, report.pending.due, deletes(scene)), (expected, expected, 0), "{report}");
    assert!(report.errors.iter().any(|line| line.starts_with(&format!("held: {expected} deletes"))), "{:?}", report.errors);
    assert!(report.to_string().contains(&format!("--allow-deletes {expected}")), "{report}");
}

#[tokio::test]
async fn the_limit_is_a_share_but_at_least_ten_or_a_number() {
    for (files, removed, limit, goes) in [
        (12, 10, MaxDelete::Percent(50), true),
        (12, 11, MaxDelete::Percent(50), false),
        (40, 20, MaxDelete::Percent(50), true),
        (40, 21, MaxDelete::Percent(50), false),
        (40, 10, MaxDelete::Percent(0), true),
        (12, 2, MaxDelete::Count(2), true),
        (12, 3, MaxDelete::Count(2), false),
        (12, 1, MaxDelete::Count(0), false),
    ] {
        let (bucket, mut scene) = with_files(files).await;
        scene.program.options.max_delete = limit;
        (0..removed).for_each(|number| assert!(bucket.remove(&key(&name(number)))));
        let ended = scene.run().await;
        if goes {
            assert_eq!((ended.outcome, deletes(&scene)), (RunOutcome::Done, removed), "{removed} of {files}, {limit:?}");
        } else {
            assert_held(&ended, &scene, removed as u64);
        }
    }
}

#[tokio::test]
async fn held_deletes_block_nothing_else_and_allow_deletes_raises_the_limit_for_one_run() {
    let (bucket, mut scene) = with_files(30).await;
    (0..20).for_each(|number| assert!(bucket.remove(&key(&name(number)))));
    bucket.put(key("new"), "x");
    bucket.put(key(&name(29)), "changed");

    let held = scene.run().await;
    assert_held(&held, &scene, 20);
    assert_eq!((held.report.operations.create, held.report.operations.update), (1, 1), "everything else goes on");

    scene.program.options.allow_deletes = Some(19);
    assert_held(&scene.run().await, &scene, 20);

    scene.program.options.allow_deletes = Some(20);
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.delete, scene.contents().len()), (20, 11));
}

#[tokio::test]
async fn a_raised_limit_releases_held_deletes_in_the_next_cycle_and_until_then_cycles_are_quiet() {
    let (bucket, mut scene) = with_files(30).await;
    (0..20).for_each(|number| assert!(bucket.remove(&key(&name(number)))));
    assert_held(&scene.run().await, &scene, 20);
    for limit in [MaxDelete::Percent(50), MaxDelete::Count(19)] {
        scene.program.options.max_delete = limit;
        let ended = scene.cycle().await;
        assert!(ended.report.quiet, "{}", ended.report);
        assert_held(&ended, &scene, 20);
    }
    scene.program.options.max_delete = MaxDelete::Count(20);
    let ended = scene.cycle_to_success().await;
    assert_eq!((ended.report.operations.delete, scene.contents().len()), (20, 10), "{}", ended.report);
    assert!(scene.cycle_to_success().await.report.quiet);
}

#[tokio::test]
async fn the_guard_holds_the_deletes_of_an_emptied_bucket() {
    let (bucket, mut scene) = with_files(3).await;
    (0..3).for_each(|number| assert!(bucket.remove(&key(&name(number)))));
    // A directory marker is no file: a bucket with nothing else counts as empty.
    bucket.put(key("directory/"), "");
    assert_held(&scene.run().await, &scene, 3);
    scene.program.options.allow_deletes = Some(3);
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 0);
}

#[tokio::test]
async fn a_bucket_recreated_empty_deletes_no_file() {
    let (bucket, mut scene) = with_files(3).await;
    bucket.vanish();
    bucket.recreate();
    assert_held(&scene.run().await, &scene, 3);
    assert_eq!(scene.contents().len(), 3);

    // With one file the bucket is no longer empty: three deletes are within the limit.
    bucket.put(key("new"), "x");
    scene.program.options.allow_deletes = None;
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.delete, scene.contents().len()), (3, 1));
}

#[tokio::test]
async fn a_missing_bucket_deletes_nothing_whatever_is_allowed() {
    let (bucket, mut scene) = with_files(3).await;
    bucket.vanish();
    scene.program.options.allow_deletes = Some(1000);
    let ended = scene.run().await;
    assert_eq!((ended.outcome, ended.deletes_held, deletes(&scene)), (RunOutcome::Failed, false, 0));
    assert_eq!(scene.contents().len(), 3);
}

#[tokio::test]
async fn held_deletes_whose_objects_are_back_are_dropped() {
    let (bucket, scene) = with_files(3).await;
    (0..3).for_each(|number| assert!(bucket.remove(&key(&name(number)))));
    assert_held(&scene.run().await, &scene, 3);
    (0..3).for_each(|number| bucket.put(key(&name(number)), "x"));
    scene.run_to_success().await;
    assert_eq!(scene.saves(), []);
}
