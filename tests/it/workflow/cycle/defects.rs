//! The defects of the previous system that concern the cycle. Each comment has a defect's number and description; its test checks
//! the right behaviour. `workflow/defects.rs` has those of the initial sync.

use super::{calls, effects, event, in_sync, permissions, rename, renamed};
use crate::workflow::scene::{BUCKET, Scene, files, key, over_http};
use mock_api::{CallName, Fault, FaultAction};
use mock_s3::{Gate, Matcher};
use s3_sync::apply::StopSignal;
use s3_sync::s3::{self, S3ErrorKind};
use s3_sync::state::{RunKind, RunOutcome};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

fn moved(second: u32, from: &str, to: &str) -> Value {
    let mut event = renamed(second, from, to);
    event["event_type"] = json!("move");
    event
}

/// Runs one successful cycle over a feed and returns the calls that the file manager received.
async fn calls_after(scene: &Scene, feed: Vec<Value>) -> Vec<String> {
    scene.api.api().reset_calls();
    scene.api.api().set_feed(feed);
    scene.cycle_to_success().await;
    effects(scene)
}

/// 1: of seven mixed events the file manager received four creates and nothing else: no delete, permission change, rename or move.
#[tokio::test]
async fn defect_01_the_file_manager_receives_a_call_for_every_kind_of_event() {
    let (bucket, scene) = in_sync(&["gone", "opened", "named", "carried", "same"]).await;
    bucket.put(key("new"), "new");
    bucket.put(key("same"), "changed");
    bucket.remove(&key("gone"));
    rename(&bucket, "named", "renamed", "named");
    rename(&bucket, "carried", "there/carried", "carried");
    let feed = vec![
        event("create", 1, "new"),
        event("create", 2, "same"),
        event("delete", 3, "gone"),
        permissions(4, "opened", "rwxrwxrwx"),
        renamed(5, "named", "renamed"),
        moved(6, "carried", "there/carried"),
        permissions(7, "new", "r--r--r--"),
    ];
    let expected =
        ["create new", "delete gone", "move carried>there/carried", "rename named>renamed", "set new", "set opened", "update same"];
    assert_eq!(calls_after(&scene, feed).await, expected);
    let expected = [("new", "new"), ("opened", "opened"), ("renamed", "named"), ("same", "changed"), ("there/carried", "carried")];
    assert_eq!(scene.contents(), files(&expected));
}

/// 2: a rename downloaded and uploaded the file again under a new id, and the old copy was orphaned.
#[tokio::test]
async fn defect_02_a_rename_and_a_move_send_no_bytes_and_keep_the_identity() {
    let (bucket, scene) = in_sync(&["a", "b"]).await;
    let (ids, read) = ((scene.internal_id("a"), scene.internal_id("b")), bucket.calls().gets);
    rename(&bucket, "a", "c", "a");
    rename(&bucket, "b", "there/b", "b");
    assert_eq!(calls_after(&scene, vec![renamed(1, "a", "c"), moved(2, "b", "there/b")]).await, ["move b>there/b", "rename a>c"]);
    assert_eq!(bucket.calls().gets, read, "nothing was read again");
    assert_eq!((scene.internal_id("c"), scene.internal_id("there/b")), ids);
    assert_eq!(scene.contents(), files(&[("c", "a"), ("there/b", "b")]), "no copy is left behind");
}

/// 5: each cycle replayed the whole list without remembering its events: create-delete-create erased the `internal_id`, and
/// events beyond the first fifty were never seen.
#[tokio::test]
async fn defect_05_an_event_counts_once_and_the_hundredth_counts() {
    let (bucket, scene) = in_sync(&["a"]).await;
    let id = scene.internal_id("a");
    let mut feed = vec![event("create", 1, "a"), event("delete", 2, "a"), event("create", 3, "a")];
    for number in 3..100 {
        bucket.put(key(&format!("f{number}")), format!("content {number}"));
        feed.push(event("create", 4, &format!("f{number}")));
    }
    let expected: Vec<_> = feed[3..].iter().map(|event| format!("create {}", event["file_path"].as_str().unwrap_or_default())).collect();
    let seen = calls_after(&scene, feed.clone()).await;
    assert_eq!((seen.len(), expected.iter().all(|effect| seen.contains(effect))), (97, true), "{seen:?}");
    assert_eq!(scene.internal_id("a"), id);
    // If the second event were replayed, it would undo a change that no event has reported yet.
    bucket.remove(&key("f99"));
    assert_eq!(calls_after(&scene, feed.clone()).await, [""; 0], "what was sent once is not sent again");
    feed.remove(0);
    feed.push(event("delete", 5, "f99"));
    assert_eq!(calls_after(&scene, feed).await, ["delete f99"]);
}

/// 6: a rename onto an existing path committed the delete, failed at the insert, and lost the row.
#[tokio::test]
async fn defect_06_a_rename_onto_an_existing_path_loses_neither() {
    for event_of in [renamed, moved] {
        let (bucket, scene) = in_sync(&["a", "b"]).await;
        let id = scene.internal_id("b");
        rename(&bucket, "a", "b", "a");
        assert_eq!(calls_after(&scene, vec![event_of(1, "a", "b")]).await, ["delete a", "update b"]);
        assert_eq!((scene.contents(), scene.internal_id("b")), (files(&[("b", "a")]), id));
        assert_eq!(scene.overview().await.sinks[0].applied_rows, 1);
        // A file whose row is lost is created again; with its row it is updated.
        bucket.put(key("b"), "newer");
        assert_eq!(calls_after(&scene, vec![event_of(1, "a", "b"), event("create", 2, "b")]).await, ["update b"]);
    }
}

/// 7: a create event without id sent `NaN` in the metadata: 500 after the effect, three orphans.
#[tokio::test]
async fn defect_07_missing_fields_of_an_event_are_not_invented() {
    let (bucket, scene) = in_sync(&[]).await;
    let metadata = [Value::Null, json!({}), json!({"internal_id": null, "size": null}), json!({"size": "NaN", "file_type": 7})];
    let mut feed = Vec::new();
    for (number, metadata) in (0..).zip(metadata) {
        bucket.put(key(&format!("f{number}")), "x");
        let mut event = event("create", number, &format!("f{number}"));
        event["metadata"] = metadata;
        feed.push(event);
    }
    assert_eq!(calls_after(&scene, feed).await, ["create f0", "create f1", "create f2", "create f3"]);
    // The double refuses metadata that is not JSON. The accepted metadata contains exactly what the HEAD returned.
    for (path, file) in scene.api.api().files() {
        let metadata = file.metadata.expect("metadata");
        assert_eq!((&metadata["source"], file.size), (&json!("customer_s3"), 1), "{path}: {metadata:?}");
        assert!(metadata["etag"].is_string() && metadata.values().all(|value| !value.is_null()), "{path}: {metadata:?}");
        assert_eq!(scene.effects(&path, "create"), 1);
    }
}

/// 9: after one timestamp without and one with a time zone in a list, every cycle failed until the event had left the list.
#[tokio::test]
async fn defect_09_a_list_may_mix_timestamps_with_and_without_an_offset() {
    let (_, scene) = in_sync(&["a", "b"]).await;
    let at = |time: &str, path: &str, mode: &str| {
        let mut event = permissions(0, path, mode);
        event["timestamp"] = json!(time);
        event
    };
    // The list is not in order of time: of each path, its first event is the later one.
    let feed = vec![
        at("2026-11-19T18:31:49.398983", "a", "naive"),
        at("2026-11-19T19:31:48.500+01:00", "a", "aware"),
        at("2026-11-19T18:31:50Z", "b", "aware"),
        at("2026-11-19T18:31:49.9", "b", "naive"),
    ];
    assert_eq!(calls_after(&scene, feed).await, ["set a", "set b"]);
    let has = |path: &str| scene.api.api().permissions(path).permissions;
    assert_eq!((has("a"), has("b")), ("naive".to_owned(), "aware".to_owned()), "naive is UTC");
}

/// 10: the diff inferred types: keys `NA` and `null` disappeared, `008` became `8`, permissions `0755` and `755` compared equal.
#[tokio::test]
async fn defect_10_keys_and_permissions_stay_the_text_that_they_are() {
    let (bucket, scene) = in_sync(&[]).await;
    let names = ["008", "8", "NA", "NaN", "null", "1e5", "True"];
    let feed: Vec<_> = (0..).zip(names).map(|(second, name)| event("create", second, name)).collect();
    for name in &names {
        bucket.put(key(name), format!("content of {name}"));
    }
    calls_after(&scene, feed.clone()).await;
    let contents = scene.contents();
    assert!(names.iter().all(|name| contents[*name] == format!("content of {name}")), "{contents:?}");
    for mode in ["0755", "755", "NA", "null"] {
        let feed = [feed.clone(), vec![permissions(30, "008", mode)]].concat();
        assert_eq!(calls_after(&scene, feed).await, ["set 008"], "{mode} is another text");
        assert_eq!(scene.api.api().permissions("008").permissions, mode);
    }
}

/// 13: a retried operation had its effect twice.
#[tokio::test]
async fn defect_13_no_effect_of_a_cycle_happens_twice() {
    for action in [FaultAction::EffectThenReset, FaultAction::effect_then_status(500), FaultAction::effect_then_status(503)] {
        let (bucket, scene) = in_sync(&["changed", "gone", "named", "carried", "opened"]).await;
        bucket.put(key("new"), "new");
        bucket.put(key("changed"), "other");
        bucket.remove(&key("gone"));
        rename(&bucket, "named", "renamed", "named");
        rename(&bucket, "carried", "there/carried", "carried");
        let operations = ["create", "update", "delete", "rename", "move", "set"];
        for operation in &operations {
            scene.api.api().order(Fault::new(action.clone()).operation(operation).times(2));
        }
        let before = scene.api.api().effects().total;
        let feed = vec![
            event("create", 1, "new"),
            event("create", 2, "changed"),
            event("delete", 3, "gone"),
            renamed(4, "named", "renamed"),
            moved(5, "carried", "there/carried"),
            permissions(6, "opened", "rwx"),
        ];
        calls_after(&scene, feed).await;
        let mut keys: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for call in scene.api.api().calls().into_iter().filter(|call| operations.iter().any(|name| call.operation.as_deref() == Some(name)))
        {
            keys.entry(call.operation).or_default().push(call.idempotency_key);
        }
        assert_eq!(keys.len(), operations.len(), "{action:?}: {keys:?}");
        assert!(
            keys.values().all(|keys| keys.len() == 3 && keys.iter().all(|key| key.is_some() && *key == keys[0])),
            "{action:?}: {keys:?}"
        );
        assert_eq!(scene.api.api().effects().total - before, operations.len() as u64, "{action:?}");
    }
}

/// 15: an unreachable endpoint ended the program. Now only the cycle ends, and the events wait for the next one.
#[tokio::test]
async fn defect_15_events_received_while_an_endpoint_was_unreachable_are_applied_when_it_is_reachable() {
    let (bucket, scene) = in_sync(&["a", "b"]).await;
    bucket.vanish();
    scene.api.api().set_feed(vec![event("create", 1, "c"), event("delete", 2, "a")]);
    let ended = scene.cycle().await;
    assert_eq!((ended.outcome, effects(&scene)), (RunOutcome::Failed, Vec::new()), "a bucket that is not there is no evidence");
    bucket.recreate();
    bucket.put(key("b"), "b");
    bucket.put(key("c"), "c");
    // The feed no longer serves these events: only the inbox has them.
    assert_eq!(calls_after(&scene, Vec::new()).await, ["create c", "delete a"]);
    assert_eq!(scene.contents(), files(&[("b", "b"), ("c", "c")]));
}

/// 16: new content of an existing key was never synced: the `ETag` was ignored, and after the first run nothing was listed again.
#[tokio::test]
async fn defect_16_new_content_is_sent_when_an_event_reports_it_and_found_when_none_does() {
    let (bucket, scene) = in_sync(&["reported", "kept"]).await;
    bucket.put(key("reported"), "REPORTED");
    bucket.put(key("kept"), "KEPT");
    assert_eq!(calls_after(&scene, vec![event("create", 1, "reported")]).await, ["update reported"]);
    scene.api.api().reset_calls();
    let reconciled = scene.program.run_flow(RunKind::Reconcile, StopSignal::default()).await.expect("the state can be used");
    assert!(reconciled.report.success, "{}", reconciled.report);
    assert_eq!(effects(&scene), ["update kept"]);
    assert_eq!(scene.contents(), files(&[("reported", "REPORTED"), ("kept", "KEPT")]));
}

/// 17: one connection per call, and one object at a time. (Also one commit per statement, which the crash tests and the benchmark
/// count.)
#[tokio::test]
async fn defect_17_a_cycle_works_on_several_objects_at_a_time_over_few_connections() {
    let (server, mut scene) = over_http().await;
    scene.program.options.concurrency = 4;
    server.server().put(BUCKET, "first", "first", None);
    scene.run_to_success().await;
    let names: Vec<_> = (0..40).map(|number| format!("f{number}")).collect();
    for name in &names {
        drop(server.server().put(BUCKET, name, name.clone(), None));
    }
    scene.api.api().set_feed(names.iter().map(|name| event("create", 1, name)).collect());
    let (gate, connections) = (Gate::new(), server.server().counters().connections);
    server.server().order(Matcher::operation("GetObject").times(4), mock_s3::Fault::Hold(gate.clone()));
    let ((), ended) = tokio::join!(
        async {
            // If operations ran one at a time, the second would never arrive.
            tokio::time::timeout(Duration::from_secs(25), gate.arrived(4)).await.expect("four at a time");
            gate.open();
        },
        scene.cycle_to_success()
    );
    assert_eq!(ended.report.operations.create, 40);
    let used = server.server().counters().connections - connections;
    assert!(used <= 8, "{used} connections for eighty requests, four at a time");
}

/// 18: almost no error reached `errors[]`, and there was no history.
#[tokio::test]
async fn defect_18_every_reason_for_a_failure_is_reported_and_recorded() {
    let (bucket, scene) = in_sync(&["opened"]).await;
    for name in ["denied", "refused", "good"] {
        bucket.put(key(name), name);
    }
    bucket.on_call(|call| {
        let denied = matches!(call, s3::Call::Get(get) if get.key.as_str() == "denied");
        denied.then_some(s3::Fault::Error(S3ErrorKind::AccessDenied))
    });
    scene.order(FaultAction::status(400), "create", "refused");
    scene.api.api().order(Fault::new(FaultAction::status(500)).call(CallName::UpdatePermissions).path("opened").always());
    let mut unknown = event("create", 1, "x");
    unknown["event_type"] = json!("explode");
    let mut feed: Vec<_> = ["denied", "refused", "good"].map(|name| event("create", 2, name)).into();
    feed.extend([unknown, permissions(3, "opened", "rwx")]);
    scene.api.api().set_feed(feed);

    let ended = scene.cycle().await;
    assert_eq!((ended.outcome, ended.report.event_counts.errors), (RunOutcome::Partial, 1), "{}", ended.report);
    let posted = scene.api.api().reports().pop().expect("a report");
    assert_eq!((&posted["success"], &posted["statistics"]["operations_failed"]), (&json!(false), &json!(3)), "{posted:#}");
    let errors: Vec<_> = posted["errors"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for (reason, path) in [("s3_access_denied", "denied"), ("file_manager_400", "refused"), ("file_manager_500", "opened")] {
        assert!(errors.iter().any(|line| line.starts_with(reason) && line.contains(path)), "{reason} of {path}: {errors:?}");
    }
    let remembered = scene.overview().await.runs;
    let last = remembered.first().expect("runs are remembered");
    assert_eq!((last.number, last.outcome.as_deref()), (ended.report.run, Some("partial")), "{remembered:?}");
    let summary: Value = serde_json::from_str(last.summary.as_deref().unwrap_or_default()).expect("its report");
    assert_eq!((&summary["errors"], &summary["run"]), (&posted["errors"], &posted["run"]));
    assert_eq!(calls(&scene).iter().filter(|call: &&String| call.contains("good")).count(), 2, "asked its permissions, and created");
}
