//! One test for each fixed bug, with its description. Features are tested elsewhere.

mod absences;
mod endpoints;
mod etags;
mod left_behind;
mod listings;
mod patience;
mod permissions;
mod stops;

use crate::crash;
use crate::workflow::scene::{BUCKET, files, in_memory, key, over_http};
use mock_api::{CallName, CallState, Fault, FaultAction};
use mock_s3::{Gate, Matcher, MockS3};
use s3_sync::file_manager::{SaveOperation, SaveRequest};
use s3_sync::s3::{self, Call, Checksum, ChecksumAlgorithm, MemoryObject, S3ErrorKind};
use s3_sync::state::RunOutcome;
use std::time::Duration;

/// A store whose HEAD finds an object and whose GET does not made the run alternate between the two for ever.
#[tokio::test]
async fn an_object_that_a_head_finds_and_a_get_does_not_is_parked() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.put(key("half there"), "x");
    let mut reads = 0;
    bucket.on_call(move |call| {
        let Call::Get(get) = call else { return None };
        reads += u32::from(get.key.as_str() == "half there");
        // Ends the test if the code would not.
        let word = if reads > 100 { S3ErrorKind::Other } else { S3ErrorKind::NoSuchKey };
        (get.key.as_str() == "half there").then_some(s3::Fault::Error(word))
    });
    let ended = scene.run().await;
    assert_eq!(ended.report.failures[0].reason, "s3_no_such_key", "{}", ended.report);
    assert_eq!((ended.report.pending.parked, scene.contents()), (1, files(&[("a", "a")])));

    bucket.on_call(|_| None);
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 2);
}

/// If a file manager fails at permissions, they were requested attempts × attempts times, with the object open meanwhile.
#[tokio::test]
async fn attempts_are_not_multiplied() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.api.api().order(Fault::new(FaultAction::status(500)).call(CallName::UpdatePermissions).always());
    let ended = scene.run().await;
    assert_eq!(ended.report.failures[0].reason, "file_manager_500");
    let asked = scene.api.api().calls().iter().filter(|call| call.call == CallName::UpdatePermissions).count();
    assert_eq!(asked, scene.program.options.retry.attempts);
}

/// The permit that the last operation before a stop released was sometimes used by another operation.
#[tokio::test]
async fn no_operation_starts_after_a_stop() {
    for _ in 0..10 {
        let (bucket, mut scene) = in_memory().await;
        scene.program.options.concurrency = 1;
        bucket.put(key("a"), "a");
        bucket.put(key("b"), "b");
        scene.api.api().order(Fault::new(FaultAction::status(401)).operation("create"));
        let ended = scene.run().await;
        assert_eq!((ended.report.pending.due, scene.saves().len()), (2, 1), "{}", ended.report);
    }
}

/// A response that is shorter than its object and says so was reported as an object that keeps being replaced.
#[tokio::test]
async fn a_shorter_response_with_the_same_etag_is_an_interrupted_one() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", "0123456789", None);
    server.server().order(Matcher::operation("GetObject"), mock_s3::Fault::Shorten(5));
    let ended = scene.run().await;
    assert_eq!(ended.report.failures[0].reason, "s3_checksum_mismatch", "{}", ended.report);
    assert!(scene.contents().is_empty());
}

fn pages_read(bucket: &MockS3) -> usize {
    bucket.requests().iter().filter(|request| request.operation == "ListObjectsV2").count()
}

/// A run stopped by a signal after its last page was followed by one that read all pages again, because the checkpoint of a
/// complete listing looked like that of none.
#[tokio::test]
async fn a_complete_listing_is_not_read_again_after_its_run_was_stopped() {
    const PAGED: [(&str, &str); 1] = [("LIST_PAGE_KEYS", "10")];
    for signal in ["KILL", "TERM"] {
        let scene = crash::Scene::with_objects(30).await;
        // The last object of the last page: when it is sent, every page is stored.
        scene.file_manager().order(Fault::new(FaultAction::Hang).operation("create").path(&crash::key(29)));
        let mut process = scene.start(&["initial-sync"], &[PAGED[0], ("SHUTDOWN_TIMEOUT", "1")]);
        let hangs = |calls: &[mock_api::Call]| calls.iter().any(|call| call.state == CallState::Hanging);
        process.lives_until(scene.file_manager().wait_for_calls(hangs)).await.expect("the last create hangs");
        process.signal(signal).await;
        process.end().await;
        assert_eq!(pages_read(scene.bucket()), 3, "{signal}");

        let resumed = scene.start(&["initial-sync"], &PAGED).end().await;
        assert_eq!(resumed.code, Some(0), "{signal}: {}", resumed.stderr);
        assert_eq!(pages_read(scene.bucket()), 3, "{signal}: nothing is read again");
        assert_eq!(scene.file_manager().effects().total, 30, "{signal}");

        let next = scene.start(&["initial-sync"], &PAGED).end().await;
        assert_eq!(next.code, Some(0), "{signal}: {}", next.stderr);
        assert_eq!(pages_read(scene.bucket()), 6, "{signal}: a run that ended by itself has used its listing up");
    }
}

/// A cycle finished the work of a killed run. The next initial sync took that run's listing for its own, read no page, and
/// reported that all was in sync.
#[tokio::test]
async fn a_listing_whose_work_a_cycle_finished_is_not_continued() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.put(key("b"), "b");
    scene.order(FaultAction::Hang, "create", "b");
    scene.run_killed_at_hanging("b").await;
    scene.cycle_to_success().await;
    bucket.put(key("a"), "changed");
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.listing.pages, scene.contents()), (1, files(&[("a", "changed"), ("b", "b")])), "{}", ended.report);
}

/// Fifty consecutive failures of objects counted as an unreachable endpoint, in every run: the objects after them were never
/// synced.
#[tokio::test]
async fn many_failed_objects_do_not_make_the_endpoint_unreachable() {
    let (bucket, scene) = in_memory().await;
    for number in 0..60 {
        let altered = Checksum::of(ChecksumAlgorithm::Md5, b"something else");
        bucket.put(key(&format!("bad {number}")), MemoryObject::new("x").checksum(Some(altered)));
    }
    bucket.put(key("good"), "g");
    let ended = scene.run().await;
    assert_eq!((ended.outcome, ended.report.pending.parked), (RunOutcome::Partial, 60), "{}", ended.report);
    assert_eq!(scene.contents(), files(&[("good", "g")]));
}

/// An object that was archived while its create was in doubt was skipped, and the run reported that all was in sync.
#[tokio::test]
async fn an_archived_object_hides_no_open_intent() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.api.api().order(Fault::new(FaultAction::status(500)).operation("create").always());
    scene.run().await;
    scene.api.api().clear_faults();
    bucket.put(key("a"), MemoryObject::new("a").archived());
    let ended = scene.run().await;
    assert_eq!((ended.outcome, ended.report.success), (RunOutcome::Partial, false), "{}", ended.report);
    assert_eq!(ended.report.failures[0].reason, "s3_archived");
}

/// A path that changed during its operation was queued again, and a second operation on it ran concurrently.
#[tokio::test]
async fn a_path_is_in_flight_once_at_a_time() {
    let (server, mut scene) = over_http().await;
    let bucket = server.server();
    scene.program.options.page_keys = 3;
    for number in 0..9 {
        bucket.put(BUCKET, &format!("f{number}"), format!("content {number}"), None);
    }
    // Nothing has been applied yet: only then are paths claimed during the listing.
    let denied = bucket.order(Matcher::operation("GetObject"), mock_s3::Fault::access_denied());
    assert_eq!(scene.run().await.report.pending.parked, 9);
    denied.withdraw();
    bucket.clear_requests();

    let gates: [Gate; 4] = std::array::from_fn(|_| Gate::new());
    let [first_read, second_read, first_page, second_page] = &gates;
    let (read, list) = (Matcher::operation("GetObject").key("f1"), Matcher::operation("ListObjectsV2"));
    for (call, gate) in [(&read, first_read), (&read, second_read), (&list, first_page), (&list, second_page)] {
        bucket.order(call.clone().times(1), mock_s3::Fault::Hold(gate.clone()));
    }
    let run = scene.start();
    first_read.arrived(1).await;
    first_page.arrived(1).await;
    bucket.remove(BUCKET, "f1");
    first_page.open();
    // The second page is requested, so the first one is stored. It did not show f1.
    second_page.arrived(1).await;
    bucket.put(BUCKET, "f1", "another content", None);
    first_read.open();
    // The object was replaced and looked up, and its operation reads it again.
    second_read.arrived(1).await;
    second_page.open();
    bucket.seen("ListObjectsV2", 3).await;
    second_read.open();
    let ended = run.await.expect("no panic").expect("the state can be used");
    assert_eq!((ended.outcome, scene.effects("f1", "create")), (RunOutcome::Done, 1), "{}", ended.report);
    assert_eq!(scene.contents()["f1"], "another content");
}

/// A panic in an operation was ignored: its path stayed due, and the run repeated it for ever.
#[tokio::test]
async fn an_operation_that_panics_ends_the_run() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    bucket.on_call(|call| {
        assert!(!matches!(call, Call::Get(_)), "ordered");
        None
    });
    let ended = tokio::time::timeout(Duration::from_mins(1), scene.start()).await.expect("it ends");
    assert!(ended.is_err_and(|error| error.is_panic()));
    bucket.on_call(|_| None);
    scene.run_to_success().await;
}

/// A typo in the first run's settings became the state's identity, and the correction was refused.
#[tokio::test]
async fn a_wrong_source_name_of_the_first_run_can_be_corrected() {
    let (bucket, mut scene) = in_memory().await;
    let (source, file_manager) = (scene.program.identity.source.clone(), scene.program.file_manager_address());
    scene.program.identity.source = "a slip of the pen".to_owned();
    scene.program.name_file_manager("another");
    bucket.vanish();
    assert_eq!(scene.run().await.outcome, RunOutcome::Failed);
    scene.program.identity.source = source;
    scene.program.name_file_manager(&file_manager);
    bucket.recreate();
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    scene.program.identity.source = "another".to_owned();
    assert!(scene.program.run().await.is_err(), "now it describes something");
}

/// The file manager had lost a file, and its object changed back just before the file was created again: it counted as held.
#[tokio::test]
async fn a_file_that_the_file_manager_turns_out_not_to_have_is_not_recorded_as_applied() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "old");
    scene.run_to_success().await;
    let (new_path, content, idempotency_key) = (None, None, None);
    let metadata = serde_json::Map::new();
    let delete = SaveRequest { operation: SaveOperation::Delete, path: key("a"), new_path, content, metadata, idempotency_key };
    scene.program.endpoints.file_manager.save(delete).await.expect("another client deletes it");
    bucket.put(key("a"), "new");
    let mut gets = 0;
    bucket.on_call(move |call| {
        gets += u32::from(matches!(call, Call::Get(_)));
        // The first GET was for the update, which got a 404; this one is for the create.
        (matches!(call, Call::Get(_)) && gets == 2).then(|| s3::Fault::Replaced("old".into()))
    });
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "old")]));
}
