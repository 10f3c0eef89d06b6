//! One test for each bug that was found and fixed, with its story in a line. It is not where a feature is tested.

use crate::workflow::scene::{BUCKET, files, in_memory, key, over_http};
use mock_api::{CallName, Fault, FaultAction};
use mock_s3::Matcher;
use s3_sync::plan::Limits;
use s3_sync::record::ETag;
use s3_sync::s3::{self, Call, ReadObjects, S3ErrorKind};
use s3_sync::state::Answer;
use std::time::Duration;

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

/// A panic in an operation was passed over: its path stayed due, and the run took it up for ever.
#[tokio::test]
async fn an_operation_that_panics_ends_the_run() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.on_call(|call| {
        assert!(!matches!(call, Call::Get(_)), "ordered");
        None
    });
    let ended = tokio::time::timeout(Duration::from_mins(1), scene.start()).await.expect("it ends");
    assert!(ended.is_err_and(|error| error.is_panic()));
    bucket.on_call(|_| None);
    scene.run_to_success().await;
}

/// A page that showed a skipped object absent was outdated by whoever had the path in hand: it was told as skipped for ever.
#[tokio::test]
async fn a_skipped_object_that_went_is_no_longer_told() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.options.limits = Limits { max_file_bytes: Some(4) };
    bucket.put(key("a"), "a");
    bucket.put(key("too large"), "12345");
    assert_eq!(scene.run_to_success().await.report.skipped["too_large"], 1);
    bucket.remove(&key("too large"));
    scene.run_to_success().await;
    assert_eq!(scene.run_to_success().await.report.skipped.len(), 0);
    assert_eq!(scene.overview().await.waiting, []);
}

fn without_etags(call: &Call<'_>) -> Option<s3::Fault> {
    matches!(call, Call::List(_)).then_some(s3::Fault::NoETags)
}

/// Under a listing without `ETag`s, every object that had just been read was looked at once more.
#[tokio::test]
async fn without_etags_a_read_is_the_look_that_completes_the_listing() {
    let (bucket, scene) = in_memory().await;
    bucket.on_call(without_etags);
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    assert_eq!((bucket.calls().gets, bucket.calls().heads), (1, 0));
}

/// Under a listing without `ETag`s, a restored state sent everything again instead of asking what is there.
#[tokio::test]
async fn without_etags_a_restored_state_asks_before_it_sends() {
    let (bucket, mut scene) = in_memory().await;
    bucket.on_call(without_etags);
    bucket.put(key("a"), "old");
    bucket.put(key("b"), "b");
    scene.run_to_success().await;
    bucket.put(key("a"), "new");
    scene.program.answer = Answer { restored: true, ..Answer::default() };
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.confirm, ended.report.operations.update), (1, 1), "{}", ended.report);
    assert_eq!(ended.report.statistics.total_size, 3, "only what differs is sent");
}

/// Under a listing without `ETag`s, an object replaced between two attempts went out under the first attempt's key and metadata.
#[tokio::test]
async fn without_etags_an_object_replaced_between_two_attempts_is_another_effect() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "old");
    scene.order(FaultAction::effect_then_status(500), "create", "a");
    let mut gets = 0;
    bucket.on_call(move |call| {
        gets += u32::from(matches!(call, Call::Get(_)));
        if gets == 2 { Some(s3::Fault::Replaced("new".into())) } else { without_etags(call) }
    });
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "new")]));
    let etag = bucket.head_object(&key("a")).await.expect("it is there").facts.etag;
    let kept = scene.api.api().files()["a"].metadata.clone().expect("metadata");
    assert_eq!(kept["etag"].as_str(), etag.as_ref().map(ETag::as_str));
    assert_eq!((scene.effects("a", "create"), scene.effects("a", "update")), (1, 1));
}
