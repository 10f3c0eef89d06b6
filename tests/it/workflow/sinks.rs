//! The engine with endpoints other than a bucket and a file manager: missing capabilities, failures, and what a new sink needs.

use super::cycle::{event, renamed};
use super::scene::{Scene, in_memory, key, kill};
use crate::memory_sink::{MemorySink, SinkTrouble, all_capabilities};
use crate::memory_source::{MemorySource, Order};
use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt as _;
use s3_sync::apply::sink::{Capabilities, EffectKind, EffectRequest, EffectResult, FilePart, Idempotency, Sink, SinkHandle, StoredFile};
use s3_sync::endpoint::EndpointError;
use s3_sync::plan::{PermissionSupport, Renames};
use s3_sync::record::ObjectKey;
use s3_sync::s3::MemoryBucket;
use s3_sync::state::RunOutcome;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A sink that can only store files.
fn least() -> Capabilities {
    Capabilities {
        permissions: PermissionSupport::None,
        renames: Renames::None,
        keeps_identity: false,
        notices_changes: false,
        idempotency: Idempotency::Natural,
        ..all_capabilities()
    }
}

/// A scene with this sink.
async fn before<S: Sink + 'static>(sink: S) -> (Arc<MemoryBucket>, Arc<S>, Scene) {
    let (bucket, mut scene) = in_memory().await;
    let sink = Arc::new(sink);
    scene.program.endpoints.sink = Some(sink.clone());
    (bucket, sink, scene)
}

#[tokio::test]
async fn a_sink_without_renames_gets_a_create_and_a_delete() {
    let (bucket, sink, scene) = before(MemorySink::new(least())).await;
    for name in ["a", "d/b"] {
        bucket.put(key(name), name.to_owned());
    }
    scene.run_to_success().await;
    bucket.remove(&key("a"));
    bucket.put(key("c"), "a");
    scene.api.api().set_feed(vec![renamed(1, "a", "c")]);
    let before = sink.calls().len();
    scene.cycle_to_success().await;
    assert_eq!(sink.contents(), bucket.contents());
    assert_eq!(sink.calls()[before..], ["create c", "delete a"]);

    let (bucket, sink, scene) = self::before(MemorySink::new(Capabilities { renames: Renames::SameDirectory, ..least() })).await;
    bucket.put(key("a"), "a");
    bucket.put(key("d/b"), "b");
    scene.run_to_success().await;
    bucket.remove(&key("a"));
    bucket.put(key("c"), "a");
    bucket.remove(&key("d/b"));
    bucket.put(key("e/b"), "b");
    scene.api.api().set_feed(vec![renamed(1, "a", "c"), renamed(2, "d/b", "e/b")]);
    let before = sink.calls().len();
    scene.cycle_to_success().await;
    assert_eq!(sink.contents(), bucket.contents());
    assert_eq!(sink.calls()[before..], ["rename a>c", "create e/b", "delete d/b"], "another directory is no rename");
}

#[tokio::test]
async fn a_sink_without_permissions_is_neither_asked_for_them_nor_sent_them() {
    for (plane, expected) in [
        (PermissionSupport::None, vec!["create a"]),
        (PermissionSupport::Set, vec!["create a", "set a"]),
        (PermissionSupport::SetAndAsk, vec!["ask a", "create a", "set a"]),
    ] {
        let (bucket, sink, scene) = before(MemorySink::new(Capabilities { permissions: plane, ..all_capabilities() })).await;
        bucket.put(key("a"), "a");
        scene.run_to_success().await;
        let mut reported = event("change_permission", 1, "a");
        reported["metadata"] = json!({ "permissions": "0600" });
        scene.api.api().set_feed(vec![reported]);
        scene.cycle().await;
        assert_eq!(sink.calls(), expected, "{plane:?}");
    }
}

#[tokio::test]
async fn a_call_of_a_sink_that_hung_is_sent_again_after_a_kill() {
    for capabilities in [all_capabilities(), least()] {
        let (bucket, sink, scene) = before(MemorySink::new(capabilities)).await;
        bucket.put(key("a"), "a");
        sink.order(SinkTrouble::Hangs);
        let run = scene.start();
        sink.hangs().await;
        kill(run).await;
        assert_eq!(scene.overview().await.open_intents(), 1);
        scene.run_to_success().await;
        assert_eq!((sink.contents(), scene.overview().await.open_intents()), (bucket.contents(), 0));
    }
}

#[tokio::test]
async fn a_sink_that_fails_is_tried_again_and_one_that_cannot_be_reached_stops_the_run() {
    let (bucket, sink, scene) = before(MemorySink::new(all_capabilities())).await;
    bucket.put(key("a"), "a");
    sink.order(SinkTrouble::BreaksBefore);
    sink.order(SinkTrouble::BreaksAfter);
    scene.run_to_success().await;
    assert_eq!(sink.contents(), bucket.contents());

    bucket.put(key("b"), "b");
    sink.set_unreachable(true);
    let ended = scene.run().await;
    assert_eq!((ended.outcome, scene.overview().await.open_intents()), (RunOutcome::Failed, 0), "{}", ended.report);
    sink.set_unreachable(false);
    scene.run_to_success().await;
    assert_eq!(sink.contents(), bucket.contents());
}

/// A minimal new sink, which counts bytes.
struct Counting {
    capabilities: Capabilities,
    bytes: Mutex<BTreeMap<String, u64>>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Sink for Counting {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn check(&self) -> Result<(), EndpointError> {
        Ok(())
    }

    async fn changed(&self, _: &[(ObjectKey, Option<SinkHandle>)]) -> Result<Vec<ObjectKey>, EndpointError> {
        Ok(Vec::new())
    }

    async fn inspect(&self, path: &ObjectKey, _: Option<&SinkHandle>, _: FilePart) -> Result<Option<StoredFile>, EndpointError> {
        let size = self.bytes.lock().expect("no panic").get(path.as_str()).copied();
        Ok(size.map(|size| StoredFile { size: Some(size), ..StoredFile::default() }))
    }

    async fn perform(&self, request: EffectRequest<'_>) -> Result<EffectResult, EndpointError> {
        let path = request.path.as_str().to_owned();
        match request.kind {
            EffectKind::Create(content) | EffectKind::Update(content) => {
                let count = content.body.try_fold(0, async |sum, chunk: Bytes| Ok(sum + chunk.len() as u64)).await?;
                self.bytes.lock().expect("no panic").insert(path, count);
            }
            EffectKind::Delete => drop(self.bytes.lock().expect("no panic").remove(&path)),
            EffectKind::Rename { .. } | EffectKind::Move { .. } | EffectKind::SetPermissions(_) => {
                unreachable!("its capabilities exclude it")
            }
        }
        Ok(EffectResult::default())
    }
}

#[tokio::test]
async fn a_new_sink_is_one_file() {
    let (bucket, sink, scene) = before(Counting { capabilities: least(), bytes: Mutex::default() }).await;
    let counted = || sink.bytes.lock().expect("no panic").clone();
    let held = || bucket.contents().into_iter().map(|(path, bytes)| (path, bytes.len() as u64)).collect::<BTreeMap<_, _>>();
    for (name, content) in [("a", "one"), ("b", ""), ("c", "three")] {
        bucket.put(key(name), content);
    }
    scene.run_to_success().await;
    assert_eq!(counted(), held());
    bucket.put(key("a"), "longer than before");
    bucket.remove(&key("c"));
    scene.run_to_success().await;
    assert_eq!(counted(), held());
}

#[tokio::test]
async fn a_source_that_is_no_bucket_is_listed_in_either_order() {
    for order in [Order::Keys, Order::Tokens] {
        let (_, mut scene) = in_memory().await;
        let source = MemorySource::new(order);
        for name in ["a", "b", "c"] {
            source.put(&key(name), name.to_owned());
        }
        scene.program.endpoints.source = Some(Arc::new(source));
        scene.program.options.page_keys = 2;
        let ended = scene.run_to_success().await;
        assert_eq!((scene.contents().len(), ended.report.listing.out_of_order), (3, order == Order::Tokens), "{}", ended.report);
    }
}

/// The bucket's new sink was down from the start: the initial sync counted as complete, so the daemon never filled the sink, and `status` was
/// content.
#[tokio::test]
async fn an_initial_sync_is_complete_only_after_every_sink_has_applied_the_listing() {
    let (bucket, sink, mut scene) = before(MemorySink::new(all_capabilities())).await;
    let mirror = Arc::new(MemorySink::new(least()));
    scene.program.add_sink("mirror", mirror.clone());
    for name in ["a", "b"] {
        bucket.put(key(name), name.to_owned());
    }
    mirror.set_unreachable(true);
    for run in 0..2 {
        let ended = if run == 0 { scene.run().await } else { scene.reconcile().await };
        assert_eq!((ended.outcome, ended.report.has_only_stopped_sinks()), (RunOutcome::Failed, true), "{}", ended.report);
        assert_eq!((sink.contents(), mirror.contents().len()), (bucket.contents(), 0));
        assert_eq!(scene.overview().await.initial_completed_by, None);
    }
    // A cycle serves both, and fills the sink with what the listing found.
    mirror.set_unreachable(false);
    scene.cycle_to_success().await;
    assert_eq!((mirror.contents(), scene.overview().await.initial_completed_by), (bucket.contents(), None));
    scene.run_to_success().await;
    assert_eq!(scene.overview().await.initial_completed_by, Some(4));
}

/// A transfer began at its first byte after each interruption: nothing read what the sink had said of its progress.
#[tokio::test]
async fn a_transfer_resumes_after_its_last_checkpoint() {
    let (bucket, sink, mut scene) = before(MemorySink::new(least())).await;
    bucket.put(key("a"), "a");
    sink.stop_after_checkpoint("part 1", SinkTrouble::Hangs);
    let run = scene.start();
    sink.hangs().await;
    kill(run).await;
    // The scene allows three attempts at each operation.
    for part in ["part 2", "part 3", "part 4"] {
        sink.stop_after_checkpoint(part, SinkTrouble::BreaksBefore);
    }
    let ended = scene.run().await;
    assert_eq!((ended.outcome, scene.overview().await.open_intents()), (RunOutcome::Partial, 1), "{}", ended.report);
    scene.later(60);
    scene.cycle_to_success().await;
    assert_eq!(
        sink.calls(),
        ["create a", "create a after part 1", "create a after part 2", "create a after part 3", "create a after part 4"]
    );
    assert_eq!((sink.contents(), scene.overview().await.open_intents()), (bucket.contents(), 0));

    // Another content is another effect.
    bucket.put(key("a"), "first");
    sink.stop_after_checkpoint("of the first", SinkTrouble::Hangs);
    let run = scene.start();
    sink.hangs().await;
    kill(run).await;
    bucket.put(key("a"), "second");
    scene.run_to_success().await;
    assert_eq!(sink.calls()[5..], ["update a", "get a", "update a"]);
    assert_eq!(sink.contents(), bucket.contents());
}
