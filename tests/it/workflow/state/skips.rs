//! Skipped objects (too large, archived, directory markers), and what ends a skip.

use super::super::scene::{BUCKET, Scene, files, in_memory, key, over_http};
use mock_s3::{NewObject, Restore};
use s3_sync::state::RunOutcome;
use s3_sync::workflow::FinishedRun;

fn skipped(ended: &FinishedRun) -> Vec<(&str, u64)> {
    ended.report.skipped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()
}

/// How many of the skipped files an earlier run skipped, too, by reason.
fn skipped_before(ended: &FinishedRun) -> Vec<(&str, u64)> {
    ended.report.skipped_before.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()
}

fn at_most(scene: &mut Scene, bytes: Option<u64>) {
    scene.program.policy.max_file_bytes = bytes;
}

#[tokio::test]
async fn an_object_above_the_bound_is_skipped_until_the_bound_is_raised() {
    let (bucket, mut scene) = in_memory().await;
    bucket.put(key("large"), "12345");
    bucket.put(key("small"), "1234");
    at_most(&mut scene, Some(4));
    for (before, line) in
        [(vec![], "skipped   1 too_large, for"), (vec![("too_large", 1)], "skipped   1 too_large (skipped by earlier runs, too), for")]
    {
        let ended = scene.run_to_success().await;
        assert_eq!(skipped(&ended), [("too_large", 1)], "a skipped object is reported each time, and no failure");
        assert_eq!(skipped_before(&ended), before);
        assert!(ended.report.to_string().contains(&format!("{line} example large: raise")), "{}", ended.report);
        assert_eq!(scene.contents(), files(&[("small", "1234")]));
    }
    assert_eq!(bucket.calls().gets, 1, "nothing of it was read");

    at_most(&mut scene, Some(5));
    let ended = scene.run_to_success().await;
    assert_eq!((skipped(&ended), scene.contents().len()), (vec![], 2));
}

#[tokio::test]
async fn a_known_file_that_grew_beyond_the_bound_is_a_failure_and_keeps_its_old_content() {
    let (bucket, mut scene) = in_memory().await;
    bucket.put(key("a"), "1234");
    at_most(&mut scene, Some(4));
    scene.run_to_success().await;
    bucket.put(key("a"), "12345");
    for _ in 0..2 {
        let ended = scene.run().await;
        let failure = &ended.report.failures[0];
        assert_eq!((ended.outcome, ended.report.pending.parked), (RunOutcome::Partial, 1), "{}", ended.report);
        assert_eq!((failure.reason.as_str(), failure.example.as_str(), failure.count), ("too_large", "a", 1));
        assert!(failure.hint.contains("MAX_FILE_SIZE_MB"));
        assert_eq!(scene.contents(), files(&[("a", "1234")]));
    }
    bucket.put(key("a"), "123");
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.update, scene.contents()), (1, files(&[("a", "123")])));
}

#[tokio::test]
async fn an_archived_object_is_skipped_and_synced_once_it_is_restored() {
    let (server, scene) = over_http().await;
    let s3 = server.server();
    s3.put_object(BUCKET, "archived", NewObject::bytes("cold").storage_class("GLACIER"));
    s3.put_object(BUCKET, "being restored", NewObject::bytes("cold").storage_class("DEEP_ARCHIVE"));
    s3.put_object(BUCKET, "instant", NewObject::bytes("cool").storage_class("GLACIER_IR"));
    s3.put_object(BUCKET, "restored", NewObject::bytes("warm").storage_class("GLACIER"));
    assert!(s3.set_restore(BUCKET, "being restored", Some(Restore::Ongoing)));
    assert!(s3.set_restore(BUCKET, "restored", Some(Restore::Until(jiff::Timestamp::MAX))));

    let ended = scene.run_to_success().await;
    assert_eq!((skipped(&ended), skipped_before(&ended)), (vec![("archived", 2)], vec![]));
    assert_eq!(scene.contents(), files(&[("instant", "cool"), ("restored", "warm")]), "the class alone says nothing");

    // A restore from the archive changes nothing that a listing shows.
    assert!(s3.set_restore(BUCKET, "being restored", Some(Restore::Until(jiff::Timestamp::MAX))));
    let ended = scene.run_to_success().await;
    assert_eq!((skipped(&ended), scene.contents().len()), (vec![("archived", 1)], 3));
    assert_eq!(skipped_before(&ended), [("archived", 1)]);
    s3.put_object(BUCKET, "archived later", NewObject::bytes("cold").storage_class("GLACIER"));
    let ended = scene.run_to_success().await;
    assert_eq!((skipped(&ended), skipped_before(&ended)), (vec![("archived", 2)], vec![("archived", 1)]));
    assert!(ended.report.to_string().contains("skipped   2 archived (1 of them skipped by earlier runs, too), for"), "{}", ended.report);
}

#[tokio::test]
async fn a_directory_marker_is_no_file_and_a_file_that_ends_in_a_slash_is_one() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("directory/"), "");
    bucket.put(key("directory/file"), "");
    bucket.put(key("odd/"), "content");
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.listing.files, ended.report.listing.directory_markers), (2, 1));
    assert_eq!(scene.contents(), files(&[("directory/file", ""), ("odd/", "content")]));

    // A file that became a directory marker is no longer a file.
    bucket.put(key("odd/"), "");
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.delete, scene.contents()), (1, files(&[("directory/file", "")])));
    // A marker that got content is a file from now on.
    bucket.put(key("directory/"), "content");
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 2);
}
