//! The identity of a state: another bucket, prefix or file manager is refused until the operator says what it means.

use super::super::scene::{Scene, files, in_memory, key};
use s3_sync::apply::ApplyError;
use s3_sync::record::SinkName;
use s3_sync::s3::MemoryBucket;
use s3_sync::state::{OperatorAnswer, StateError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

async fn in_sync() -> (Arc<MemoryBucket>, Scene) {
    let (bucket, scene) = in_memory().await;
    for name in ["both", "only in the first"] {
        bucket.put(key(name), name);
    }
    scene.run_to_success().await;
    scene.api.api().reset_calls();
    (bucket, scene)
}

/// Every file beside the database, except the lock file, which names its holder.
fn bytes_of(database: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let beside = std::fs::read_dir(database.parent().expect("a directory")).expect("a directory");
    let paths = beside.map(|entry| entry.expect("an entry").path()).filter(|path| !path.ends_with("sync.db.lock"));
    let mut files: Vec<_> = paths.map(|path| (path.clone(), std::fs::read(path).expect("a file"))).collect();
    files.sort();
    files
}

/// Asserts that the run is refused with every text of `said`, and that neither the database nor any endpoint was changed.
async fn assert_refused(bucket: &MemoryBucket, scene: &Scene, said: &[&str]) {
    let (before, asked) = (bytes_of(&scene.program.database), bucket.calls());
    let error = scene.program.run().await.expect_err("it describes something else");
    let ApplyError::State(StateError::OtherIdentity(words)) = error else { panic!("refused for another reason: {error}") };
    assert!(said.iter().all(|said| words.contains(said)), "{words}");
    assert!(bytes_of(&scene.program.database) == before, "the database or what lies beside it was touched");
    assert_eq!((bucket.calls(), scene.api.api().calls_in_all()), (asked, 0), "an endpoint was called");
}

#[tokio::test]
async fn another_bucket_prefix_or_file_manager_is_refused_and_changes_nothing() {
    let (bucket, mut scene) = in_sync().await;
    let known = scene.program.identity.clone();

    scene.program.identity.source = "the-endpoint/other-bucket/".to_owned();
    assert_refused(&bucket, &scene, &[&known.source, "the-endpoint/other-bucket/", "--adopt", "--new-source"]).await;
    scene.program.identity.source = format!("{}photos/", known.source);
    scene.program.options.prefix = "photos/".to_owned();
    assert_refused(&bucket, &scene, &[&known.source, "photos/"]).await;
    scene.program.name_file_manager("http://elsewhere");
    assert_refused(&bucket, &scene, &["photos/", &known.sinks[0].address, "http://elsewhere", "--new-sink file_manager"]).await;

    // The flag for one difference does not answer the other.
    scene.program.answer = OperatorAnswer { new_source: true, ..OperatorAnswer::default() };
    assert_refused(&bucket, &scene, &["http://elsewhere"]).await;

    scene.program.identity = known;
    scene.program.options.prefix = String::new();
    scene.program.answer = OperatorAnswer::default();
    scene.run_to_success().await;
    assert_eq!(scene.saves(), [], "the state is as good as before");
}

#[tokio::test]
async fn a_renamed_source_that_is_adopted_sends_nothing_and_replaces_the_name() {
    let (bucket, mut scene) = in_sync().await;
    scene.program.identity.source = "another-endpoint/customer-bucket/".to_owned();
    scene.program.name_file_manager("http://another-name");
    scene.program.answer = OperatorAnswer { adopt: true, ..OperatorAnswer::default() };
    scene.run_to_success().await;
    assert_eq!(scene.saves(), []);

    scene.program.answer = OperatorAnswer::default();
    scene.run_to_success().await;
    scene.api.api().reset_calls();
    scene.program.identity.source = "the-endpoint/customer-bucket/".to_owned();
    assert_refused(&bucket, &scene, &["another-endpoint/customer-bucket/"]).await;
}

#[tokio::test]
async fn a_new_source_is_compared_with_what_the_file_manager_holds() {
    let (_, mut scene) = in_sync().await;
    let other = Arc::new(MemoryBucket::new("other"));
    other.put(key("both"), "both");
    other.put(key("only in the second"), "x");
    scene.program.endpoints.bucket = other;
    scene.program.identity.source = "the-endpoint/other/".to_owned();
    scene.program.answer = OperatorAnswer { new_source: true, ..OperatorAnswer::default() };

    let ended = scene.run_to_success().await;
    let operations = ended.report.operations;
    assert_eq!((operations.create, operations.update, operations.delete), (1, 0, 1), "what is the same is not sent");
    assert_eq!(scene.contents(), files(&[("both", "both"), ("only in the second", "x")]));
}

#[tokio::test]
async fn a_new_source_that_has_nothing_of_the_old_one_is_held_by_the_guard() {
    let (_, mut scene) = in_sync().await;
    scene.program.endpoints.bucket = Arc::new(MemoryBucket::new("empty"));
    scene.program.identity.source = "the-endpoint/empty/".to_owned();
    scene.program.answer = OperatorAnswer { new_source: true, ..OperatorAnswer::default() };
    let ended = scene.run().await;
    assert_eq!((ended.deletes_held, ended.report.deletes_held, scene.contents().len()), (true, 2, 2));
}

#[tokio::test]
async fn a_new_file_manager_gets_everything() {
    let (bucket, mut scene) = in_sync().await;
    let new = Scene::with(bucket, s3_sync::file_manager::Deadlines::default()).await;
    scene.program.endpoints.file_manager = new.program.endpoints.file_manager.clone();
    scene.program.name_file_manager(&new.program.file_manager_address());
    scene.program.answer = OperatorAnswer { new_sinks: [SinkName::file_manager()].into(), ..OperatorAnswer::default() };

    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.operations.create, scene.saves().len()), (2, 0), "the old one is asked nothing");
    assert_eq!(new.contents(), files(&[("both", "both"), ("only in the first", "only in the first")]));
}
