//! Bugs about permissions that were refused, lost, or kept for too long.

use crate::workflow::scene::{files, in_memory, key};
use mock_api::{CallName, Fault, FaultAction};
use s3_sync::state::OperatorAnswer;
use serde_json::json;

/// Permissions that the file manager refused for good blocked the content of a new file, as long as events reported them.
#[tokio::test]
async fn refused_permissions_do_not_block_content() {
    let (bucket, scene) = in_memory().await;
    scene.run_to_success().await;
    bucket.put(key("a"), "a");
    let event = json!({ "event_type": "change_permission", "file_path": "/a", "metadata": { "permissions": "rw-------" } });
    scene.api.api().set_feed(vec![event]);
    scene.api.api().order(Fault::new(FaultAction::status(400)).call(CallName::UpdatePermissions).path("a").always());
    let ended = scene.cycle().await;
    let report = &ended.report;
    assert_eq!((scene.contents(), report.operations.create), (files(&[("a", "a")]), 1), "{report}");
    assert_eq!((report.pending.parked, report.success), (1, false), "{report}");
    assert_eq!((report.failures.len(), report.failures[0].reason.as_str()), (1, "file_manager_400"), "{report}");
    assert!(report.failures[0].message.contains("updatePermissions"), "{report}");

    scene.api.api().clear_faults();
    scene.api.api().reset_calls();
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.set_permissions, scene.saves()), (1, Vec::new()), "{}", ended.report);
    assert_eq!(scene.api.api().permissions("a").permissions, "rw-------");
}

/// The lookup that confirmed a delete overwrote the event's time in the tombstone: permissions reported after the delete were
/// removed with the earlier ones, and the file manager was asked for those of the next file.
#[tokio::test]
async fn permissions_reported_after_a_delete_apply_to_the_next_file() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "old");
    scene.run_to_success().await;
    bucket.remove(&key("a"));
    let event = |kind, second, metadata| json!({ "event_type": kind, "file_path": "/a", "metadata": metadata, "timestamp": format!("2024-01-15T10:00:{second}Z") });
    let permissions = event("change_permission", 20, json!({ "permissions": "rw-------" }));
    scene.api.api().set_feed(vec![event("delete", 10, json!(null)), permissions]);
    let report = scene.cycle_to_success().await.report;
    assert_eq!(report.operations.delete, 1, "{report}");

    bucket.put(key("a"), "new");
    scene.api.api().set_feed(vec![event("create", 30, json!(null))]);
    scene.cycle_to_success().await;
    assert_eq!((scene.contents(), scene.api.api().permissions("a").permissions), (files(&[("a", "new")]), "rw-------".to_owned()));
}

/// After a restore, a delete that only made sure that nothing was at an unknown path also removed the permissions reported for
/// it.
#[tokio::test]
async fn permissions_reported_for_an_unconfirmed_path_are_kept_for_its_file() {
    let (bucket, mut scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    scene.program.answer = OperatorAnswer { restored: true, ..OperatorAnswer::default() };
    let event = json!({ "event_type": "change_permission", "file_path": "/b", "metadata": { "permissions": "rw-------" } });
    scene.api.api().set_feed(vec![event]);
    scene.cycle_to_success().await;
    scene.program.answer = OperatorAnswer::default();

    bucket.put(key("b"), "b");
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "a"), ("b", "b")]));
    assert_eq!(scene.api.api().permissions("b").permissions, "rw-------");
}

/// A file was renamed, and the permissions reported for its new path were the same as the file manager's answer for the old one:
/// they were considered set, but never were.
#[tokio::test]
async fn permissions_reported_for_the_new_path_are_set_even_if_the_old_one_had_the_same() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a.txt"), "a");
    scene.run_to_success().await;
    let answered = scene.api.api().permissions("a.txt").permissions;
    assert_ne!(answered, scene.api.api().permissions("a.pdf").permissions, "the rule knows the endings");
    bucket.remove(&key("a.txt"));
    bucket.put(key("a.pdf"), "a");
    scene.api.api().set_feed(vec![
        json!({ "event_type": "rename", "file_path": "/a.txt", "new_path": "/a.pdf", "timestamp": "2024-01-15T10:00:00Z" }),
        json!({ "event_type": "change_permission", "file_path": "/a.pdf", "metadata": { "permissions": answered },
                "timestamp": "2024-01-15T10:00:01Z" }),
    ]);
    let operations = scene.cycle_to_success().await.report.operations;
    assert_eq!((operations.rename, operations.set_permissions), (1, 1));
    assert_eq!(scene.api.api().permissions("a.pdf").permissions, answered);
}
