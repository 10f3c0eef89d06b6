//! Open intents: a run is killed while its call hangs, before or after its effect. Meanwhile the object stays, changes,
//! disappears or reappears. The next run must converge with only its state and the two endpoints.

use super::super::scene::{Scene, files, in_memory, key};
use bytes::Bytes;
use mock_api::FaultAction;
use s3_sync::plan::MaxDelete;
use s3_sync::s3::MemoryBucket;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The bucket's content of `m`.
type Content = Option<&'static str>;

/// `None` = no object.
struct Case {
    /// At first, in the bucket and in the file manager.
    known: Content,
    /// In the bucket when the call hangs: the content to sync.
    hangs: Content,
    /// In the bucket when the next run begins.
    then: Content,
}

fn set(bucket: &MemoryBucket, content: Content) {
    match content {
        Some(content) => bucket.put(key("m"), content),
        None => {
            bucket.remove(&key("m"));
        }
    }
}

/// Runs up to the kill; returns the key of the hanging call.
async fn killed(case: &Case, action: FaultAction) -> (Arc<MemoryBucket>, Scene) {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    set(&bucket, case.known);
    scene.run_to_success().await;
    set(&bucket, case.hangs);
    let operation = match (case.known, case.hangs) {
        (None, _) => "create",
        (_, None) => "delete",
        _ => "update",
    };
    scene.order(action, operation, "m");
    scene.run_killed_at_hanging("m").await;
    assert_eq!(scene.overview().await.open_intents(), 1);
    set(&bucket, case.then);
    (bucket, scene)
}

/// What the file manager holds at the end, when no work is left.
async fn converged(scene: &Scene) -> BTreeMap<String, Bytes> {
    scene.run_to_success().await;
    let held = scene.contents();
    let calls = scene.saves();
    scene.api.api().reset_calls();
    scene.run_to_success().await;
    assert_eq!(scene.saves(), [], "there was something left after {calls:?}");
    let overview = scene.overview().await;
    assert_eq!((overview.open_intents(), overview.sinks[0].waiting.len(), overview.sinks[0].applied_rows), (0, 0, held.len() as u64));
    assert!(scene.api.api().effects().by_key.values().all(|count| *count == 1), "a key had its effect twice");
    held
}

fn expected(content: Content) -> BTreeMap<String, Bytes> {
    let mut expected = files(&[("a", "a")]);
    expected.extend(content.map(|content| ("m".to_owned(), Bytes::from_static(content.as_bytes()))));
    expected
}

#[tokio::test]
async fn after_any_call_that_hung_the_file_manager_ends_with_what_the_bucket_has() {
    const CONTENTS: [Content; 4] = [None, Some("one"), Some("two"), Some("three")];
    for (known, hangs) in [(None, Some("one")), (Some("one"), Some("two")), (Some("one"), None)] {
        for then in CONTENTS {
            for action in [FaultAction::Hang, FaultAction::EffectThenHang] {
                let case = Case { known, hangs, then };
                let (_, scene) = killed(&case, action.clone()).await;
                let label = format!("{known:?}, then {hangs:?} hung with {action:?}, then {then:?}");
                assert_eq!(converged(&scene).await, expected(then), "{label}");
            }
        }
    }
}

#[tokio::test]
async fn a_still_planned_effect_is_sent_again_with_the_same_key_and_happens_once() {
    for (known, hangs, operation) in [(None, Some("one"), "create"), (Some("one"), Some("two"), "update"), (Some("one"), None, "delete")] {
        let (_, scene) = killed(&Case { known, hangs, then: hangs }, FaultAction::EffectThenHang).await;
        let before = scene.api.api().effects();
        scene.run_to_success().await;
        assert_eq!(scene.saves(), [(operation.to_owned(), "m".to_owned())]);
        assert!(scene.api.api().calls().iter().any(|call| call.replayed), "the ledger knew the key of the {operation}");
        assert_eq!(scene.api.api().effects(), before, "the {operation} had no second effect");
    }
}

#[tokio::test]
async fn an_object_that_changed_is_an_update_of_what_the_create_may_have_made() {
    let (_, scene) = killed(&Case { known: None, hangs: Some("one"), then: Some("two") }, FaultAction::EffectThenHang).await;
    let id = scene.internal_id("m");
    scene.run_to_success().await;
    assert_eq!(scene.saves(), [("get".to_owned(), "m".to_owned()), ("update".to_owned(), "m".to_owned())]);
    assert_eq!(scene.internal_id("m"), id);
}

#[tokio::test]
async fn a_create_that_never_arrived_is_detected_and_the_new_content_created() {
    let (_, scene) = killed(&Case { known: None, hangs: Some("one"), then: Some("two") }, FaultAction::Hang).await;
    scene.run_to_success().await;
    assert_eq!(scene.saves(), [("get".to_owned(), "m".to_owned()), ("create".to_owned(), "m".to_owned())]);
}

#[tokio::test]
async fn a_deleted_object_without_an_applied_row_is_deleted() {
    for action in [FaultAction::Hang, FaultAction::EffectThenHang] {
        let (_, scene) = killed(&Case { known: None, hangs: Some("one"), then: None }, action).await;
        scene.run_to_success().await;
        assert_eq!(scene.saves(), [("delete".to_owned(), "m".to_owned())]);
    }
}

#[tokio::test]
async fn an_object_that_is_back_before_its_delete_was_confirmed_is_sent_only_if_the_file_is_gone() {
    let case = Case { known: Some("one"), hangs: None, then: Some("one") };
    let (_, scene) = killed(&case, FaultAction::Hang).await;
    scene.run_to_success().await;
    assert_eq!(scene.saves(), [("get".to_owned(), "m".to_owned())]);

    let (_, scene) = killed(&case, FaultAction::EffectThenHang).await;
    scene.run_to_success().await;
    assert_eq!(scene.saves(), [("get".to_owned(), "m".to_owned()), ("create".to_owned(), "m".to_owned())]);
}

#[tokio::test]
async fn a_deleted_object_that_may_have_been_sent_counts_for_the_guard() {
    let (_, mut scene) = killed(&Case { known: None, hangs: Some("one"), then: None }, FaultAction::EffectThenHang).await;
    scene.program.options.max_delete = MaxDelete::Count(0);
    let ended = scene.run().await;
    assert_eq!((ended.deletes_held, ended.report.deletes_held, scene.contents().len()), (true, 1, 2), "{}", ended.report);
    scene.program.options.allow_deletes = Some(1);
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 1);
}
