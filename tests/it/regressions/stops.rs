//! Bugs about the end: stops that were ignored, or not kept to; and callers that kept others from being answered.

use crate::crash;
use crate::workflow::scene::{BUCKET, Scene, in_memory, key, over_http};
use mock_api::{CallState, FaultAction};
use mock_s3::{Fault, Gate, Matcher};
use s3_sync::apply::StopSignal;
use s3_sync::state::RunOutcome;
use s3_sync::workflow::FinishedRun;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UnixStream};

/// Shorter than the deadline of any call: what hangs never ends a wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run that is stopped as soon as something has happened.
pub(super) async fn stopped_when(scene: &Scene, happened: impl Future<Output = ()>) -> FinishedRun {
    let (stop_signal, program) = (StopSignal::default(), scene.program.clone());
    let stopped = stop_signal.clone();
    let run = tokio::spawn(async move { program.run_until(stopped).await });
    tokio::time::timeout(PATIENCE, happened).await.expect("it happens");
    stop_signal.stop(None);
    let ended = tokio::time::timeout(PATIENCE, run).await.expect("the run stops");
    ended.expect("no panic").expect("the state can be used")
}

/// A move that hung when the run was stopped held it for as long as the call's own deadlines, and all its attempts.
#[tokio::test]
async fn a_move_that_hangs_holds_up_a_stop_no_longer_than_the_grace() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.options.grace = Duration::from_millis(100);
    // One is in flight, and one waits for its permit.
    scene.program.options.concurrency = 1;
    for name in ["a", "b"] {
        bucket.put(key(name), name);
    }
    scene.run_to_success().await;
    for name in ["a", "b"] {
        bucket.remove(&key(name));
        bucket.put(key(&format!("{name} renamed")), name);
    }
    scene.api.api().order(mock_api::Fault::new(FaultAction::Hang).operation("move").always());
    let hangs = scene.api.api().wait_for_calls(|calls| calls.iter().any(|call| call.state == CallState::Hanging));
    let ended = stopped_when(&scene, hangs).await;
    assert_eq!(ended.outcome, RunOutcome::Stopped, "{}", ended.report);
    scene.api.api().clear_faults();
    scene.run_to_success().await;
    assert_eq!((scene.effects("a", "move"), scene.effects("b", "move")), (1, 1));
}

/// A stop was ignored while both ends of a possible move were looked up.
#[tokio::test]
async fn a_stop_ends_the_lookups_of_a_move() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", "a", None);
    server.server().put(BUCKET, "b", "b", None);
    scene.run_to_success().await;
    server.server().remove(BUCKET, "a");
    server.server().put(BUCKET, "c", "a", None);
    let heads = server.server().order(Matcher::operation("HeadObject"), Fault::Hang);
    let ended = stopped_when(&scene, heads.struck(1)).await;
    assert_eq!((ended.outcome, scene.contents().len()), (RunOutcome::Stopped, 2), "{}", ended.report);
    heads.withdraw();
    scene.run_to_success().await;
    assert_eq!(scene.effects("a", "move"), 1);
}

/// While the last telemetry was on its way to a collector that hung, the process ignored further signals.
#[tokio::test]
async fn a_second_signal_does_not_wait_for_a_collector() {
    let scene = crash::Scene::with_objects(1).await;
    let collector = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", collector.local_addr().expect("an address"));
    let mut process = scene.start(&["initial-sync"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    let mut taken = None;
    // Nothing is exported before the run has ended.
    process.lives_until(async { taken = Some(collector.accept().await.expect("a connection")) }).await.expect("it tells how it went");
    process.signal("TERM").await;
    process.signal("INT").await;
    let ended = process.end().await;
    assert!(matches!(ended.code, Some(143 | 130)), "{:?}: {}", ended.code, ended.stderr);
}

/// The whole end of the daemon took up to seven seconds more than it had: the final report and telemetry came on top.
#[tokio::test]
async fn the_final_report_and_telemetry_share_the_shutdown_timeout() {
    let scene = crash::Scene::with_objects(1).await;
    // It takes connections into its queue, and never answers.
    let collector = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", collector.local_addr().expect("an address"));
    scene.file_manager().order(mock_api::Fault::new(FaultAction::Hang).operation("create").always());
    let settings = [("SHUTDOWN_TIMEOUT", "4"), ("RECONCILE_CRON", "off"), ("OTEL_EXPORTER_OTLP_ENDPOINT", &url)];
    let mut daemon = scene.start(&["daemon"], &settings);
    let hangs = |calls: &[mock_api::Call]| calls.iter().any(|call| call.state == CallState::Hanging);
    daemon.lives_until(scene.file_manager().wait_for_calls(hangs)).await.expect("the create hangs");
    daemon.signal("TERM").await;
    let ended = daemon.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // The active run wrote down how it ended, and the telemetry had what was left, which is less than it takes at most.
    assert!(ended.stderr.contains("outcome=\"stopped\"") && !ended.stderr.contains("did not end in time"), "{}", ended.stderr);
    assert!(ended.stderr.contains("no time is left for the last telemetry"), "{}", ended.stderr);
}

/// Clients that waited for a run, for hours, took all places at the control socket: `health` was not answered, and the container was
/// taken for a sick one.
#[tokio::test]
async fn clients_that_wait_for_a_run_leave_connections_for_health_requests() {
    let scene = crash::Scene::with_objects(1).await;
    let gate = Gate::new();
    scene.bucket().order(Matcher::operation("GetObject"), Fault::Hold(gate.clone()));
    let mut daemon = scene.start(&["daemon"], &[("SYNC_INTERVAL", "86400"), ("RECONCILE_CRON", "off")]);
    daemon.lives_until(gate.arrived(1)).await.expect("the daemon's own run is under way");
    let asked = format!("{{\"protocol\":1,\"request\":\"run\",\"kind\":\"reconcile\",\"identity\":{}}}\n", scene.identity());
    let (mut waiting, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..64 {
        let mut client = BufReader::new(UnixStream::connect(scene.control_socket()).await.expect("it listens"));
        client.write_all(asked.as_bytes()).await.expect("said");
        let mut answer = String::new();
        client.read_line(&mut answer).await.expect("an answer");
        answers.push(answer.contains("\"accepted\""));
        waiting.push(client);
    }
    let health = scene.start(&["health"], &[]).end().await;
    assert_eq!(health.code, Some(0), "{}{}", health.stdout, health.stderr);
    assert!(answers[0] && !answers[63], "those beyond the bound are refused: {answers:?}");
    gate.open();
    daemon.says("run=2 outcome=\"done\"").await.expect("the others have their run");
}
