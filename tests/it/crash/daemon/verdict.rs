//! What must hold at the end, without kills and with reachable endpoints.

use super::life::{CYCLE, settings, start};
use super::workload::Workload;
use crate::crash::Scene;
use crate::crash::process::{Ended, Process};
use crate::crash::scene::BUCKET;
use mock_api::{Call, CallName};
use serde_json::Value;
use std::collections::BTreeSet;

/// A daemon's cycle without a listing: each event was applied, or its operation failed and waits for its next attempt.
pub(super) async fn nothing_is_forgotten(scene: &Scene) -> Process {
    let mut daemon = start(scene, None);
    daemon.says("a run ended").await.expect("it has its cycle");
    let cycle = ask(scene, &[CYCLE]).await;
    assert!(matches!(cycle.code, Some(0 | 3)), "{}{}", cycle.stdout, cycle.stderr);
    let apart = apart(scene);
    println!("{:>5}  paths waited for their next attempt", apart.len());
    for path in apart {
        let why = ask(scene, &["why", "--json", "--", &path]).await;
        let known: Value = serde_json::from_str(&why.stdout).unwrap_or_else(|error| panic!("{path}: {error}: {}", why.stderr));
        assert_eq!(known["pending"]["status"], "parked", "{path} differs, and no run is going to do anything about it: {known:#}");
    }
    daemon
}

/// The last daemon, with a command that requests runs.
pub(super) async fn it_comes_to_rest(scene: &Scene, workload: &Workload) {
    let daemon = nothing_is_forgotten(scene).await;
    let reconcile = ask(scene, &["reconcile", "--json"]).await;
    assert_eq!(reconcile.code, Some(0), "{}{}", reconcile.stdout, reconcile.stderr);
    everything_agrees(scene, workload);
    nothing_was_doubled(scene, workload);

    scene.file_manager().reset_calls();
    assert_eq!(ask(scene, &[CYCLE]).await.code, Some(0));
    let about_files: Vec<_> = scene.file_manager().calls().into_iter().filter(is_about_files).collect();
    assert_eq!(about_files, [], "nothing differs, so nothing is asked");
    let status = status(scene).await;
    assert_eq!(ask(scene, &["health"]).await.code, Some(0));
    assert_eq!((&status["open_intents"], &status["pending"]), (&0.into(), &Value::Array(Vec::new())), "{status:#}");
    let dead = ask(scene, &["dead-letters", "list", "--json"]).await;
    let dead: Value = serde_json::from_str(&dead.stdout).expect("a JSON object");
    assert_eq!(dead["dead_letters"], Value::Array(Vec::new()), "every event could be used");
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
}

async fn ask(scene: &Scene, arguments: &[&str]) -> Ended {
    let url = scene.events_url();
    scene.start(arguments, &settings(&url)).end().await
}

async fn status(scene: &Scene) -> Value {
    let status = ask(scene, &["status", "--json"]).await;
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    serde_json::from_str(&status.stdout).expect("a JSON object")
}

/// The paths at which bucket and file manager differ.
fn apart(scene: &Scene) -> BTreeSet<String> {
    let (bucket, files) = (scene.bucket(), scene.file_manager().files());
    let objects = bucket.objects(BUCKET).into_iter().map(|object| object.key);
    let all: BTreeSet<_> = objects.chain(files.keys().cloned()).collect();
    all.into_iter().filter(|path| files.get(path).and_then(|file| file.content.clone()) != bucket.body(BUCKET, path)).collect()
}

fn everything_agrees(scene: &Scene, workload: &Workload) {
    assert_eq!(apart(scene), BTreeSet::new());
    let reported = workload.reported.iter();
    let wrong: Vec<_> = reported
        .map(|(path, reported)| (path, reported, scene.file_manager().permissions(path).permissions))
        .filter(|(_, reported, has)| has != *reported)
        .collect();
    assert!(wrong.is_empty(), "(path, last reported, what it has): {wrong:?}");
}

/// Checked with the file manager's ledger.
fn nothing_was_doubled(scene: &Scene, workload: &Workload) {
    let effects = scene.file_manager().effects();
    let twice: Vec<_> = effects.by_key.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "keys with more than one effect: {twice:?}");
    assert_eq!(effects.by_key.len() as u64, effects.total, "an effect without a key");
    for path in effects.by_path.keys() {
        let lives = workload.lives_of(path);
        let seen = (effects.of(path, "create"), effects.of(path, "delete"), effects.of(path, "rename") + effects.of(path, "move"));
        assert!(seen.0 <= lives.born, "{path} was created {} times: {lives:?}", seen.0);
        assert!(seen.1 <= lives.gone, "{path} was deleted {} times: {lives:?}", seen.1);
        assert!(seen.2 <= lives.renamed, "{path} got another name {} times: {lives:?}", seen.2);
    }
    println!("{:>5}  effects, each with a key of its own", effects.total);
}

fn is_about_files(call: &Call) -> bool {
    matches!(call.call, CallName::SaveToDisk | CallName::UpdatePermissions)
}
