//! Bodies that differ from what the store announced: none becomes a saved file, whatever is wrong with it.

use super::super::scene::{Scene, in_memory, key};
use s3_sync::s3::{Call, Checksum, ChecksumAlgorithm, Fault, MemoryBucket, MemoryObject, S3ErrorKind};
use s3_sync::workflow::FinishedRun;
use std::sync::Arc;

const SIZE: usize = 200_000;

/// Runs with this fault in every read of `wrong`, while `right` is to be synced, too.
async fn run_under(fault: Fault, object: MemoryObject) -> (Arc<MemoryBucket>, Scene, FinishedRun) {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("right"), "right");
    bucket.put(key("wrong"), object);
    bucket.on_call(move |call| matches!(call, Call::Get(get) if get.key.as_str() == "wrong").then(|| fault.clone()));
    let ended = scene.run().await;
    (bucket, scene, ended)
}

fn content() -> Vec<u8> {
    (0..SIZE).map(|at| u8::try_from(at % 251).expect("below 251")).collect()
}

#[tokio::test]
async fn no_wrong_body_ends_as_a_saved_file() {
    let broken = |after| Fault::BrokenBody { after, kind: S3ErrorKind::Interrupted };
    for (fault, reason) in [
        (Fault::WrongByte { at: 0 }, "s3_checksum_mismatch"),
        (Fault::WrongByte { at: 100_000 }, "s3_checksum_mismatch"),
        (Fault::WrongByte { at: SIZE - 1 }, "s3_checksum_mismatch"),
        (Fault::LongBody, "s3_checksum_mismatch"),
        (Fault::ShortBody { after: 0 }, "s3_interrupted"),
        (Fault::ShortBody { after: SIZE - 1 }, "s3_interrupted"),
        (broken(0), "s3_interrupted"),
        (broken(100_000), "s3_interrupted"),
        (broken(SIZE), "s3_interrupted"),
    ] {
        let (bucket, scene, ended) = run_under(fault.clone(), content().into()).await;
        assert_eq!(scene.contents().into_keys().collect::<Vec<_>>(), ["right"], "{fault:?}");
        assert_eq!((ended.report.failures[0].reason.as_str(), ended.report.pending.parked), (reason, 1), "{fault:?}");

        bucket.on_call(|_| None);
        scene.run_to_success().await;
        assert_eq!(scene.contents()["wrong"], content(), "{fault:?}");
        assert_eq!(scene.effects("wrong", "create"), 1);
    }
}

#[tokio::test]
async fn a_wrong_body_keeps_existing_content() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "old");
    scene.run_to_success().await;
    bucket.put(key("a"), "new");
    bucket.on_call(|call| matches!(call, Call::Get(_)).then_some(Fault::WrongByte { at: 1 }));
    let ended = scene.run().await;
    assert_eq!((ended.report.pending.parked, &scene.contents()["a"][..]), (1, &b"old"[..]));
}

#[tokio::test]
async fn every_checksum_of_a_store_is_verified() {
    for algorithm in ChecksumAlgorithm::ALL {
        // The ETag is no MD5, so only this checksum verifies the body.
        let object = MemoryObject::new(content()).etag("of-2").checksum(Some(Checksum::of(algorithm, &content())));
        let (_, scene, ended) = run_under(Fault::WrongByte { at: 77 }, object).await;
        assert_eq!(ended.report.failures[0].reason, "s3_checksum_mismatch", "{algorithm}");
        assert!(!scene.contents().contains_key("wrong"), "{algorithm}");
    }
}

#[tokio::test]
async fn content_without_a_checksum_is_sent_and_counted_as_unverified() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("in parts"), MemoryObject::new("x").etag("of-2"));
    bucket.put(key("in one"), "x");
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.unverified, scene.contents().len()), (1, 2));
    assert!(ended.report.to_string().contains("all but 1"), "{}", ended.report);
}
