//! An interrupted listing: the next run continues after its last page, and changes made meanwhile are still handled correctly.

use super::super::odd_listings::killed_before_page;
use super::super::scene::{BUCKET, Scene, over_http};
use mock_s3::{Fault, Gate, Matcher, MockS3, NewObject};
use s3_sync::apply::StopSignal;
use s3_sync::state::RunOutcome;
use std::time::Duration;

/// Six objects, two on a page.
async fn six_objects() -> (mock_s3::Running, Scene) {
    let (server, mut scene) = over_http().await;
    scene.program.options.page_keys = 2;
    for name in ["a", "b", "c", "d", "e", "f"] {
        server.server().put(BUCKET, name, name, Some("text/plain"));
    }
    (server, scene)
}

fn pages_asked_for(s3: &MockS3) -> Vec<Option<String>> {
    let pages = s3.requests().into_iter().filter(|request| request.operation == "ListObjectsV2");
    pages.map(|page| page.begins_after()).collect()
}

#[tokio::test]
async fn a_listing_goes_on_after_the_last_key_of_its_last_page() {
    let (server, scene) = six_objects().await;
    killed_before_page(2, server.server(), &scene).await;
    assert_eq!(scene.overview().await.initial_completed_by, None);

    let ended = scene.run_to_success().await;
    assert_eq!(pages_asked_for(server.server()), [Some("d".to_owned())], "no page is read twice");
    assert_eq!((ended.report.listing.pages, scene.contents().len()), (1, 6));
    assert_eq!(scene.overview().await.initial_completed_by, Some(2));
    assert!(scene.api.api().effects().by_path.values().all(|done| done["create"] == 1), "each once, whichever run sent it");

    server.server().clear_requests();
    scene.run_to_success().await;
    assert_eq!(pages_asked_for(server.server()), [None, Some("b".to_owned()), Some("d".to_owned())], "the next listing is a whole one");
}

#[tokio::test]
async fn an_interrupted_listing_still_finds_the_right_deletes() {
    let (server, scene) = six_objects().await;
    let s3 = server.server();
    scene.run_to_success().await;
    assert!(s3.remove(BUCKET, "a"));
    killed_before_page(2, s3, &scene).await;
    // The first page does not show `a`; `b` is deleted after its page, `f` before its page.
    assert!(s3.remove(BUCKET, "b"));
    assert!(s3.remove(BUCKET, "f"));
    scene.api.api().reset_calls();

    let ended = scene.run_to_success().await;
    let mut deleted = scene.saves();
    deleted.sort();
    assert_eq!(deleted, [("delete".to_owned(), "a".to_owned()), ("delete".to_owned(), "f".to_owned())], "{}", ended.report);
    // This listing has no evidence against `b`; the next one has.
    scene.run_to_success().await;
    assert_eq!(scene.contents().into_keys().collect::<Vec<_>>(), ["c", "d", "e"]);
}

#[tokio::test]
async fn an_object_that_was_missed_and_is_back_is_not_deleted() {
    let (server, scene) = six_objects().await;
    scene.run_to_success().await;
    assert!(server.server().remove(BUCKET, "a"));
    killed_before_page(2, server.server(), &scene).await;
    let later = jiff::Timestamp::now() + Duration::from_secs(10);
    server.server().put_object(BUCKET, "a", NewObject::bytes("a").content_type("text/plain").last_modified(later));
    scene.api.api().reset_calls();
    let ended = scene.run_to_success().await;
    assert_eq!((scene.saves(), ended.report.listing.missed), (Vec::new(), 1));
}

#[tokio::test]
async fn objects_added_after_the_last_key_are_found_and_those_before_it_by_the_next_run() {
    let (server, scene) = six_objects().await;
    killed_before_page(2, server.server(), &scene).await;
    server.server().put(BUCKET, "a-late", "x", None);
    server.server().put(BUCKET, "z-late", "x", None);
    scene.run_to_success().await;
    assert!(scene.contents().contains_key("z-late") && !scene.contents().contains_key("a-late"));
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 8);
}

#[tokio::test]
async fn a_stopped_run_finishes_its_work_in_flight_and_reports_that_it_stopped() {
    let (server, scene) = six_objects().await;
    let (gate, stop_signal) = (Gate::new(), StopSignal::default());
    server.server().order(Matcher::operation("ListObjectsV2").skip(1).times(1), Fault::Hold(gate.clone()));
    let (program, stop) = (scene.program.clone(), stop_signal.clone());
    let run = tokio::spawn(async move { program.run_until(stop_signal).await });
    gate.arrived(1).await;
    stop.stop(None);
    let ended = run.await.expect("it ends").expect("the state can be used");
    assert_eq!((ended.outcome, ended.report.success, ended.report.listing.completed), (RunOutcome::Stopped, false, false));

    server.server().clear_requests();
    scene.run_to_success().await;
    assert_eq!(pages_asked_for(server.server()).first(), Some(&Some("b".to_owned())));
    assert_eq!(scene.contents().len(), 6);
}
