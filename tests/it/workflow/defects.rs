//! The defects of the previous system that concern the initial sync. Each comment has a defect's number and description; its test
//! checks the right behaviour.

use super::scene::{BUCKET, files, impatient, in_memory, key, kill, over_http};
use mock_api::{Fault, FaultAction};
use mock_s3::{Gate, Matcher};
use s3_sync::apply::ApplyError;
use s3_sync::retry::RetryPolicy;
use s3_sync::s3::{self, Call, S3ErrorKind};
use s3_sync::state::{RunOutcome, StateError};

/// 3: after a kill during apply, the next cycle found nothing to do, and the remaining files were never sent.
#[tokio::test]
async fn defect_03_the_next_run_finishes_the_work_of_a_killed_one() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.options.concurrency = 2;
    (0..9).for_each(|number| bucket.put(key(&format!("f{number}")), "x"));
    scene.order(FaultAction::Hang, "create", "f4");
    scene.run_killed_at_hanging("f4").await;
    assert!(scene.contents().len() < 9);
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 9);
    assert!(scene.api.api().effects().by_path.values().all(|done| done["create"] == 1));
}

/// 4: a failed operation was never retried, because its row existed already.
#[tokio::test]
async fn defect_04_a_failed_operation_is_tried_again() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.api.api().order(Fault::new(FaultAction::status(500)).operation("create").always());
    let failed = scene.run().await;
    assert_eq!((failed.outcome, failed.report.pending.parked), (RunOutcome::Partial, 1));
    assert!(failed.report.pending.next_attempt.is_some());
    scene.api.api().clear_faults();
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "a")]));
}

/// 8: nothing succeeded and nine operations failed, but the report said `success=true`, `errors=[]`, after 27 s of useless
/// retries of `NoSuchKey`.
#[tokio::test]
async fn defect_08_failures_are_reported_and_permanent_ones_are_not_retried() {
    let (bucket, scene) = in_memory().await;
    (0..9).for_each(|number| bucket.put(key(&format!("f{number}")), "x"));
    bucket.on_call(|call| matches!(call, Call::Get(_)).then_some(s3::Fault::Error(S3ErrorKind::AccessDenied)));
    let ended = scene.run().await;
    assert_eq!((ended.outcome, ended.report.success), (RunOutcome::Partial, false));
    assert_eq!(bucket.calls().gets, 9, "one attempt each");
    let posted = scene.api.api().reports().pop().expect("a report");
    assert_eq!((&posted["success"], &posted["statistics"]["files_failed"]), (&false.into(), &9.into()));
    assert!(posted["errors"][0].as_str().is_some_and(|line| line.starts_with("s3_access_denied: GetObject f")), "{posted}");
    assert!(posted["failures"][0]["hint"].as_str().is_some_and(|hint| hint.contains("s3:GetObject")), "{posted}");
}

/// 11: the listing had no retry: one `SlowDown` ended the sync.
#[tokio::test]
async fn defect_11_a_throttled_listing_continues() {
    let (server, mut scene) = over_http().await;
    scene.program.options.page_keys = 1;
    for name in ["a", "b", "c"] {
        server.server().put(BUCKET, name, name, None);
    }
    let slow_downs = server.server().order(Matcher::operation("ListObjectsV2").skip(1).times(2), mock_s3::Fault::slow_down(None));
    scene.run_to_success().await;
    assert_eq!((slow_downs.strikes(), scene.contents().len()), (2, 3));
}

/// 12: `size` could differ from the body's length. (Another test measures memory.)
#[tokio::test]
async fn defect_12_the_reported_size_is_that_of_the_bytes_that_are_sent() {
    let (server, scene) = over_http().await;
    let s3 = server.server();
    // The listing shows three bytes, but the object has another length when it is read.
    s3.put(BUCKET, "a", "old", Some("text/plain"));
    s3.order(Matcher::operation("GetObject").times(1), mock_s3::Fault::Replace(mock_s3::NewObject::bytes("much longer")));
    s3.put(BUCKET, "empty", "", Some("text/plain"));
    let ended = scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "much longer"), ("empty", "")]));
    assert_eq!(ended.report.statistics.total_size, "much longer".len() as u64);
    // The double refuses a `size` that differs from the body's length, which the request also announces.
    let create = |call: &mock_api::Call| call.operation.as_deref() == Some("create");
    assert!(
        scene.api.api().calls().iter().filter(|call| create(call)).all(|call| call.content_length.is_some() && call.status == Some(200))
    );
}

/// 13: a retried create was not idempotent: duplicates.
#[tokio::test]
async fn defect_13_a_create_that_is_tried_again_happens_once() {
    for action in [FaultAction::EffectThenReset, FaultAction::effect_then_status(500), FaultAction::effect_then_status(503)] {
        let (bucket, scene) = in_memory().await;
        bucket.put(key("a"), "a");
        scene.api.api().order(Fault::new(action.clone()).operation("create").times(2));
        scene.run_to_success().await;
        let creates: Vec<_> = scene.api.api().calls().into_iter().filter(|call| call.operation.as_deref() == Some("create")).collect();
        assert_eq!((creates.len(), scene.effects("a", "create")), (3, 1), "{action:?}");
        assert!(creates.iter().all(|call| call.idempotency_key == creates[0].idempotency_key && call.idempotency_key.is_some()));
    }
}

/// 14: without a lock, an `initial-sync` beside the daemon's own uploaded everything twice.
#[tokio::test]
async fn defect_14_a_second_run_beside_the_first_is_refused_and_calls_no_endpoint() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", "a", None);
    let gate = Gate::new();
    server.server().order(Matcher::operation("GetObject"), mock_s3::Fault::Hold(gate.clone()));
    let first = scene.start();
    gate.arrived(1).await;
    let asked = (server.server().counters().requests, scene.api.api().calls_in_all());

    let refused = scene.program.run().await.expect_err("the first run has it");
    let ApplyError::State(StateError::Held(holder)) = refused else { panic!("refused for another reason: {refused}") };
    assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "initial-sync"));
    assert_eq!((server.server().counters().requests, scene.api.api().calls_in_all()), asked);

    gate.open();
    assert!(first.await.expect("it ends").expect("the state can be used").report.success);
    assert_eq!(scene.effects("a", "create"), 1);
}

/// 15: started before the bucket existed, the program exited and was restarted for ever.
#[tokio::test]
async fn defect_15_a_missing_bucket_is_reported_and_found_by_the_next_run() {
    let (server, scene) = over_http().await;
    assert!(server.server().delete_bucket(BUCKET));
    let ended = scene.run().await;
    assert_eq!(ended.outcome, RunOutcome::Failed);
    assert!(ended.report.errors[0].contains("create the bucket, or correct CUSTOMER_S3_BUCKET"), "{:?}", ended.report.errors);
    assert_eq!(server.server().counters().operations["ListObjectsV2"], 1, "what needs a person is not tried again");
    server.server().put(BUCKET, "a", "a", None);
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "a")]));
}

/// 15: while the API was down, the run took 12.8 s to fail, object by object.
#[tokio::test]
async fn defect_15_a_file_manager_that_is_down_stops_the_run_after_one_object_and_the_next_run_goes_on() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.options.concurrency = 1;
    scene.program.endpoints.reports = None;
    (0..9).for_each(|number| bucket.put(key(&format!("f{number}")), "x"));
    let (double, address) = (scene.api.api().clone(), scene.api.address());
    std::mem::replace(&mut scene.api, double.clone().start("127.0.0.1:0").await.expect("a free port")).stop().await;

    let ended = scene.run().await;
    assert_eq!((ended.outcome, ended.report.pending.due, ended.report.pending.parked), (RunOutcome::Failed, 9, 0));
    assert!(ended.report.errors[0].contains("check FILE_MANAGER_API_URL"), "{:?}", ended.report.errors);
    assert_eq!(bucket.calls().gets, impatient().attempts as u64, "eight objects were left alone");

    let _back = double.start(&address.to_string()).await.expect("the port is free");
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 9);
}

/// 16: new content of an existing key was never synced: nothing was listed again after the first run.
#[tokio::test]
async fn defect_16_new_content_of_the_same_length_at_the_same_key_is_sent() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "old");
    scene.run_to_success().await;
    bucket.put(key("a"), "new");
    bucket.put(key("b"), "later");
    scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "new"), ("b", "later")]));
}

/// Directory markers were synced as files.
#[tokio::test]
async fn defect_directory_markers_are_not_files() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "docs/", "", Some("application/x-directory"));
    server.server().put(BUCKET, "docs/a", "a", None);
    let ended = scene.run_to_success().await;
    assert_eq!((ended.report.listing.directory_markers, scene.contents()), (1, files(&[("docs/a", "a")])));
}

/// An interrupted initial sync never completed.
#[tokio::test]
async fn defect_an_initial_sync_completes_however_often_it_is_interrupted() {
    let (server, mut scene) = over_http().await;
    scene.program.options.page_keys = 1;
    for name in ["a", "b", "c", "d"] {
        server.server().put(BUCKET, name, name, None);
    }
    for _ in 0..3 {
        // Each run stores one more page.
        let gate = Gate::new();
        let held = server.server().order(Matcher::operation("ListObjectsV2").skip(1), mock_s3::Fault::Hold(gate.clone()));
        let run = scene.start();
        gate.arrived(1).await;
        kill(run).await;
        held.withdraw();
        gate.open();
        assert_eq!(scene.overview().await.initial_completed_by, None);
    }
    scene.run_to_success().await;
    assert_eq!((scene.overview().await.initial_completed_by, scene.contents().len()), (Some(4), 4));
}

/// After this many transient failures in a row, and if the endpoint's own check fails too, the run ends. It must not park a
/// million objects one by one.
#[tokio::test]
async fn a_file_manager_that_fails_every_call_stops_the_run_and_counts_against_no_object() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.options.retry = RetryPolicy { attempts: 1, ..impatient() };
    (0..200).for_each(|number| bucket.put(key(&format!("f{number:03}")), "x"));
    scene.api.api().order(Fault::new(FaultAction::status(503)).always());
    let ended = scene.run().await;
    assert_eq!(ended.outcome, RunOutcome::Failed, "{}", ended.report);
    assert!(ended.report.pending.parked < 60 && ended.report.pending.due > 140, "{}", ended.report);
    scene.api.api().clear_faults();
    scene.run_to_success().await;
    assert_eq!(scene.contents().len(), 200);
}
