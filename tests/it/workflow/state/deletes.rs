//! A delete needs evidence: a key that only seems to be gone is not deleted.

use super::super::scene::{Scene, files, in_memory, key};
use s3_sync::s3::{Call, Fault, MemoryBucket, S3ErrorKind};
use s3_sync::state::RunOutcome;
use std::sync::Arc;

/// A bucket whose `a`, `b` and `c` are synced.
async fn in_sync() -> (Arc<MemoryBucket>, Scene) {
    let (bucket, scene) = in_memory().await;
    for name in ["a", "b", "c"] {
        bucket.put(key(name), name);
    }
    scene.run_to_success().await;
    scene.api.api().reset_calls();
    (bucket, scene)
}

/// Hides `b` from the next listing; a lookup finds it again.
fn hide_from_the_listing(bucket: &Arc<MemoryBucket>, content: &'static str) {
    bucket.remove(&key("b"));
    let inside = Arc::downgrade(bucket);
    bucket.on_call(move |call| {
        if let (Call::Head(_), Some(bucket)) = (call, inside.upgrade()) {
            bucket.put(key("b"), content);
        }
        None
    });
}

#[tokio::test]
async fn a_key_that_the_listing_hides_and_a_head_finds_stays() {
    let (bucket, scene) = in_sync().await;
    hide_from_the_listing(&bucket, "b");
    let ended = scene.run_to_success().await;
    assert_eq!(bucket.calls().heads, 1, "the key that was not listed is looked up");
    assert_eq!(scene.saves(), [], "{}", ended.report);
}

#[tokio::test]
async fn a_key_that_the_listing_hides_and_a_head_finds_with_other_content_is_updated() {
    let (bucket, scene) = in_sync().await;
    hide_from_the_listing(&bucket, "other");
    scene.run_to_success().await;
    assert_eq!(scene.saves(), [("update".to_owned(), "b".to_owned())]);
    assert_eq!(scene.contents(), files(&[("a", "a"), ("b", "other"), ("c", "c")]));
}

#[tokio::test]
async fn a_404_while_the_bucket_is_missing_is_no_evidence() {
    let (bucket, mut scene) = in_sync().await;
    bucket.remove(&key("b"));
    bucket.on_call(|call| matches!(call, Call::Head(_)).then_some(Fault::BucketGone));
    scene.program.options.allow_deletes = Some(100);
    let ended = scene.run().await;
    assert_eq!((ended.outcome, ended.deletes_held), (RunOutcome::Failed, false));
    assert!(ended.report.errors[0].contains("create the bucket"), "{:?}", ended.report.errors);
    assert_eq!(scene.saves(), []);
    assert_eq!(scene.contents().len(), 3);
}

#[tokio::test]
async fn a_403_is_no_evidence_and_names_the_missing_right() {
    let (bucket, scene) = in_sync().await;
    bucket.remove(&key("b"));
    bucket.on_call(|call| matches!(call, Call::Head(_)).then_some(Fault::Error(S3ErrorKind::AccessDenied)));
    let ended = scene.run().await;
    assert_eq!((ended.outcome, ended.report.pending.parked), (RunOutcome::Partial, 1));
    let failure = &ended.report.failures[0];
    assert_eq!((failure.reason.as_str(), failure.example.as_str()), ("s3_access_denied", "b"));
    assert!(failure.hint.contains("s3:ListBucket"), "{}", failure.hint);
    assert_eq!(scene.saves(), []);

    bucket.on_call(|_| None);
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "a"), ("c", "c")]));
}

#[tokio::test]
async fn an_interrupted_listing_deletes_nothing_and_the_next_one_does() {
    let (bucket, mut scene) = in_sync().await;
    scene.program.options.page_keys = 1;
    bucket.remove(&key("b"));
    let mut pages = 0;
    bucket.on_call(move |call| {
        pages += u32::from(matches!(call, Call::List(_)));
        (pages > 1).then_some(Fault::Error(S3ErrorKind::Other))
    });
    let ended = scene.run().await;
    assert_eq!((ended.outcome, ended.report.listing.completed), (RunOutcome::Failed, false));
    assert_eq!(scene.saves(), []);

    bucket.on_call(|_| None);
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.delete, scene.contents().len()), (1, 2));
}

#[tokio::test]
async fn keys_outside_the_prefix_are_not_absent() {
    let (bucket, mut scene) = in_memory().await;
    for name in ["a/1", "b/1", "b/2", "c/1"] {
        bucket.put(key(name), name);
    }
    scene.program.options.prefix = "b/".to_owned();
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("b/1", "b/1"), ("b/2", "b/2")]));
    bucket.remove(&key("b/2"));
    bucket.remove(&key("c/1"));
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.delete, scene.contents().len()), (1, 1));
}

#[tokio::test]
async fn an_object_deleted_before_it_was_read_is_reported_as_skipped_and_not_sent() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.put(key("b"), "b");
    bucket.on_call(|call| matches!(call, Call::Get(get) if get.key.as_str() == "b").then_some(Fault::Removed));
    let ended = scene.run_to_success().await;
    assert_eq!(ended.report.skipped.iter().collect::<Vec<_>>(), [(&"listed_but_missing".to_owned(), &1)]);
    assert_eq!(ended.report.skipped_examples["listed_but_missing"], "b");
    assert_eq!(scene.saves(), [("create".to_owned(), "a".to_owned())]);
}
