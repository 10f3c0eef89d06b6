//! The table of effects, row by row.

use super::{calls, effects, event, filled, in_sync, permissions, rename, renamed};
use crate::workflow::scene::{Scene, before_a_lenient_one, in_memory, key};
use mock_api::{Fault, FaultAction};
use s3_sync::file_manager::{SaveOperation, SaveRequest};
use s3_sync::s3::MemoryBucket;
use serde_json::Value;

/// Changes the bucket: `+a` creates or replaces `a`, `-a` deletes it, `a>b` renames it.
fn happen(bucket: &MemoryBucket, what: &str) {
    for step in what.split_whitespace() {
        if let Some((from, to)) = step.split_once('>') {
            rename(bucket, from, to, from);
        } else if let Some(name) = step.strip_prefix('+') {
            bucket.put(key(name), format!("other {name}"));
        } else if let Some(name) = step.strip_prefix('-') {
            bucket.remove(&key(name));
        }
    }
}

/// The events, each one second later: the same notation, and `a=rw` for permissions.
fn events_of(what: &str) -> Vec<Value> {
    let events = (1..).zip(what.split_whitespace()).map(|(second, step)| {
        if let Some((from, to)) = step.split_once('>') {
            renamed(second, from, to)
        } else if let Some((path, mode)) = step.split_once('=') {
            permissions(second, path, mode)
        } else if let Some(name) = step.strip_prefix('-') {
            event("delete", second, name)
        } else {
            event("create", second, &step[1..])
        }
    });
    events.collect()
}

/// Runs one successful cycle over a feed; then the same feed again, which must have no effect.
async fn cycle(scene: &Scene, feed: &str) -> Vec<String> {
    scene.api.api().reset_calls();
    scene.api.api().set_feed(events_of(feed));
    scene.cycle_to_success().await;
    let seen = effects(scene);
    scene.api.api().reset_calls();
    scene.cycle_to_success().await;
    assert_eq!(calls(scene), [""; 0], "the same list again: {feed}");
    seen
}

/// A case: the known files, the changes, the events that report them, and the effects.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const TABLE: [Case; 19] = [
    ("new", "", "+a", "+a", &["create a"]),
    ("new, with reported permissions", "", "+a", "+a a=rw", &["create a", "set a"]),
    ("known, other content", "a", "+a", "+a", &["update a"]),
    ("known, same content", "a", "", "+a", &[]),
    ("known, only the permissions", "a", "", "a=rw", &["set a"]),
    ("known, both", "a", "+a", "+a a=rw", &["set a", "update a"]),
    ("known, gone", "a", "-a", "-a", &["delete a"]),
    ("an event that is not so", "a", "", "-a", &[]),
    ("a reported rename", "a", "a>b", "a>b", &["rename a>b"]),
    ("in two steps", "a", "a>c", "a>b b>c", &["rename a>c"]),
    ("and back", "a", "", "a>b b>a", &[]),
    ("to another directory", "a", "a>d/a", "a>d/a", &["move a>d/a"]),
    ("renamed, and replaced at its origin", "a", "a>b +a", "a>b +a", &["create a", "rename a>b"]),
    ("not reported: the same content", "a", "a>b", "-a +b", &["move a>b"]),
    ("reported, onto a living file", "a b", "a>b", "a>b", &["delete a", "update b"]),
    ("reported, and it was a copy", "a", "+b", "a>b", &["create b"]),
    ("a chain of names", "a b", "b>c a>b", "b>c a>b", &["rename a>b", "rename b>c"]),
    ("a circle", "a b", "+a +b", "a>t b>a t>b", &["update a", "update b"]),
    ("never applied", "", "+b", "a>b", &["create b"]),
];

#[tokio::test]
async fn the_table_of_effects() {
    for (name, known, happens, feed, expected) in TABLE {
        let (bucket, scene) = in_sync(&known.split_whitespace().collect::<Vec<_>>()).await;
        happen(&bucket, happens);
        assert_eq!(cycle(&scene, feed).await, expected, "{name}");
    }
}

/// A lenient file manager refuses nothing, so it never shows a mistake of ours: nothing may depend on its refusals.
#[tokio::test]
async fn the_table_of_effects_before_a_lenient_file_manager() {
    for (name, known, happens, feed, expected) in TABLE {
        let (bucket, scene) = filled(before_a_lenient_one().await, &known.split_whitespace().collect::<Vec<_>>()).await;
        happen(&bucket, happens);
        assert_eq!(cycle(&scene, feed).await, expected, "{name}");
        assert_eq!(scene.contents(), bucket.contents(), "{name}");
    }
}

/// The file manager's files were changed by others, and the state was restored from a backup: each file is asked for, and sent if
/// it differs.
#[tokio::test]
async fn a_restored_state_before_a_lenient_file_manager_converges() {
    for before in [in_memory().await, before_a_lenient_one().await] {
        let (bucket, mut scene) = filled(before, &["kept", "lost", "other", "gone", "renamed"]).await;
        happen(&bucket, "-gone +other renamed>r");
        scene.api.api().set_feed(events_of("-gone +other renamed>r"));
        let backup = std::fs::read(&scene.program.database).expect("the state");
        scene.cycle_to_success().await;
        // The file manager itself has lost one file.
        let (new_path, content, idempotency_key) = (None, None, None);
        let metadata = serde_json::Map::new();
        let lost = SaveRequest { operation: SaveOperation::Delete, path: key("lost"), new_path, content, metadata, idempotency_key };
        scene.program.endpoints.file_manager.save(lost).await.expect("it is deleted");
        for name in ["sync.db-wal", "sync.db-shm"] {
            // The last process has usually removed them.
            let _ = std::fs::remove_file(scene.program.database.with_file_name(name));
        }
        std::fs::write(&scene.program.database, backup).expect("the backup is put back");
        scene.program.answer.restored = true;
        scene.run_to_success().await;
        scene.program.answer.restored = false;
        assert_eq!(scene.contents(), bucket.contents());
        assert!(scene.cycle_to_success().await.report.success);
    }
}

#[tokio::test]
async fn a_renamed_file_keeps_its_identity_its_permissions_and_gets_its_new_content() {
    let (bucket, scene) = in_sync(&["a"]).await;
    cycle(&scene, "a=rw").await;
    let id = scene.internal_id("a");
    happen(&bucket, "-a +b");
    assert_eq!(cycle(&scene, "a=rw a>b").await, ["rename a>b", "update b"]);
    assert_eq!((scene.internal_id("b"), scene.api.api().permissions("b").permissions), (id, "rw".to_owned()));
}

#[tokio::test]
async fn permissions_wait_for_their_object() {
    let (bucket, scene) = in_sync(&[]).await;
    assert_eq!(cycle(&scene, "a=rw").await, [""; 0]);
    happen(&bucket, "+a");
    assert_eq!(cycle(&scene, "a=rw +a").await, ["create a", "set a"]);
}

#[tokio::test]
async fn permissions_of_a_deleted_file_do_not_apply_to_the_next_one() {
    let (bucket, scene) = in_sync(&["a"]).await;
    cycle(&scene, "a=rw").await;
    happen(&bucket, "-a");
    assert_eq!(cycle(&scene, "a=rw -a").await, ["delete a"]);
    happen(&bucket, "+a");
    assert_eq!(cycle(&scene, "a=rw -a +a").await, ["create a"]);
}

#[tokio::test]
async fn a_file_manager_that_lost_files_converges() {
    for (name, action, operation, path, feed, expected) in [
        ("rename: not found", FaultAction::status(404), "rename", "a", "a>b", "b"),
        ("rename: taken", FaultAction::status(409), "rename", "a", "a>b", "b"),
        ("rename: refused", FaultAction::status(422), "rename", "a", "a>b", "b"),
    ] {
        let (bucket, scene) = in_sync(&["a"]).await;
        happen(&bucket, "a>b");
        scene.api.api().order(Fault::new(action).operation(operation).path(path));
        scene.api.api().set_feed(events_of(feed));
        scene.cycle_to_success().await;
        let contents = scene.contents();
        assert!(contents.contains_key(expected), "{name}: {contents:?}");
        if name != "rename: not found" {
            assert_eq!(contents.len(), 1, "{name}: {contents:?}");
        }
    }
}
