//! Listings as some stores send them: each object is synced, and a missing key is deleted only if the listing covers its range.

use super::scene::{BUCKET, Scene, kill, over_http};
use mock_s3::{Fault, Gate, Matcher, MockS3, OddListing};
use s3_sync::state::RunOutcome;

/// A bucket with these keys, two on a page.
async fn with_keys(keys: &[&str]) -> (mock_s3::Running, Scene) {
    let (server, mut scene) = over_http().await;
    scene.program.options.page_keys = 2;
    for key in keys {
        server.server().put(BUCKET, key, format!("content of {key}"), Some("text/plain"));
    }
    (server, scene)
}

async fn with_five_keys() -> (mock_s3::Running, Scene) {
    with_keys(&["k00.txt", "k01.txt", "k02.txt", "k03.txt", "k04.txt"]).await
}

fn listings() -> Matcher {
    Matcher::operation("ListObjectsV2")
}

fn pages_asked_for(s3: &MockS3) -> usize {
    s3.requests().iter().filter(|request| request.operation == "ListObjectsV2").count()
}

/// The paths that the file manager deleted since the log was reset.
fn deleted(scene: &Scene) -> Vec<String> {
    scene.saves().into_iter().filter(|(operation, _)| operation == "delete").map(|(_, path)| path).collect()
}

/// Kills a run when it requests this page.
pub(super) async fn killed_before_page(number: u64, s3: &MockS3, scene: &Scene) {
    let gate = Gate::new();
    let held = s3.order(listings().skip(number).times(1), Fault::Hold(gate.clone()));
    let run = scene.start();
    gate.arrived(1).await;
    kill(run).await;
    held.withdraw();
    gate.open();
    s3.clear_requests();
}

/// Case L3.
#[tokio::test]
async fn a_last_page_without_a_truncation_flag_is_the_last_page() {
    let (server, scene) = with_five_keys().await;
    server.server().order(listings(), Fault::edit("<IsTruncated>false</IsTruncated>", ""));
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 5);
}

/// Case L3: a token says that a page follows.
#[tokio::test]
async fn a_page_without_a_truncation_flag_and_with_a_token_is_not_the_last_one() {
    let (server, scene) = with_five_keys().await;
    server.server().order(listings(), Fault::edit("<IsTruncated>true</IsTruncated>", ""));
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 5);
}

/// Case L1.
#[tokio::test]
async fn pages_without_objects_are_followed_by_their_token() {
    for empty in [0, 1, 2] {
        let (server, scene) = with_five_keys().await;
        server.server().order(listings().skip(empty).times(2), Fault::Listing(OddListing::EmptyPage));
        let ended = scene.run_to_success().await;
        assert_eq!((scene.contents().len(), ended.report.listing.pages), (5, 5), "{}", ended.report);
        // An empty page causes no delete, and does not hide one.
        assert!(server.server().remove(BUCKET, "k01.txt"));
        scene.api.api().reset_calls();
        scene.run_to_success().await;
        assert_eq!(deleted(&scene), ["k01.txt"]);
    }
}

/// Case L2.
#[tokio::test]
async fn a_store_that_ignores_start_after_is_listed_by_its_tokens() {
    let (server, scene) = with_five_keys().await;
    server.server().order(listings(), Fault::Listing(OddListing::StartAfterIgnored));
    scene.run_to_success().await;
    assert_eq!((scene.contents().len(), pages_asked_for(server.server())), (5, 3));
}

/// Case L2: a run after a killed one gets the whole listing again, and uses the part after the stored key.
#[tokio::test]
async fn a_resumed_run_ignores_the_keys_before_its_checkpoint() {
    let (server, scene) = with_five_keys().await;
    let s3 = server.server();
    killed_before_page(2, s3, &scene).await;
    s3.order(listings(), Fault::Listing(OddListing::StartAfterIgnored));
    scene.run_to_success().await;
    assert_eq!((scene.contents().len(), pages_asked_for(s3)), (5, 3));
    assert!(scene.api.api().effects().by_path.values().all(|done| done["create"] == 1), "each once");
    // A key that was deleted meanwhile is found in the part that the listing covers.
    assert!(s3.remove(BUCKET, "k04.txt"));
    s3.clear_faults();
    killed_before_page(1, s3, &scene).await;
    s3.order(listings(), Fault::Listing(OddListing::StartAfterIgnored));
    scene.api.api().reset_calls();
    scene.run_to_success().await;
    assert_eq!(deleted(&scene), ["k04.txt"]);
}

/// Case L2.
#[tokio::test]
async fn a_listing_that_goes_in_circles_ends_with_an_error() {
    let (server, scene) = with_five_keys().await;
    server.server().order(listings(), Fault::Listing(OddListing::InCircles));
    let ended = scene.run().await;
    assert_eq!(ended.outcome, RunOutcome::Failed, "{}", ended.report);
    assert!(ended.report.errors.iter().any(|error| error.contains("goes in circles")), "{}", ended.report);
    assert_eq!(pages_asked_for(server.server()), 2);
}

/// Case L7.
#[tokio::test]
async fn an_unreadable_time_of_an_entry_does_not_block_its_object() {
    let (server, scene) = with_five_keys().await;
    server.server().order(listings(), Fault::edit("<LastModified>", "<LastModified>about "));
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 5);
}

/// Case L4.
#[tokio::test]
async fn a_store_that_does_not_list_in_byte_order_is_synced_and_the_report_says_so() {
    for page_keys in [1, 2, 1000] {
        let (server, mut scene) = with_keys(&["a/b.txt", "a.txt", "z.txt"]).await;
        scene.program.options.page_keys = page_keys;
        server.server().order(listings(), Fault::Listing(OddListing::DirectoryOrder));
        let ended = scene.run_to_success().await;
        assert_eq!(scene.contents().len(), 3, "{}", ended.report);
        assert!(ended.report.to_string().contains("not list in the order of the keys' bytes"), "{}", ended.report);

        scene.api.api().reset_calls();
        let ended = scene.reconcile().await;
        assert!(ended.report.success && scene.saves().is_empty(), "{}: {:?}", ended.report, scene.saves());
    }
}

/// Case L4: keys that the complete listing does not show are deleted, and no others.
#[tokio::test]
async fn without_byte_order_absence_is_judged_at_the_end_of_the_listing() {
    for (page_keys, gone) in [(1, "a.txt"), (1, "a/b.txt"), (1, "z.txt"), (2, "a/b.txt"), (2, "b/c.txt"), (1000, "b/c.txt")] {
        let (server, mut scene) = with_keys(&["a/b.txt", "a.txt", "b/c.txt", "b.txt", "z.txt"]).await;
        scene.program.options.page_keys = page_keys;
        server.server().order(listings(), Fault::Listing(OddListing::DirectoryOrder));
        scene.run_to_success().await;
        assert!(server.server().remove(BUCKET, gone));
        scene.api.api().reset_calls();
        let ended = scene.reconcile().await;
        assert!(ended.report.success, "{}", ended.report);
        assert_eq!(deleted(&scene), [gone], "pages of {page_keys}");
        assert_eq!(scene.contents().len(), 4);
    }
}

/// Case L4: a listing out of order has no key after which it could continue.
#[tokio::test]
async fn a_resumed_listing_without_byte_order_starts_over() {
    let keys = ["a/b.txt", "a.txt", "b/c.txt", "b.txt", "z.txt"];
    for page in [1, 2, 3, 4] {
        let (server, mut scene) = with_keys(&keys).await;
        scene.program.options.page_keys = 1;
        let s3 = server.server();
        let gate = Gate::new();
        let odd = s3.order(listings().times(page), Fault::Listing(OddListing::DirectoryOrder));
        s3.order(listings().times(1), Fault::Hold(gate.clone()));
        let run = scene.start();
        gate.arrived(1).await;
        kill(run).await;
        gate.open();
        assert_eq!(odd.strikes(), page);
        s3.clear_faults();
        s3.order(listings(), Fault::Listing(OddListing::DirectoryOrder));
        scene.run_to_success().await;
        assert_eq!(scene.contents().len(), keys.len(), "killed after page {page}");
        assert_eq!(deleted(&scene), [""; 0], "killed after page {page}");
    }
}

/// A pretty-printed ETag, or one with characters that no header can carry, kept the objects from being read: the request with the expected
/// ETag could not be built.
#[tokio::test]
async fn an_etag_that_no_header_can_carry_is_trimmed_or_unknown() {
    for etag in ["\n      \"9a0364b9e99bb480dd25e1f0284c8555\"\n    ", "\"a&#0;b\"", "\"a&#x1f;b\"", "\"\u{f6}\"", "\"a\tb\""] {
        let (server, scene) = with_five_keys().await;
        for key in ["k00.txt", "k01.txt", "k02.txt", "k03.txt", "k04.txt"] {
            server.server().put(BUCKET, key, "content", None);
        }
        server.server().order(listings(), Fault::Element { parent: "Contents", name: "ETag", values: vec![etag.as_bytes().to_vec()] });
        for _ in 0..2 {
            scene.run_to_success().await;
            assert_eq!(scene.contents().len(), 5, "{etag:?}");
        }
    }
}

/// One entry without a size that can be read kept the whole bucket from being listed.
#[tokio::test]
async fn the_size_of_an_entry_without_a_readable_one_is_looked_up() {
    for values in [vec![], vec![""], vec![" 18 "], vec!["many"], vec!["-1"], vec!["1", "2"], vec!["99999999999999999999"]] {
        let (server, scene) = with_five_keys().await;
        let values = values.into_iter().map(|value: &str| value.as_bytes().to_vec()).collect();
        server.server().order(listings(), Fault::Element { parent: "Contents", name: "Size", values });
        scene.run_to_success().await;
        assert_eq!(scene.contents().len(), 5);
        let ended = scene.reconcile().await;
        assert!(ended.report.success, "{}", ended.report);
        assert_eq!((ended.report.operations.create, ended.report.operations.update), (0, 0), "{}", ended.report);
    }
}

/// An entry without a size is gone when its size is looked up: it is not listed, and nothing else happens to the page.
#[tokio::test]
async fn an_entry_without_a_size_that_is_gone_meanwhile_is_left_out() {
    let (server, scene) = with_five_keys().await;
    server.server().order(listings(), Fault::Element { parent: "Contents", name: "Size", values: vec![] });
    server.server().order(Matcher::operation("HeadObject").key("k01.txt").times(1), Fault::Remove);
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 4);
}

/// Keys in CDATA sections, which are XML as good as any, were entries without a key.
#[tokio::test]
async fn keys_in_cdata_sections_are_read() {
    let (server, scene) = with_keys(&["a&b.txt"]).await;
    let written = b"a<![CDATA[&b]]>.<![CDATA[txt]]>".to_vec();
    server.server().order(listings(), Fault::Element { parent: "Contents", name: "Key", values: vec![written] });
    scene.run_to_success().await;
    assert_eq!(scene.contents().into_keys().collect::<Vec<_>>(), ["a&b.txt"]);
}

/// The error named neither the element nor the value.
#[tokio::test]
async fn a_truncation_flag_that_is_neither_true_nor_false_is_named_with_its_value() {
    for (flag, shown) in [("False", "False"), (" false ", " false "), ("\n0\n", "\\u{a}0\\u{a}")] {
        let (server, scene) = with_five_keys().await;
        server.server().order(listings(), Fault::Element { parent: "ListBucketResult", name: "IsTruncated", values: vec![flag.into()] });
        let ended = scene.run().await;
        assert_eq!(ended.outcome, RunOutcome::Failed, "{}", ended.report);
        let errors = ended.report.errors.join("; ");
        let expected = format!("an element `IsTruncated` says \"{shown}\", and neither `true` nor `false`");
        assert!(errors.contains(&expected), "{errors}");
    }
}
