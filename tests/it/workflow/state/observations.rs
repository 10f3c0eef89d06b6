//! Observations are numbered before their requests are sent: an older one never overwrites a newer one, whenever its response
//! arrives.

use super::super::scene::{files, in_memory, key};
use s3_sync::plan::Policy;
use s3_sync::record::{ETag, ObjectFacts, SinkName};
use s3_sync::s3::{Call, Fault};
use s3_sync::state::{Observation, Page, State};
use std::sync::Arc;

fn facts(etag: &str) -> ObjectFacts {
    ObjectFacts { size: 1, etag: ETag::parse(etag), last_modified: None, storage_class: None, version_id: None }
}

#[tokio::test]
async fn a_page_does_not_overwrite_an_observation_that_began_after_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
    let sink = state.sink(SinkName::file_manager(), Policy::default()).await.expect("registered");
    let (of_page, of_head) = (state.source().observation_next(), state.source().observation_next());
    let seen = ["hidden", "listed"].map(|name| Observation { path: key(name), facts: Some(facts("new")), seq: of_head });
    state.source().observations_record(seen.to_vec()).await.expect("stored");
    let objects = vec![(key("listed"), facts("old"))];
    state.source().page_record(Page { prefix: String::new(), after: None, up_to: None, seq: of_page, objects }).await.expect("stored");

    let overview = state.overview().await.expect("an overview");
    assert!(overview.sinks[0].waiting.iter().all(|waiting| !waiting.deletion), "the page is no evidence against `hidden`: {overview:?}");
    let listed = sink.work_item(&key("listed")).await.expect("read").expect("it is to be created");
    assert_eq!(listed.path_state.observed.and_then(|observed| observed.facts), Some(facts("new")));
}

#[tokio::test]
async fn observation_numbers_continue_after_the_state_was_closed() {
    let directory = tempfile::tempdir().expect("a directory");
    let database = directory.path().join("sync.db");
    let state = State::open(&database).await.expect("a state");
    let last = [state.source().observation_next(), state.source().observation_next(), state.source().observation_next()][2];
    state.source().observations_record(vec![Observation { path: key("a"), facts: None, seq: last }]).await.expect("stored");
    drop(state);
    let state = State::open(&database).await.expect("a state");
    assert!(state.source().observation_next() > last);
}

#[tokio::test]
async fn an_object_replaced_repeatedly_while_it_is_read_ends_with_its_last_content() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "version 0");
    let inside = Arc::downgrade(&bucket);
    let mut version = 0;
    bucket.on_call(move |call| {
        if let (Call::Get(_), Some(bucket)) = (call, inside.upgrade())
            && version < 3
        {
            version += 1;
            bucket.put(key("a"), format!("version {version}"));
        }
        None
    });
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "version 3")]));
    assert_eq!(scene.effects("a", "create"), 1);
}

#[tokio::test]
async fn an_object_that_keeps_changing_is_parked_and_no_other_object_fails() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "x");
    bucket.put(key("restless"), "x");
    let mut version = 0;
    bucket.on_call(move |call| {
        version += 1;
        let restless = matches!(call, Call::Get(get) if get.key.as_str() == "restless");
        restless.then(|| Fault::Replaced(format!("version {version}").into()))
    });
    let ended = scene.run().await;
    assert_eq!((ended.report.failures[0].reason.as_str(), ended.report.pending.parked), ("s3_object_replaced", 1));
    assert_eq!(scene.contents(), files(&[("a", "x")]));
    bucket.on_call(|_| None);
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 2);
}
