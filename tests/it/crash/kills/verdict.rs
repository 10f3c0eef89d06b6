//! What must hold after the last process has ended.

use super::{KILLS_OF_A_KIND_LEAST, OBJECTS, SETTINGS};
use crate::crash::scene::{BUCKET, Scene};
use std::collections::{BTreeMap, BTreeSet};

/// By the file manager's ledger, there is one create for each object, under one key, with the object's bytes.
pub(super) fn everything_arrived_once(scene: &Scene) {
    let (bucket, file_manager) = (scene.bucket(), scene.file_manager());
    let objects: Vec<_> = bucket.objects(BUCKET).into_iter().map(|object| object.key).collect();
    assert_eq!(objects.len(), OBJECTS);

    let effects = file_manager.effects();
    let twice: Vec<_> = effects.by_key.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "keys with more than one effect: {twice:?}");
    let once = BTreeMap::from([("create".to_owned(), 1)]);
    let otherwise: Vec<_> = objects.iter().filter(|path| effects.by_path.get(*path) != Some(&once)).collect();
    assert!(otherwise.is_empty(), "not created once and nothing else: {otherwise:?}");
    assert_eq!(effects.total, OBJECTS as u64, "nothing else happened: {:?}", effects.by_path.keys());

    let files = file_manager.files();
    assert!(files.keys().eq(objects.iter()), "the files are the objects");
    for (path, file) in &files {
        assert_eq!(file.content, bucket.body(BUCKET, path), "the bytes of {path}");
    }

    let calls = file_manager.calls();
    let mut keys: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.operation.as_deref() == Some("create")) {
        keys.entry(call.path.clone()).or_default().insert(call.idempotency_key.clone());
    }
    let several: Vec<_> = keys.iter().filter(|(_, keys)| keys.len() != 1 || keys.contains(&None)).collect();
    assert!(several.is_empty(), "an effect that is meant once has one key, whichever process sends it: {several:?}");
    // The ledger's repeated answers show from outside that unanswered effects were sent again.
    let replayed = calls.iter().filter(|call| call.replayed).count();
    println!("{replayed:>5}  creates were answered from the ledger");
    assert!(replayed >= KILLS_OF_A_KIND_LEAST, "only {replayed} answers came from the ledger");
}

/// Compares with the state.
pub(super) async fn the_state_agrees(scene: &Scene) {
    let status = scene.start(&["status", "--json"], &SETTINGS).end().await;
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("a JSON object");
    assert_eq!(status["service_status"], "healthy", "{status:#}");
    assert_eq!(status["database_records"], OBJECTS, "{status:#}");
    assert_eq!(status["open_intents"], 0, "{status:#}");
    assert_eq!(status["pending"], serde_json::json!([]), "{status:#}");
}

pub(super) async fn another_run_sends_nothing(scene: &Scene) {
    scene.file_manager().reset_calls();
    let run = scene.start(&["initial-sync"], &SETTINGS).end().await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(scene.file_manager().calls(), [], "nothing differs, so nothing is asked");
    assert_eq!(scene.file_manager().effects().total, OBJECTS as u64);
}
