//! One test for each bug that was found and fixed, with its story in a line. It is not where a feature is tested.

use crate::crash;
use crate::workflow::scene::{BUCKET, files, in_memory, key, over_http};
use mock_api::{CallName, CallState, Fault, FaultAction};
use mock_s3::{Matcher, MockS3};
use s3_sync::s3::{self, Call, S3ErrorKind};

/// A store whose HEAD shows an object and whose GET does not had the run go back and forth between the two for ever.
#[tokio::test]
async fn an_object_that_a_look_shows_and_a_read_does_not_is_parked() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.put(key("half there"), "x");
    let mut reads = 0;
    bucket.on_call(move |call| {
        let Call::Get(get) = call else { return None };
        reads += u32::from(get.key.as_str() == "half there");
        // The last word ends what would not end by itself.
        let word = if reads > 100 { S3ErrorKind::Other } else { S3ErrorKind::NoSuchKey };
        (get.key.as_str() == "half there").then_some(s3::Fault::Error(word))
    });
    let ended = scene.run().await;
    assert_eq!(ended.report.failures[0].reason, "s3_no_such_key", "{}", ended.report);
    assert_eq!((ended.report.pending.parked, scene.contents()), (1, files(&[("a", "a")])));

    bucket.on_call(|_| None);
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 2);
}

/// Every delete was looked at a second time after it was done, and told as a skipped object beside.
#[tokio::test]
async fn a_delete_is_looked_at_once_and_is_no_skip() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.put(key("b"), "b");
    scene.run_to_success().await;
    bucket.remove(&key("b"));
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.delete, ended.report.skipped.len()), (1, 0), "{}", ended.report);
    assert_eq!(bucket.calls().heads, 1);
}

/// A file manager that fails at permissions was asked for them attempts × attempts times, with the object open meanwhile.
#[tokio::test]
async fn attempts_are_not_multiplied() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.api.api().order(Fault::new(FaultAction::status(500)).call(CallName::UpdatePermissions).always());
    let ended = scene.run().await;
    assert_eq!(ended.report.failures[0].reason, "file_manager_500");
    let asked = scene.api.api().calls().iter().filter(|call| call.call == CallName::UpdatePermissions).count();
    assert_eq!(asked, scene.program.options.retry.attempts);
}

/// The place that the last operation before a stop gave back was sometimes taken by one more.
#[tokio::test]
async fn nothing_begins_after_a_stop() {
    for _ in 0..10 {
        let (bucket, mut scene) = in_memory().await;
        scene.program.options.concurrency = 1;
        bucket.put(key("a"), "a");
        bucket.put(key("b"), "b");
        scene.api.api().order(Fault::new(FaultAction::status(401)).operation("create"));
        let ended = scene.run().await;
        assert_eq!((ended.report.pending.due, scene.saves().len()), (2, 1), "{}", ended.report);
    }
}

/// An answer that is shorter than its object and says so was told as an object that somebody keeps replacing.
#[tokio::test]
async fn a_shorter_answer_under_the_same_etag_is_a_broken_one() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", "0123456789", None);
    server.server().order(Matcher::operation("GetObject"), mock_s3::Fault::Shorten(5));
    let ended = scene.run().await;
    assert_eq!(ended.report.failures[0].reason, "s3_checksum_mismatch", "{}", ended.report);
    assert!(scene.contents().is_empty());
}

/// A large object that vanished before it was read was in no lane any more: due for ever, and never looked at.
#[tokio::test]
async fn a_large_object_that_vanished_is_found_gone() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", "a", None);
    server.server().put_generated(BUCKET, "large", 8 << 20, 1);
    server.server().order(Matcher::operation("GetObject").key("large").times(1), mock_s3::Fault::Remove);
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.pending.due, ended.report.skipped["not_in_bucket"]), (0, 1), "{}", ended.report);
}

fn pages_read(bucket: &MockS3) -> usize {
    bucket.requests().iter().filter(|request| request.operation == "ListObjectsV2").count()
}

/// A run that ended by a signal after its last page was followed by one that read all pages again, because the checkpoint of
/// a listing that had ended looked like one that had not begun.
#[tokio::test]
async fn an_ended_listing_is_not_read_again_because_its_run_was_ended() {
    const PAGED: [(&str, &str); 1] = [("LIST_PAGE_KEYS", "10")];
    for signal in ["KILL", "TERM"] {
        let scene = crash::Scene::with_objects(30).await;
        // The last object of the last page: when it is sent, every page is stored.
        scene.file_manager().order(Fault::new(FaultAction::Hang).operation("create").path(&crash::key(29)));
        let mut process = scene.start(&["initial-sync"], &[PAGED[0], ("SHUTDOWN_TIMEOUT", "1")]);
        let hangs = |calls: &[mock_api::Call]| calls.iter().any(|call| call.state == CallState::Hanging);
        process.lives_until(scene.file_manager().wait_for_calls(hangs)).await.expect("the last create hangs");
        process.signal(signal).await;
        process.end().await;
        assert_eq!(pages_read(scene.bucket()), 3, "{signal}");

        let resumed = scene.start(&["initial-sync"], &PAGED).end().await;
        assert_eq!(resumed.code, Some(0), "{signal}: {}", resumed.stderr);
        assert_eq!(pages_read(scene.bucket()), 3, "{signal}: nothing is read again");
        assert_eq!(scene.file_manager().effects().total, 30, "{signal}");

        let next = scene.start(&["initial-sync"], &PAGED).end().await;
        assert_eq!(next.code, Some(0), "{signal}: {}", next.stderr);
        assert_eq!(pages_read(scene.bucket()), 6, "{signal}: a run that ended by itself has used its listing up");
    }
}
