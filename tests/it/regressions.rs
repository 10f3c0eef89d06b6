//! One test for each bug that was found and fixed, with its story in a line. It is not where a feature is tested.

use crate::workflow::scene::{files, in_memory, key};
use s3_sync::s3::{Call, Fault, S3ErrorKind};

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
        (get.key.as_str() == "half there").then_some(Fault::Error(word))
    });
    let ended = scene.run().await;
    assert_eq!(ended.report.failures[0].reason, "s3_no_such_key", "{}", ended.report);
    assert_eq!((ended.report.pending.parked, scene.contents()), (1, files(&[("a", "a")])));

    bucket.on_call(|_| None);
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 2);
}
