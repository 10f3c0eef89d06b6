//! ETags: a store that ignores `If-Match`, and a listing without ETags.

use super::super::scene::{Scene, files, in_memory, key};
use async_trait::async_trait;
use s3_sync::file_manager::Deadlines;
use s3_sync::record::{ETag, ObjectKey};
use s3_sync::s3::{Call, Fault, GetObject, GetRequest, ListObjects, ListPage, ListRequest, MemoryBucket, ObjectHead, ReadObjects, S3Error};
use std::sync::{Arc, Mutex};

/// A store that ignores `If-Match` in a GET.
struct IgnoresIfMatch(Arc<MemoryBucket>);

#[async_trait]
impl ListObjects for IgnoresIfMatch {
    async fn list_page(&self, request: ListRequest) -> Result<ListPage, S3Error> {
        self.0.list_page(request).await
    }
}

#[async_trait]
impl ReadObjects for IgnoresIfMatch {
    async fn head_bucket(&self) -> Result<(), S3Error> {
        self.0.head_bucket().await
    }

    async fn head_object(&self, key: &ObjectKey) -> Result<ObjectHead, S3Error> {
        self.0.head_object(key).await
    }

    async fn get_object(&self, request: GetRequest) -> Result<GetObject, S3Error> {
        self.0.get_object(GetRequest { if_match: None, ..request }).await
    }
}

/// Replaces `a` just before its next GET.
fn replace_at_get(bucket: &MemoryBucket, content: &'static str) {
    let mut waiting = Some(content);
    bucket.on_call(
        move |call| if matches!(call, Call::Get(_)) { waiting.take().map(|content| Fault::Replaced(content.into())) } else { None },
    );
}

fn without_etags(call: &Call<'_>) -> Option<Fault> {
    matches!(call, Call::List(_)).then_some(Fault::NoETags)
}

/// Asserts that the metadata that the file manager stores describe its content.
fn assert_described_as_it_is(bucket: &MemoryBucket, scene: &Scene, path: &str) {
    let head = futures::executor::block_on(bucket.head_object(&key(path))).expect("it is there");
    let kept = scene.api.api().files()[path].metadata.clone().expect("metadata");
    assert_eq!(kept["etag"].as_str(), head.facts.etag.as_ref().map(ETag::as_str));
}

#[tokio::test]
async fn a_get_requests_the_observed_etag() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    let etag = bucket.head_object(&key("a")).await.expect("it is there").facts.etag;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    bucket.on_call(move |call| {
        if let Call::Get(get) = call {
            noted.lock().expect("no panic").push(get.if_match.clone());
        }
        None
    });
    scene.run_to_success().await;
    assert!(etag.is_some());
    assert_eq!(*asked.lock().expect("no panic"), [etag]);
}

#[tokio::test]
async fn an_object_replaced_under_a_store_that_ignores_if_match_is_looked_up_again() {
    // The length is the same: only the ETag differs.
    let (bucket, _) = in_memory().await;
    bucket.put(key("a"), "old");
    let scene = Scene::with(Arc::new(IgnoresIfMatch(bucket.clone())), Deadlines::default()).await;
    replace_at_get(&bucket, "new");
    scene.run_to_success().await;
    assert_eq!(bucket.calls().heads, 1, "the GET's own ETag is compared");
    assert_eq!(scene.contents(), files(&[("a", "new")]));
    assert_described_as_it_is(&bucket, &scene, "a");
    scene.api.api().reset_calls();
    scene.run_to_success().await;
    assert_eq!(scene.saves(), []);
}

#[tokio::test]
async fn without_etags_in_the_listing_a_head_finds_changes() {
    let (bucket, scene) = in_memory().await;
    bucket.on_call(without_etags);
    bucket.put(key("a"), "old");
    bucket.put(key("b"), "b");
    scene.run_to_success().await;
    scene.api.api().reset_calls();
    scene.run_to_success().await;
    assert_eq!((scene.saves(), bucket.calls().heads), (vec![], 2));

    bucket.put(key("a"), "new");
    scene.run_to_success().await;
    assert_eq!(scene.saves(), [("update".to_owned(), "a".to_owned())]);
    assert_eq!(scene.contents(), files(&[("a", "new"), ("b", "b")]));
}
