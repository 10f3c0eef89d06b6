//! Events whose keys can be read in more than one way: the object is found at the key that is there, and a delete is judged for all of them.

use super::queued::Queue;
use super::{effects, event, in_sync, permissions, rename, renamed};
use crate::workflow::scene::{BUCKET, Scene, files, key};
use s3_sync::s3::{self, Call, MemoryBucket, S3ErrorKind};
use s3_sync::state::{RunOutcome, Views};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

async fn with_queue(names: &[&str]) -> (Arc<MemoryBucket>, Arc<Queue>, Scene) {
    let (bucket, mut scene) = in_sync(names).await;
    let queue = Arc::new(Queue::default());
    queue.given_to(&mut scene);
    (bucket, queue, scene)
}

/// Collects the keys that are looked up from now on.
fn heads_of(bucket: &MemoryBucket) -> Arc<Mutex<BTreeSet<String>>> {
    let heads = Arc::new(Mutex::new(BTreeSet::new()));
    let log = heads.clone();
    bucket.on_call(move |call| {
        if let Call::Head(key) = call {
            log.lock().expect("sound").insert(key.as_str().to_owned());
        }
        None
    });
    heads
}

fn taken(heads: &Mutex<BTreeSet<String>>) -> Vec<String> {
    std::mem::take(&mut *heads.lock().expect("sound")).into_iter().collect()
}

async fn is_known(scene: &Scene, path: &str) -> bool {
    Views::open(&scene.program.database).key_report(key(path)).await.expect("a database").is_some()
}

/// Case V1: Ceph's gateway writes keys as they are. The cycle said "in sync", these objects never arrived, and the delete was lost.
#[tokio::test]
async fn keys_that_a_producer_does_not_encode_are_looked_up_as_they_are() {
    let (bucket, queue, scene) = with_queue(&["gone+1.txt"]).await;
    for name in ["a+b.txt", "c++/x.cc", "100%25.txt", "50%.txt"] {
        bucket.put(key(name), "hello");
    }
    bucket.remove(&key("gone+1.txt"));
    queue.send_body(include_str!("../../../fixtures/events/ceph-raw-keys.json").to_owned());
    scene.cycle_to_success().await;
    assert_eq!(effects(&scene), ["create 100%25.txt", "create 50%.txt", "create a+b.txt", "create c++/x.cc", "delete gone+1.txt"]);
    for absent in ["a b.txt", "c  /x.cc", "100%.txt", "gone 1.txt"] {
        assert!(!is_known(&scene, absent).await, "{absent} never was there");
    }
}

/// Where both keys are there, the event of `%41` was taken for one of `A`. That of `50%FF`, which cannot be decoded, was a dead letter.
#[tokio::test]
async fn a_key_of_a_ceph_gateway_is_the_one_that_it_writes() {
    let (bucket, queue, scene) = with_queue(&["A", "%41"]).await;
    for name in ["%41", "50%FF"] {
        bucket.put(key(name), "changed");
    }
    let record = |path: &str| json!({ "eventSource": "ceph:s3", "eventName": "ObjectCreated:Put", "s3": { "bucket": { "name": BUCKET }, "object": { "key": path } } });
    let records = ["%41", "50%FF"].map(record);
    queue.send_body(json!({ "Records": records }).to_string());
    scene.cycle_to_success().await;
    assert_eq!(effects(&scene), ["create 50%FF", "update %41"]);
}

/// An event of a key that is there costs one lookup, as does a delete of one whose other spellings are not known.
#[tokio::test]
async fn a_key_that_is_there_is_looked_up_in_one_spelling() {
    let (bucket, queue, scene) = with_queue(&["x y", "left"]).await;
    let heads = heads_of(&bucket);
    bucket.put(key("a b"), "1");
    queue.send("ObjectCreated:Put", "a+b");
    scene.api.api().set_feed(vec![event("create", 1, "/left")]);
    scene.cycle_to_success().await;
    assert_eq!(taken(&heads), ["a b", "left"]);
    bucket.remove(&key("x y"));
    queue.send("ObjectRemoved:Delete", "x+y");
    rename(&bucket, "left", "right", "left");
    scene.api.api().set_feed(vec![event("create", 1, "/left"), renamed(2, "/left", "/right")]);
    scene.cycle_to_success().await;
    assert_eq!(taken(&heads), ["left", "right", "x y"]);
    assert_eq!(effects(&scene), ["create a b", "delete x y", "rename left>right"]);
}

/// Both keys may have files: the delete concerns the one that is not there any more.
#[tokio::test]
async fn a_delete_is_judged_for_every_spelling() {
    for (gone, left) in [("a+b", "a b"), ("a b", "a+b")] {
        let (bucket, queue, scene) = with_queue(&["a+b", "a b"]).await;
        bucket.remove(&key(gone));
        queue.send("ObjectRemoved:Delete", "a+b");
        scene.cycle_to_success().await;
        assert_eq!((effects(&scene), scene.contents()), (vec![format!("delete {gone}")], files(&[(left, left)])));
    }
    let (bucket, queue, scene) = with_queue(&["a+b", "a b"]).await;
    bucket.remove(&key("a b"));
    bucket.remove(&key("a+b"));
    queue.send("ObjectRemoved:Delete", "a+b");
    scene.cycle_to_success().await;
    assert_eq!(effects(&scene), ["delete a b", "delete a+b"]);
}

/// Found by the model: the less likely spelling was looked up only if something was known of it, and the object that the late delete named
/// was missed.
#[tokio::test]
async fn a_delete_is_looked_up_in_each_spelling() {
    let (bucket, queue, scene) = with_queue(&[]).await;
    bucket.put(key("a+b"), "1");
    queue.send("ObjectRemoved:Delete", "a+b");
    scene.cycle_to_success().await;
    assert_eq!(effects(&scene), ["create a+b"]);
}

/// A create and a delete in two batches of one cycle, of which the second is looked up while the first is stored.
#[tokio::test]
async fn a_spelling_that_becomes_known_in_a_cycle_is_known_to_its_later_events() {
    let (bucket, queue, scene) = with_queue(&[]).await;
    bucket.put(key("a+b"), "1");
    let record = |name, path: &str| json!({ "eventName": name, "s3": { "bucket": { "name": BUCKET }, "object": { "key": path } } });
    let mut records = vec![record("ObjectCreated:Put", "a+b")];
    records.extend((0..4001).map(|number| record("ObjectCreated:Put", &format!("nowhere {number}"))));
    records.push(record("ObjectRemoved:Delete", "a+b"));
    queue.send_body(json!({ "Records": records }).to_string());
    let mut looked_up = 0;
    let replaced = bucket.clone();
    bucket.on_call(move |call| {
        // It goes after the first batch has found it.
        if matches!(call, Call::Head(path) if path.as_str() == "a+b") {
            looked_up += 1;
            if looked_up == 2 {
                replaced.remove(&key("a+b"));
            }
        }
        None
    });
    scene.cycle().await;
    assert_eq!(scene.contents(), files(&[]));
    assert!(is_known(&scene, "a+b").await && !is_known(&scene, "a b").await);
}

/// Case V5: the key begins with the slash that the feed puts before every key. It was looked up without it, and lost.
#[tokio::test]
async fn a_key_of_the_feed_may_begin_with_a_slash() {
    let (bucket, scene) = in_sync(&["/moved.txt", "/gone.txt", "x"]).await;
    let id = scene.internal_id("/moved.txt");
    bucket.put(key("/lead.txt"), "lead");
    bucket.remove(&key("/gone.txt"));
    rename(&bucket, "/moved.txt", "/there.txt", "/moved.txt");
    scene.api.api().set_feed(vec![
        event("create", 1, "/lead.txt"),
        permissions(2, "/lead.txt", "rw-LEAD"),
        renamed(3, "/moved.txt", "/there.txt"),
        permissions(4, "/there.txt", "rw-THERE"),
        event("delete", 5, "/gone.txt"),
    ]);
    scene.cycle_to_success().await;
    let expected = ["create /lead.txt", "delete /gone.txt", "rename /moved.txt>/there.txt", "set /lead.txt", "set /there.txt"];
    assert_eq!(effects(&scene), expected);
    let has = |path: &str| scene.api.api().permissions(path).permissions;
    assert_eq!((has("/lead.txt"), has("/there.txt")), ("rw-LEAD".to_owned(), "rw-THERE".to_owned()));
    assert_eq!(scene.internal_id("/there.txt"), id);
    for absent in ["lead.txt", "moved.txt", "there.txt", "gone.txt"] {
        assert!(!is_known(&scene, absent).await, "{absent} never was there");
    }
}

/// The prefix applies to each spelling by itself.
#[tokio::test]
async fn only_spellings_with_the_prefix_count() {
    let (bucket, queue, mut scene) = with_queue(&[]).await;
    scene.program.options.prefix = "a+b/".to_owned();
    bucket.put(key("a+b/1"), "1");
    bucket.put(key("a b/1"), "foreign");
    queue.send("ObjectCreated:Put", "a+b/1");
    queue.send("ObjectCreated:Put", "a+c/1");
    let ended = scene.cycle_to_success().await;
    assert_eq!(scene.contents(), files(&[("a+b/1", "1")]));
    assert!(ended.report.to_string().contains("1 of keys outside of CUSTOMER_S3_PREFIX"), "{}", ended.report);
}

/// A spelling that cannot be looked up keeps the event, and those that share any spelling with it; then it is a dead letter, with all its
/// spellings.
#[tokio::test]
async fn an_event_waits_for_the_lookup_of_every_spelling_that_it_concerns() {
    let (bucket, queue, mut scene) = with_queue(&["c"]).await;
    bucket.put(key("a+b"), "1");
    bucket.put(key("c"), "changed");
    bucket
        .on_call(|call| matches!(call, Call::Head(path) if path.as_str() == "a+b").then_some(s3::Fault::Error(S3ErrorKind::AccessDenied)));
    queue.send("ObjectCreated:Put", "a+b");
    queue.send("ObjectCreated:Put", "c");
    // Its most likely spelling is the other one's less likely one.
    scene.api.api().set_feed(vec![event("create", 1, "/a+b")]);
    assert_eq!(scene.cycle().await.outcome, RunOutcome::Partial);
    assert_eq!((scene.overview().await.inbox, effects(&scene)), (2, vec!["update c".to_owned()]));
    for _ in 0..4 {
        scene.later(10);
        scene.cycle().await;
    }
    let overview = scene.overview().await;
    assert_eq!((overview.inbox, overview.dead_letters), (0, 2));
    bucket.on_call(|_| None);
    let state = s3_sync::state::State::open(&scene.program.database).await.expect("a state");
    let letters = state.inbox().dead_letters(0, 10).await.expect("read");
    let others: BTreeSet<_> = letters.into_iter().filter_map(|letter| letter.event).flat_map(|event| event.other_spellings.path).collect();
    assert_eq!(others, BTreeSet::from([key("/a+b"), key("a+b")]));
}
