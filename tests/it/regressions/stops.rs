//! Bugs about stops that were ignored or exceeded their limit, and about clients that blocked others.

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

/// Shorter than the timeout of any call, so that a hanging call does not end a wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run that is stopped once an event has happened.
pub(super) async fn stopped_when(scene: &Scene, happened: impl Future<Output = ()>) -> FinishedRun {
    let (stop_signal, program) = (StopSignal::default(), scene.program.clone());
    let stopped = stop_signal.clone();
    let run = tokio::spawn(async move { program.run_until(stopped).await });
    tokio::time::timeout(PATIENCE, happened).await.expect("it happens");
    stop_signal.stop(None);
    let ended = tokio::time::timeout(PATIENCE, run).await.expect("the run stops");
    ended.expect("no panic").expect("the state can be used")
}

/// A hanging move delayed a stop for all timeouts and attempts of its call.
#[tokio::test]
async fn a_hanging_move_delays_a_stop_no_longer_than_the_grace() {
    let (bucket, mut scene) = in_memory().await;
    scene.program.options.grace = Duration::from_millis(100);
    // One move is in flight, one waits for its permit.
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

/// A stop was ignored while both paths of a possible move were being looked up.
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

/// While the last telemetry was being sent to a hanging collector, the process ignored further signals.
#[tokio::test]
async fn a_second_signal_does_not_wait_for_a_collector() {
    let scene = crash::Scene::with_objects(1).await;
    let collector = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", collector.local_addr().expect("an address"));
    let mut process = scene.start(&["initial-sync"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    let mut taken = None;
    // Nothing is exported before the end of the run.
    process.lives_until(async { taken = Some(collector.accept().await.expect("a connection")) }).await.expect("it tells how it went");
    process.signal("TERM").await;
    process.signal("INT").await;
    let ended = process.end().await;
    assert!(matches!(ended.code, Some(143 | 130)), "{:?}: {}", ended.code, ended.stderr);
}

/// The shutdown of the daemon took up to seven seconds longer than its limit, because of the last report and the telemetry.
#[tokio::test]
async fn the_final_report_and_telemetry_share_the_shutdown_timeout() {
    let scene = crash::Scene::with_objects(1).await;
    // The kernel accepts the connections, but nothing answers.
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
    // The active run stored its outcome. Telemetry had the remaining time, which is less than its own limit.
    assert!(ended.stderr.contains("outcome=\"stopped\"") && !ended.stderr.contains("did not end in time"), "{}", ended.stderr);
    assert!(ended.stderr.contains("no time is left for the last telemetry"), "{}", ended.stderr);
}

/// Clients that waited for a run, for hours, occupied all connections of the control socket: `health` got no answer, and the
/// container was considered unhealthy.
#[tokio::test]
async fn clients_that_wait_for_a_run_leave_connections_for_health_requests() {
    let scene = crash::Scene::with_objects(1).await;
    let gate = Gate::new();
    scene.bucket().order(Matcher::operation("GetObject"), Fault::Hold(gate.clone()));
    let mut daemon = scene.start(&["daemon"], &[("SYNC_INTERVAL", "86400"), ("RECONCILE_CRON", "off")]);
    daemon.lives_until(gate.arrived(1)).await.expect("the daemon's own run is under way");
    let (protocol, identity) = (s3_sync::daemon::VERSION, scene.identity());
    let asked = format!("{{\"protocol\":{protocol},\"request\":\"run\",\"kind\":\"reconcile\",\"identity\":{identity}}}\n");
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
