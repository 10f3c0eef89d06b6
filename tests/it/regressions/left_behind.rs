//! Bugs about what a run leaves: intents, snapshots, waits, files outside of its prefix.

use crate::workflow::scene::{BUCKET, Scene, files, in_memory, key, over_http};
use mock_api::{CallName, Fault, FaultAction};
use mock_s3::Matcher;
use s3_sync::file_manager::{Deadlines, HttpClient, HttpFileManager};
use s3_sync::plan::MaxDelete;
use s3_sync::s3::{self, Call, S3ErrorKind};
use s3_sync::snapshot::SnapshotRows;
use s3_sync::state::{OperatorAnswer, RunOutcome};
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// A file manager that was never reached, or refused every call, became the state's identity: the intents of the calls stayed
/// open, and the corrected address was refused.
#[tokio::test]
async fn a_file_manager_that_accepted_no_call_can_be_corrected() {
    let (bucket, mut scene) = in_memory().await;
    bucket.put(key("a"), "a");
    let (right, reachable) = (scene.program.identity.clone(), scene.program.endpoints.file_manager.clone());
    let unreachable = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    let address = unreachable.parse().expect("an address");
    let client = HttpClient::new(1).expect("a client");
    scene.program.endpoints.file_manager =
        Arc::new(HttpFileManager::new(&client, &address, None, Deadlines::default()).expect("an address"));
    scene.program.name_file_manager(&unreachable);
    assert_eq!(scene.run().await.outcome, RunOutcome::Failed);
    assert_eq!(scene.overview().await.open_intents(), 0, "no file manager was reached");

    scene.program.endpoints.file_manager = reachable;
    for status in [401, 403] {
        scene.program.name_file_manager(&format!("one that answers {status}"));
        scene.api.api().order(Fault::new(FaultAction::status(status)).always());
        assert_eq!(scene.run().await.outcome, RunOutcome::Failed);
        assert_eq!(scene.overview().await.open_intents(), 0, "{status}");
        scene.api.api().clear_faults();
    }
    scene.program.identity = right;
    scene.run_to_success().await;
    assert_eq!(scene.effects("a", "create"), 1);
}

/// An intent stays open if a call may have had its effect, whatever the last attempt was answered: the create had its effect,
/// then the token expired.
#[tokio::test]
async fn an_intent_whose_call_may_have_arrived_outlives_an_endpoint_failure() {
    let (bucket, mut scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.order(FaultAction::effect_then_status(500), "create", "a");
    scene.api.api().order(Fault::new(FaultAction::status(401)).call(CallName::SaveToDisk).operation("create").always());
    assert_eq!(scene.run().await.outcome, RunOutcome::Failed);
    assert_eq!((scene.overview().await.open_intents(), scene.effects("a", "create")), (1, 1));
    let right = scene.program.identity.clone();
    scene.program.name_file_manager("another");
    assert!(scene.program.run().await.is_err(), "it describes the one that has the file");
    scene.program.identity = right;
    scene.api.api().clear_faults();
    scene.run_to_success().await;
    assert_eq!(scene.effects("a", "create"), 1, "the same key once more");
}

/// Runs that could not read the bucket wrote snapshots, which displaced those of successful runs.
#[tokio::test]
async fn a_run_that_read_nothing_displaces_no_snapshot() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    let snapshots = || snapshots_of(&scene);
    let good = snapshots();
    assert_eq!(good.len(), 2, "{good:?}");
    bucket.vanish();
    assert_eq!(scene.run().await.outcome, RunOutcome::Failed);
    assert_eq!(snapshots(), good);
    bucket.recreate();
    bucket.put(key("a"), "a");
    scene.run_to_success().await;
    assert!(snapshots().len() == 2 && snapshots().iter().all(|name| !good.contains(name)), "{:?}", snapshots());
}

fn snapshots_of(scene: &Scene) -> Vec<String> {
    let entries = std::fs::read_dir(scene.program.database.parent().expect("a directory")).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
    let mut names: Vec<_> = names.filter(|name| name.starts_with("sync_")).collect();
    names.sort();
    names
}

/// A cycle whose only work was deletes allowed by the operator left no snapshots, because nothing had been due at its start.
#[tokio::test]
async fn allowed_deletes_are_in_a_pair_of_snapshots() {
    for rows in [SnapshotRows::Full, SnapshotRows::Changed] {
        let (bucket, mut scene) = in_memory().await;
        scene.program.options.kept_snapshots = NonZeroUsize::new(9).expect("nine");
        scene.program.options.snapshot_rows = rows;
        scene.program.options.max_delete = MaxDelete::Count(0);
        for name in ["a", "b", "c"] {
            bucket.put(key(name), name);
        }
        scene.run_to_success().await;
        assert!(["a", "b"].into_iter().all(|name| bucket.remove(&key(name))));
        assert!(scene.run().await.deletes_held);
        let before = snapshots_of(&scene);
        scene.program.options.allow_deletes = Some(2);
        let run = scene.cycle_to_success().await.report.run;
        let written: Vec<_> = snapshots_of(&scene).into_iter().filter(|name| !before.contains(name)).collect();
        let [new, old] = &written[..] else { panic!("run {run} left {written:?}") };
        let directory = scene.program.database.parent().expect("a directory");
        let rows_of = |name: &str| std::fs::read_to_string(directory.join(name)).expect("a snapshot").lines().skip(1).count();
        assert_eq!((rows_of(old) - rows_of(new), scene.contents().len()), (2, 1), "{written:?}");
    }
}

/// A parked path was retried after a minute even if the server had requested a longer wait.
#[tokio::test]
async fn a_parked_object_waits_as_long_as_the_endpoint_asked() {
    for (asked_mins, given_mins) in [(30, 30), (0, 1), (60 * 24 * 365, 360)] {
        let (bucket, scene) = in_memory().await;
        bucket.put(key("a"), "a");
        bucket.on_call(move |call| {
            let after = (asked_mins > 0).then_some(Duration::from_mins(asked_mins));
            matches!(call, Call::Get(_)).then_some(s3::Fault::Error(S3ErrorKind::Throttled { after }))
        });
        let ended = scene.run().await;
        let next = scene.program.clock.now() + jiff::SignedDuration::from_mins(given_mins);
        assert_eq!(ended.report.pending.next_attempt, Some(next.to_string()), "{asked_mins}");
    }
}

/// Files outside of a new prefix stayed in the file manager, and every summary said only "in sync".
#[tokio::test]
async fn the_report_names_files_outside_of_a_new_prefix() {
    let (bucket, mut scene) = in_memory().await;
    for name in ["a", "p/a", "q/a"] {
        bucket.put(key(name), "x");
    }
    assert_eq!(scene.run_to_success().await.report.outside_prefix, 0);
    scene.program.identity.source = "the same bucket, below p/".to_owned();
    scene.program.options.prefix = "p/".to_owned();
    scene.program.answer = OperatorAnswer { new_source: true, ..OperatorAnswer::default() };
    let ended = scene.run_to_success().await;
    assert_eq!(ended.report.outside_prefix, 2);
    assert!(ended.report.to_string().contains("outside   2 files"), "{}", ended.report);
    assert_eq!(scene.contents(), files(&[("a", "x"), ("p/a", "x"), ("q/a", "x")]));
}

/// A body that broke off counted as a call that never arrived: its intent was removed, although its effect was unknown.
#[tokio::test]
async fn a_call_whose_body_broke_off_keeps_its_intent() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", "a body", None);
    let wrong = server.server().order(Matcher::operation("GetObject"), mock_s3::Fault::WrongByte(3));
    assert_eq!(scene.run().await.report.pending.parked, 1);
    assert_eq!(scene.overview().await.open_intents(), 1);
    wrong.withdraw();
    scene.run_to_success().await;
    assert_eq!((scene.contents(), scene.effects("a", "create")), (files(&[("a", "a body")]), 1));
}

/// After a restore, unconfirmed files were reported as confirmed while the file manager was unreachable.
#[tokio::test]
async fn a_file_in_doubt_is_not_counted_as_confirmed() {
    let (bucket, mut scene) = in_memory().await;
    for name in ["a", "b"] {
        bucket.put(key(name), name);
    }
    scene.run_to_success().await;
    scene.program.answer = OperatorAnswer { restored: true, ..OperatorAnswer::default() };
    bucket.vanish();
    let failed = scene.run().await.report;
    assert_eq!((failed.service_info.record_count, failed.unconfirmed), (2, 2));
    assert!(
        failed.to_string().ends_with("  total     0 files confirmed by the file manager, 2 in doubt until they are checked"),
        "{failed}"
    );
    scene.program.answer = OperatorAnswer::default();
    bucket.recreate();
    for name in ["a", "b"] {
        bucket.put(key(name), name);
    }
    let asked = scene.run_to_success().await.report;
    assert!(asked.to_string().ends_with("  total     2 files confirmed by the file manager"), "{asked}");
}
