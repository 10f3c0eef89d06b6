//! A state of schema version 7 from a program that was killed during its work: the next run continues it.

use super::super::scene::{BUCKET, Scene, key};
use mock_api::Options;
use rusqlite::Connection;
use s3_sync::file_manager::Deadlines;
use s3_sync::record::SinkName;
use s3_sync::s3::MemoryBucket;
use s3_sync::state::{Lane, State, Views};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The bucket's objects when that program was killed.
fn bucket() -> Arc<MemoryBucket> {
    let bucket = Arc::new(MemoryBucket::new(BUCKET));
    for number in 0..8 {
        bucket.put(key(&format!("plain/{number}.txt")), format!("plain {number}\n").repeat(number));
    }
    for (path, content) in [
        ("guard/5.txt", "guard 5\n"),
        ("doubt/unconfirmed.txt", "third content\n"),
        ("moved/to.txt", "content of moved/from.txt\n"),
        ("unseen/to.txt", "content of unseen/from.txt\n"),
        ("later/1.txt", "later\n"),
        ("unicode/Grüße 你.txt", "ü\n"),
        ("quote/it's.txt", "quoted\n"),
    ] {
        bucket.put(key(path), content);
    }
    for path in ["perms/reported.txt", "perms/open.txt", "fail/parked.txt", "cold/archived.txt", "open/intent.txt"] {
        bucket.put(key(path), format!("content of {path}\n"));
    }
    bucket.put(key("big/too-large.bin"), vec![0; (1 << 20) + 1]);
    bucket
}

/// That bucket, a file manager that claims to hold whatever it is asked about, and that state with the settings of its last run.
async fn left_behind() -> (Arc<MemoryBucket>, Scene) {
    let bucket = bucket();
    let mut scene = Scene::before(Options { lenient: true, ..Options::default() }, bucket.clone(), Deadlines::default()).await;
    scene.program.policy.max_file_bytes = Some(1 << 20);
    scene.program.options.retry.attempts = 1;
    scene.program.options.max_delete = s3_sync::plan::MaxDelete::Count(3);
    let state = include_str!("../../../fixtures/state-v7.sql")
        .replace("http://127.0.0.1:19000/customer-bucket/", &scene.program.identity.source)
        .replace("http://127.0.0.1:18001", &scene.program.file_manager_address());
    Connection::open(&scene.program.database).and_then(|database| database.execute_batch(&state)).expect("loaded");
    (bucket, scene)
}

/// Operation, path and key of each call with an effect.
fn called(scene: &Scene) -> Vec<(String, String, String)> {
    let calls = scene.api.api().calls().into_iter().filter(|call| call.idempotency_key.is_some());
    calls
        .map(|call| {
            let operation = call.operation.unwrap_or_else(|| format!("{:?}", call.call));
            (operation, call.path.unwrap_or_default(), call.idempotency_key.unwrap_or_default())
        })
        .collect()
}

/// Path and key of each open intent in the state of version 7.
fn open_in_version_7() -> BTreeSet<(String, String)> {
    let database = Connection::open_in_memory().expect("a database");
    database.execute_batch(include_str!("../../../fixtures/state-v7.sql")).expect("loaded");
    let mut statement = database.prepare("SELECT path, idempotency_key FROM intents").expect("a question");
    let open = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("asked");
    open.collect::<Result<_, _>>().expect("rows")
}

#[tokio::test]
async fn open_intents_are_sent_again_identically_and_finished_ones_are_not() {
    let (_bucket, scene) = left_behind().await;
    let ended = scene.cycle().await;
    let called = called(&scene);
    let keys: BTreeSet<_> = called.iter().map(|(_, path, key)| (path.clone(), key.clone())).collect();
    let open = open_in_version_7();
    assert_eq!(open.len(), 3);
    assert!(open.is_subset(&keys), "{open:?} are not all among {keys:?}");
    let mut operations: Vec<_> = called.iter().map(|(operation, path, _)| (operation.as_str(), path.as_str())).collect();
    operations.sort_unstable();
    assert_eq!(
        operations,
        [
            // (The double was asked about these and holds nothing there.)
            ("create", "doubt/unconfirmed.txt"),
            ("create", "fail/parked.txt"),
            ("create", "later/1.txt"),
            ("create", "open/intent.txt"),
            ("rename", "moved/from.txt"),
            ("rename", "unseen/from.txt"),
            ("set", "later/1.txt"),
            ("set", "perms/open.txt"),
        ],
        "nothing that the state holds as done"
    );
    assert_eq!(ended.report.skipped.values().sum::<u64>(), 2, "too large, archived: as before");
    assert_eq!((ended.report.deletes_held, ended.report.feed_gap), (5, true), "held as before, and the gap is remembered");
}

#[tokio::test]
async fn held_deletes_are_sent_when_allowed_and_a_reconcile_leaves_none() {
    let (_bucket, mut scene) = left_behind().await;
    scene.cycle().await;
    scene.api.api().reset_calls();
    scene.program.options.allow_deletes = Some(5);
    let ended = scene.reconcile().await;
    assert_eq!(ended.report.operations.delete, 5, "{}", ended.report);
    assert!(!ended.report.feed_gap, "everything was listed");
    let touched: BTreeSet<_> = called(&scene).into_iter().map(|(_, path, _)| path).collect();
    let mut expected: BTreeSet<_> = (0..5).map(|number| format!("guard/{number}.txt")).collect();
    // A reconcile also retries skipped paths, and the store delivers this one now.
    expected.insert("cold/archived.txt".to_owned());
    assert_eq!(touched, expected, "everything else is in step");
    let overview = scene.overview().await;
    let sink = overview.main_sink().expect("a sink");
    assert_eq!((sink.open_intents, sink.unconfirmed_rows, overview.inbox, overview.dead_letters), (0, 0, 0, 2));
    assert_eq!(sink.waiting.iter().map(|waiting| waiting.paths).sum::<u64>(), 1, "what is too large: {:?}", sink.waiting);
}

#[tokio::test]
async fn the_handles_of_a_state_share_its_content() {
    let (_bucket, scene) = left_behind().await;
    let state = State::open(&scene.program.database).await.expect("brought up to date");
    let sink = state.sink(SinkName::file_manager(), scene.program.policy).await.expect("it is there");
    let held = sink.deletes_held().await.expect("read").expect("five are held");
    assert_eq!((held.deletes, held.rows_when_held, held.nothing_listed), (5, 21, false));
    assert_eq!((sink.applied_rows().await.expect("read"), sink.rows_before_listing().await.expect("read")), (21, 21));
    assert_eq!(sink.rows_before_unjudged_listing().await.expect("read"), Some(21));
    assert_eq!(state.source().initial_completed_by().await.expect("read"), Some(1));
    assert!(state.source().reconcile_unfinished().await.expect("read") && state.source().listing_saw_files().await.expect("read"));
    assert_eq!(state.source().listing_progress().await.expect("read"), s3_sync::state::Listed::UpTo(key("guard/5.txt")));
    assert_eq!((state.runs().last_number().await.expect("read"), state.inbox().events_len().await.expect("read")), (10, 3));
    let open = sink.claim((Lane::OpenIntent, 0, i64::MAX), 10).await.expect("claimed").work;
    let open: Vec<_> = open.iter().map(|(_, work)| work.path.as_str()).collect();
    assert_eq!(open, ["open/intent.txt", "perms/open.txt"]);
    assert_eq!(sink.moves_due(None, 10).await.expect("read").len(), 0, "the move waits for its next attempt");
    let moving = sink.move_to(&key("moved/to.txt")).await.expect("read").expect("it is on its way");
    assert_eq!((moving.origin(), moving.attempts, moving.intent.is_some()), (&key("moved/from.txt"), 2, true));
    let report = Views::open(&scene.program.database).key_report(key("nowhere/yet.txt")).await.expect("read").expect("it was reported");
    assert_eq!(report.reported.permissions.map(|field| field.value).as_deref(), Some("0600"), "of a path that is not there");
}
