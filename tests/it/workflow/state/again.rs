//! A second run: unchanged files cause no call with an effect, changed ones are sent, deleted ones are deleted.

use super::super::scene::{BUCKET, files, in_memory, key, over_http};
use s3_sync::s3::CallCounts;

#[tokio::test]
async fn a_second_run_sends_nothing_and_requests_no_object() {
    let (bucket, scene) = in_memory().await;
    for name in ["a", "b/c", "d"] {
        bucket.put(key(name), name);
    }
    let first = scene.run_to_success().await;
    assert_eq!((first.report.operations.create, first.report.statistics.total_size), (3, 5));
    let calls = bucket.calls();
    scene.api.api().reset_calls();

    let second = scene.run_to_success().await;
    assert_eq!(second.report.statistics.operations_processed, 0);
    assert_eq!(bucket.calls(), CallCounts { lists: calls.lists + 1, ..calls }, "one page is all that is asked for");
    let calls: Vec<_> = scene.api.api().calls().into_iter().map(|call| call.call.as_str()).collect();
    assert_eq!(calls, ["pubSubFullList", "reportResults"], "events of known files are read first");
}

#[tokio::test]
async fn changed_content_is_an_update_under_the_same_id_and_a_removed_object_is_a_delete() {
    let (server, scene) = over_http().await;
    let s3 = server.server();
    for name in ["changed", "removed", "same"] {
        s3.put(BUCKET, name, "old", Some("text/plain"));
    }
    scene.run_to_success().await;
    let id = scene.internal_id("changed");
    s3.put(BUCKET, "changed", "new", Some("text/html"));
    assert!(s3.remove(BUCKET, "removed"));
    scene.api.api().reset_calls();

    let second = scene.run_to_success().await;
    assert_eq!((second.report.operations.update, second.report.operations.delete, second.report.operations.create), (1, 1, 0));
    assert_eq!(scene.saves(), [("update".to_owned(), "changed".to_owned()), ("delete".to_owned(), "removed".to_owned())]);
    assert_eq!(scene.contents(), files(&[("changed", "new"), ("same", "old")]));
    assert_eq!(scene.internal_id("changed"), id, "the file manager's own identifier stays");
    assert_eq!(scene.api.api().files()["changed"].file_type.as_deref(), Some("text/html"));
    assert_eq!(second.report.service_info.record_count, 2);
}

#[tokio::test]
async fn content_that_changed_back_is_sent_again_with_a_new_idempotency_key() {
    let (bucket, scene) = in_memory().await;
    for content in ["one", "two", "one"] {
        bucket.put(key("a"), content);
        scene.run_to_success().await;
    }
    assert_eq!(scene.contents(), files(&[("a", "one")]));
    assert_eq!((scene.effects("a", "create"), scene.effects("a", "update")), (1, 2));
    assert!(scene.api.api().effects().by_key.values().all(|count| *count == 1));
}
