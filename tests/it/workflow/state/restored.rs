//! The database was restored from a backup: the lock file is newer, no row is trusted, and yet only differences are sent.

use super::super::scene::{Scene, files, in_memory, key};
use s3_sync::s3::MemoryBucket;
use s3_sync::state::OperatorAnswer;
use std::path::PathBuf;
use std::sync::Arc;

/// Copies the database, which no process has open.
fn back_up(scene: &Scene) -> PathBuf {
    let backup = scene.program.database.with_extension("backup");
    std::fs::copy(&scene.program.database, &backup).expect("a copy");
    backup
}

fn put_back(scene: &Scene, backup: &PathBuf) {
    for beside in ["sync.db-wal", "sync.db-shm"] {
        let left = scene.program.database.with_file_name(beside);
        assert!(!left.exists() || std::fs::metadata(&left).is_ok_and(|left| left.len() == 0), "{beside} holds what the copy lacks");
    }
    std::fs::copy(backup, &scene.program.database).expect("a copy");
}

/// `same`, `changed` and `removed` are in the backup. Since then `changed` has changed, `removed` was deleted, and `new` was
/// created.
async fn restored() -> (Arc<MemoryBucket>, Scene) {
    let (bucket, scene) = in_memory().await;
    for name in ["changed", "changed later", "removed", "removed later", "same"] {
        bucket.put(key(name), "old content");
    }
    scene.run_to_success().await;
    let backup = back_up(&scene);

    bucket.put(key("changed"), "changed");
    bucket.remove(&key("removed"));
    bucket.put(key("new"), "new");
    scene.run_to_success().await;
    put_back(&scene, &backup);
    scene.api.api().reset_calls();
    (bucket, scene)
}

#[tokio::test]
async fn a_restored_backup_is_detected_and_only_differences_are_sent() {
    let (bucket, scene) = restored().await;
    bucket.put(key("changed later"), "changed later");
    bucket.remove(&key("removed later"));

    let ended = scene.run_to_success().await;
    let operations = &ended.report.operations;
    // `changed` had been sent before the restore, and the file manager confirms that. `new` has no row, so it is sent.
    assert_eq!((operations.confirm, operations.update, operations.create, operations.delete), (2, 1, 1, 2), "{}", ended.report);
    assert_eq!(ended.report.statistics.total_size, ("changed later".len() + "new".len()) as u64);
    let expected = [("changed", "changed"), ("changed later", "changed later"), ("new", "new"), ("same", "old content")];
    assert_eq!(scene.contents(), files(&expected));

    scene.api.api().reset_calls();
    let again = scene.run_to_success().await;
    assert_eq!((again.report.operations.confirm, scene.saves()), (0, vec![]), "once confirmed, a row is believed again");
}

#[tokio::test]
async fn what_the_file_manager_lost_since_is_created_again() {
    let (_, mut scene) = restored().await;
    let empty = Scene::with(scene.program.endpoints.bucket.clone(), s3_sync::file_manager::Deadlines::default()).await;
    scene.program.endpoints.file_manager = empty.program.endpoints.file_manager.clone();
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.create, ended.report.operations.confirm), (5, 0), "{}", ended.report);
    assert_eq!(empty.contents().len(), 5);
}

#[tokio::test]
async fn the_operator_can_declare_a_restore_where_the_lock_file_is_missing() {
    let (_, mut scene) = restored().await;
    std::fs::remove_file(scene.program.database.with_file_name("sync.db.lock")).expect("it is there");
    scene.program.answer = OperatorAnswer { restored: true, ..OperatorAnswer::default() };
    let ended = scene.run_to_success().await;
    assert_eq!(ended.report.operations.confirm, 4, "{}", ended.report);
    assert_eq!(scene.contents().len(), 5);
}

#[tokio::test]
async fn runs_go_on_counting_after_a_restore() {
    let (_, scene) = restored().await;
    let ended = scene.run_to_success().await;
    assert_eq!(ended.report.run, 3, "the second run is in no database any more, and still was");
}

#[tokio::test]
async fn a_state_that_was_not_restored_is_trusted() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    scene.api.api().reset_calls();
    scene.run_to_success().await;
    assert_eq!(scene.saves(), [], "not even asked");
}
