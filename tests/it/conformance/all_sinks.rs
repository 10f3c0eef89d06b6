//! The list of sinks: each must pass all functions of `sink.rs`.

use super::file_manager;
use super::sink::{FUNCTIONS, Tried};
use super::sink_trouble::an_unreachable_sink_had_no_effect;
use crate::memory_sink::{MemorySink, SinkTrouble, all_capabilities};
use async_trait::async_trait;
use bytes::Bytes;
use mock_api::{Fault, FaultAction, Running};
use s3_sync::apply::sink::{Capabilities, Checkpoint, FileManagerSink, Idempotency, LocalDirSink, Sink as _};
use s3_sync::endpoint::EndpointError;
use s3_sync::local_fs::key_path::{escaped_path_of, path_of};
use s3_sync::plan::{PermissionSupport, Renames};
use s3_sync::record::ObjectKey;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

#[tokio::test]
async fn a_sink_in_memory_conforms_with_any_capabilities() {
    let all = all_capabilities();
    let least = Capabilities {
        permissions: PermissionSupport::None,
        renames: Renames::None,
        keeps_identity: false,
        notices_changes: false,
        idempotency: Idempotency::Natural,
        ..all.clone()
    };
    for capabilities in [
        all.clone(),
        least.clone(),
        Capabilities { permissions: PermissionSupport::Set, renames: Renames::SameDirectory, ..all },
        Capabilities { renames: Renames::Any, ..least },
    ] {
        for function in FUNCTIONS {
            let sink = MemorySink::new(capabilities.clone());
            let (contents, order) = (|| sink.contents(), |trouble| sink.order(trouble));
            function(&Tried { sink: &sink, contents: &contents, order: Some(&order) }).await;
        }
        let sink = MemorySink::new(capabilities);
        sink.set_unreachable(true);
        an_unreachable_sink_had_no_effect(&sink).await;
        sink.set_unreachable(false);
        sink.check().await.expect("it is there again");
    }
}

fn contents_of(double: &Running) -> BTreeMap<String, Bytes> {
    double.api().files().into_iter().map(|(path, file)| (path, file.content.expect("kept in memory"))).collect()
}

fn order(double: &Running, trouble: SinkTrouble) {
    let action = match trouble {
        SinkTrouble::Refuses => FaultAction::status(400),
        SinkTrouble::BreaksBefore => FaultAction::Reset,
        SinkTrouble::BreaksAfter => FaultAction::EffectThenReset,
        SinkTrouble::Hangs => FaultAction::Hang,
    };
    double.api().order(Fault::new(action));
}

#[tokio::test]
async fn the_file_manager_over_http_conforms() {
    for function in FUNCTIONS {
        let double = file_manager::double().await;
        let sink = FileManagerSink::new(Arc::new(file_manager::client(&double)));
        let (contents, order) = (|| contents_of(&double), |trouble| order(&double, trouble));
        function(&Tried { sink: &sink, contents: &contents, order: Some(&order) }).await;
    }
    let double = file_manager::double().await;
    let sink = FileManagerSink::new(Arc::new(file_manager::client(&double)));
    double.stop().await;
    an_unreachable_sink_had_no_effect(&sink).await;
}

/// The file manager's double without a network, which the model uses.
#[cfg(feature = "failpoints")]
#[tokio::test]
async fn the_file_manager_of_the_model_conforms() {
    use crate::model::file_manager_alone;
    for function in FUNCTIONS {
        let (file_manager, world) = file_manager_alone();
        let sink = FileManagerSink::new(file_manager);
        let (contents, order) = (|| world.files(), |trouble| world.order(trouble));
        function(&Tried { sink: &sink, contents: &contents, order: Some(&order) }).await;
    }
    let (file_manager, world) = file_manager_alone();
    world.make_unreachable();
    an_unreachable_sink_had_no_effect(&FileManagerSink::new(file_manager)).await;
}

/// The keys that the conformance functions use: the path of a long key does not tell it.
fn all_keys() -> Vec<ObjectKey> {
    let hostile: Vec<String> = serde_json::from_str(include_str!("../../fixtures/hostile-keys.json")).expect("a list of keys");
    let plain = ["d/a", "d/b", "n", "r", "fresh", "known", "d/from", "d/other"].map(str::to_owned);
    hostile.into_iter().chain(plain).map(|key| ObjectKey::new(key).expect("a key")).collect()
}

/// The files beneath a directory by their keys, read without the sink.
fn files_by_key(root: &Path) -> BTreeMap<String, Bytes> {
    let keys = all_keys();
    let mut files = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            let below = path.strip_prefix(root).expect("below the root");
            if below.starts_with(".s3-sync") {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let key = keys.iter().find(|key| path_of(key) == below || escaped_path_of(key) == below);
            let key = key.unwrap_or_else(|| panic!("{} is of no key", below.display()));
            files.insert(key.as_str().to_owned(), std::fs::read(&path).expect("a file").into());
        }
    }
    files
}

#[tokio::test]
async fn a_directory_conforms() {
    for function in FUNCTIONS {
        let base = tempfile::tempdir().expect("a directory");
        let root = base.path().join("made/by the sink");
        let sink = LocalDirSink::new(&root, None);
        function(&Tried { sink: &sink, contents: &|| files_by_key(&root), order: None }).await;
    }
    let base = tempfile::tempdir().expect("a directory");
    std::fs::write(base.path().join("file"), "in the way").expect("written");
    an_unreachable_sink_had_no_effect(&LocalDirSink::new(&base.path().join("file/root"), None)).await;
}

/// Checkpoints of a process that ends before it needs them.
pub(super) struct Forgotten;

#[async_trait]
impl Checkpoint for Forgotten {
    async fn store(&self, _: &str) -> Result<(), EndpointError> {
        Ok(())
    }
}
