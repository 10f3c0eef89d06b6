//! Listings whose keys are written in other ways than S3's: each object arrives under its own key, and none is deleted because its key was
//! misread.

use super::scene::{BUCKET, Scene, in_memory, key, kill, over_http};
use mock_s3::{Fault, Gate, Matcher, MockS3, OddListing};
use s3_sync::s3::{self, Call};
use s3_sync::state::{OperatorAnswer, RunOutcome};
use std::collections::BTreeMap;

/// The keys of case L5.
const UNENCODED: [&str; 4] = ["a+b.txt", "c++/x.cc", "100%.txt", "plain.txt"];

/// Keys that are others after decoding, some of which exist as well.
const CONFUSABLE: [&str; 12] = ["a b", "a%20b", "a%2520b", "a%2Bb", "a+b", "a+b+c", "100%", "100%25", "50%+x", "Ünï+x", "d e/f+g", "plain"];

/// The ways to write keys. `None` = S3's own.
const WAYS: [Option<OddListing>; 5] = [
    None,
    Some(OddListing::PlainDeclared),
    Some(OddListing::PlainUndeclared),
    Some(OddListing::FormUndeclared),
    Some(OddListing::PercentDeclared),
];

async fn with_keys(keys: &[&str], page_keys: u16) -> (mock_s3::Running, Scene) {
    let (server, mut scene) = over_http().await;
    scene.program.options.page_keys = page_keys;
    for key in keys {
        server.server().put(BUCKET, key, format!("content of {key}"), None);
    }
    (server, scene)
}

fn written(s3: &MockS3, way: Option<OddListing>) {
    s3.clear_faults();
    if let Some(odd) = way {
        s3.order(Matcher::operation("ListObjectsV2"), Fault::Listing(odd));
    }
}

fn contents_of(keys: &[&str]) -> BTreeMap<String, bytes::Bytes> {
    keys.iter().map(|key| ((*key).to_owned(), format!("content of {key}").into())).collect()
}

/// The keys that were looked up since the log was cleared.
fn heads(s3: &MockS3) -> Vec<String> {
    let heads = s3.requests().into_iter().filter(|request| request.operation == "HeadObject");
    heads.filter_map(|request| request.key).collect()
}

/// What the file manager was asked since its log was reset: `delete a`. Sorted.
fn saves(scene: &Scene) -> Vec<String> {
    let mut saves: Vec<_> = scene.saves().into_iter().map(|(operation, path)| format!("{operation} {path}")).collect();
    saves.sort();
    saves
}

/// Case L5: as s3s-fs 0.14.1 answers. It was "in sync" without two of the files, or its bucket stopped at `100%.txt`.
#[tokio::test]
async fn keys_that_are_declared_as_encoded_and_are_not_arrive() {
    for page_keys in [1, 2, 1000] {
        let (server, scene) = with_keys(&UNENCODED, page_keys).await;
        let s3 = server.server();
        written(s3, Some(OddListing::PlainDeclared));
        scene.run_to_success().await;
        assert_eq!(scene.contents(), contents_of(&UNENCODED));
        assert_eq!(heads(s3), ["a b.txt", "a+b.txt"], "one key shows what the store means");

        s3.clear_requests();
        scene.api.api().reset_calls();
        scene.reconcile().await;
        assert_eq!((heads(s3), saves(&scene)), (vec![], vec![]), "nothing is asked again");
        assert!(s3.remove(BUCKET, "c++/x.cc"));
        scene.reconcile().await;
        assert_eq!(saves(&scene), ["delete c++/x.cc"]);
    }
}

/// Case L5: without ETags in the listing, as s3s-fs answers.
#[tokio::test]
async fn unencoded_keys_arrive_from_a_listing_without_etags() {
    let (bucket, scene) = in_memory().await;
    for name in UNENCODED {
        bucket.put(key(name), format!("content of {name}"));
    }
    bucket.on_call(|call| matches!(call, Call::List(_)).then_some(s3::Fault::UnencodedKeys));
    scene.run_to_success().await;
    assert_eq!(scene.contents(), contents_of(&UNENCODED));
    assert_eq!(bucket.calls().heads, 2, "what the store means");
}

/// Case L5: whatever a store does and declares.
#[tokio::test]
async fn each_way_to_write_keys_is_understood() {
    for way in WAYS {
        for page_keys in [1, 3, 1000] {
            let (server, scene) = with_keys(&CONFUSABLE, page_keys).await;
            let s3 = server.server();
            written(s3, way);
            scene.run_to_success().await;
            assert_eq!(scene.contents(), contents_of(&CONFUSABLE), "{way:?}, pages of {page_keys}");
            assert!(heads(s3).len() <= 6, "{way:?}: {:?}", heads(s3));

            s3.clear_requests();
            scene.api.api().reset_calls();
            scene.reconcile().await;
            assert_eq!((heads(s3), saves(&scene)), (vec![], vec![]), "{way:?}, pages of {page_keys}");
            for gone in ["a+b", "100%25"] {
                assert!(s3.remove(BUCKET, gone));
            }
            s3.put(BUCKET, "a b", "changed", None);
            scene.reconcile().await;
            assert_eq!(saves(&scene), ["delete 100%25", "delete a+b", "update a b"], "{way:?}, pages of {page_keys}");
        }
    }
}

/// A store that encodes keys as S3 does is asked once, and one without such keys never.
#[tokio::test]
async fn one_lookup_confirms_the_usual_encoding() {
    let (server, scene) = with_keys(&["a", "b c", "d+e", "f g"], 1).await;
    scene.run_to_success().await;
    assert_eq!(heads(server.server()), ["b c"]);
    let (server, scene) = with_keys(&["a", "b-c", "d/e"], 1).await;
    scene.run_to_success().await;
    assert_eq!(heads(server.server()), [""; 0]);
}

/// The prefix shows the encoding as well.
#[tokio::test]
async fn a_prefix_with_a_plus_sign_is_no_other_prefix() {
    for way in WAYS {
        for prefix in ["a+b/", "a b/", "100%25/"] {
            let (server, mut scene) = with_keys(&["a b/1+1", "a+b/1+1", "a+b/2", "100%25/x", "100%/x"], 2).await;
            scene.program.options.prefix = prefix.to_owned();
            written(server.server(), way);
            scene.run_to_success().await;
            let expected: Vec<_> =
                ["a b/1+1", "a+b/1+1", "a+b/2", "100%25/x", "100%/x"].into_iter().filter(|key| key.starts_with(prefix)).collect();
            assert_eq!(scene.contents(), contents_of(&expected), "{way:?}, {prefix}");
        }
    }
}

/// The checkpoint is a key, not what the store wrote.
#[tokio::test]
async fn a_killed_listing_goes_on_after_the_true_key() {
    for way in WAYS {
        let (server, scene) = with_keys(&CONFUSABLE, 1).await;
        let s3 = server.server();
        written(s3, way);
        for page in 1..CONFUSABLE.len() as u64 {
            let gate = Gate::new();
            // The first order that matches a request is the one that counts.
            s3.clear_faults();
            let held = s3.order(Matcher::operation("ListObjectsV2").skip(1).times(1), Fault::Hold(gate.clone()));
            let odd = way.map(|odd| s3.order(Matcher::operation("ListObjectsV2"), Fault::Listing(odd)));
            let run = scene.start();
            gate.arrived(1).await;
            kill(run).await;
            gate.open();
            held.withdraw();
            let resumed = s3.requests().into_iter().rev().find(mock_s3::Request::is_resumed_listing);
            let mut sorted = CONFUSABLE;
            sorted.sort_unstable();
            let after = resumed.and_then(|request| request.begins_after());
            assert_eq!(after.as_deref(), (page > 1).then(|| sorted[usize::try_from(page).expect("small") - 2]), "{way:?}");
            drop(odd);
        }
        written(s3, way);
        scene.run_to_success().await;
        assert_eq!(scene.contents(), contents_of(&CONFUSABLE), "{way:?}");
        assert!(!saves(&scene).iter().any(|save| save.starts_with("delete")), "{way:?}: {:?}", saves(&scene));
    }
}

/// A store that writes keys in another way after an upgrade: what was known of it is refuted by a key that is listed and not found.
#[tokio::test]
async fn a_store_that_changes_its_way_is_understood_after_two_listings() {
    for (before, after) in WAYS.iter().flat_map(|before| WAYS.iter().map(move |after| (*before, *after))) {
        let (server, scene) = with_keys(&CONFUSABLE, 3).await;
        let s3 = server.server();
        written(s3, before);
        scene.run_to_success().await;
        scene.api.api().reset_calls();
        written(s3, after);
        s3.put(BUCKET, "new x+y", "content of new x+y", None);
        s3.put(BUCKET, "new x%2By", "content of new x%2By", None);
        scene.reconcile().await;
        let ended = scene.reconcile().await;
        assert_eq!((ended.outcome, ended.report.success), (RunOutcome::Done, true), "{before:?}, {after:?}: {}", ended.report);
        assert_eq!(saves(&scene), ["create new x%2By", "create new x+y"], "{before:?}, {after:?}");
        s3.clear_requests();
        scene.reconcile().await;
        assert_eq!((heads(s3), saves(&scene).len()), (vec![], 2), "{before:?}, {after:?}");
    }
}

/// Lookups that fail show nothing: the keys are read as declared, and the next listing finds out.
#[tokio::test]
async fn lookups_that_fail_leave_the_question_open() {
    let (server, scene) = with_keys(&UNENCODED, 2).await;
    let s3 = server.server();
    s3.order(Matcher::operation("HeadObject"), Fault::access_denied());
    s3.order(Matcher::operation("ListObjectsV2"), Fault::Listing(OddListing::PlainDeclared));
    assert_eq!(scene.run().await.outcome, RunOutcome::Partial);
    written(s3, Some(OddListing::PlainDeclared));
    scene.run_to_success().await;
    assert_eq!(scene.contents(), contents_of(&UNENCODED));
}

/// The answer belongs to an endpoint: under another address the same data may come from another store.
#[tokio::test]
async fn another_endpoint_is_asked_anew() {
    let (server, mut scene) = with_keys(&UNENCODED, 2).await;
    let s3 = server.server();
    written(s3, Some(OddListing::PlainDeclared));
    scene.run_to_success().await;
    s3.clear_requests();
    scene.program.identity.source = format!("another-endpoint/{BUCKET}/");
    scene.program.answer = OperatorAnswer { adopt: true, ..OperatorAnswer::default() };
    scene.reconcile().await;
    assert_eq!(heads(s3), ["a b.txt", "a+b.txt"]);
}
