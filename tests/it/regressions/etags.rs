//! Bugs about listings without `ETag`s.

use crate::workflow::scene::{files, in_memory, key};
use mock_api::FaultAction;
use s3_sync::record::ETag;
use s3_sync::s3::{self, Call, ReadObjects};
use s3_sync::state::OperatorAnswer;

fn without_etags(call: &Call<'_>) -> Option<s3::Fault> {
    matches!(call, Call::List(_)).then_some(s3::Fault::NoETags)
}

/// After a listing without `ETag`s, every object that had just been read was looked up again.
#[tokio::test]
async fn without_etags_a_get_completes_the_observation_of_the_listing() {
    let (bucket, scene) = in_memory().await;
    bucket.on_call(without_etags);
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    assert_eq!((bucket.calls().gets, bucket.calls().heads), (1, 0));
}

/// After a listing without `ETag`s, a restored state sent everything again instead of asking the file manager.
#[tokio::test]
async fn without_etags_a_restored_state_asks_the_file_manager_before_it_sends() {
    let (bucket, mut scene) = in_memory().await;
    bucket.on_call(without_etags);
    bucket.put(key("a"), "old");
    bucket.put(key("b"), "b");
    scene.run_to_success().await;
    bucket.put(key("a"), "new");
    scene.program.answer = OperatorAnswer { restored: true, ..OperatorAnswer::default() };
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.confirm, ended.report.operations.update), (1, 1), "{}", ended.report);
    assert_eq!(ended.report.statistics.total_size, 3, "only what differs is sent");
}

/// After a listing without `ETag`s, an object replaced between two attempts was sent with the first attempt's key and metadata.
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
