//! Commands beside a running daemon: the daemon does the work; output and exit code are the same as without it.

use super::stage::{BUCKET, Stage};
use crate::crash::Process;
use mock_api::{Fault, FaultAction};
use mock_s3::{Fault as S3Fault, Gate, Matcher};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// The identity of a stage's state, as sent over the socket.
fn identity(stage: &Stage) -> String {
    format!(r#"{{"source":"{}/{BUCKET}/","file_manager":"{}"}}"#, stage.s3.endpoint(), stage.files.url())
}

/// Sends one line to the daemon, receives one, and closes the connection.
async fn say(stage: &Stage, line: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(stage.path("data/sync.db.sock")).await?;
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_shows_the_report_of_the_run_that_it_asked_for() {
    let stage = Stage::with(&["a.txt"]).await;
    let daemon = stage.daemon_at_rest().await;
    stage.put("b.txt", "b");
    let ran = stage.expect(&["reconcile"], 0).await;
    ran.prints(&["run 2: in sync", "1 created"]);
    ran.says(&["the running daemon is asked for it"]);
    let report = stage.expect(&["incremental-sync", "--json"], 0).await.json();
    assert_eq!((&report["run"], &report["success"], &report["sync_type"]), (&3.into(), &true.into(), &"incremental".into()));
    let posted = stage.api().reports();
    assert_eq!((posted.len(), &posted[2]["run"], &posted[1]["mode"]), (3, &report["run"], &"reconcile".into()));
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_are_those_of_the_command_alone() {
    let keys: Vec<String> = (0..12).map(|number| format!("{number}.txt")).collect();
    let stage = Stage::with(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let _daemon = stage.daemon_at_rest().await;
    stage.put("bad.txt", "bad");
    stage.api().order(Fault::new(FaultAction::status(400)).operation("create").path("bad.txt").always());
    stage.expect(&["initial-sync"], 3).await.prints(&["NOT in sync yet", "failed    1 file_manager_400", "bad.txt"]);
    stage.expect(&["health"], 0).await.prints(&["degraded"]);
    for key in keys.iter().skip(1) {
        stage.s3.server().remove(BUCKET, key);
    }
    stage.s3.server().remove(BUCKET, "bad.txt");
    stage.expect(&["reconcile"], 5).await.prints(&["11 deletes: --allow-deletes 11 sends them"]);
    stage.expect(&["reconcile", "--allow-deletes", "11"], 0).await.prints(&["11 deleted"]);
    assert_eq!(stage.api().files().len(), 1);
    stage.expect(&["initial-sync", "--restored"], 0).await.prints(&["already there"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_receives_acceptance_progress_and_outcome_of_its_run() {
    let stage = Stage::with(&["a.txt"]).await;
    let _daemon = stage.daemon_at_rest().await;
    let mut stream = UnixStream::connect(stage.path("data/sync.db.sock")).await.expect("it listens");
    let asked = format!(r#"{{"protocol":2,"request":"run","kind":"reconcile","identity":{}}}"#, identity(&stage));
    stream.write_all(format!("{asked}\n").as_bytes()).await.expect("said");
    let mut received = String::new();
    stream.read_to_string(&mut received).await.expect("received to the end");
    let received: Vec<serde_json::Value> = received.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let replies: Vec<_> = received.iter().map(|reply| reply["reply"].as_str().expect("its kind")).collect();
    assert_eq!((replies.first(), replies.last()), (Some(&"accepted"), Some(&"ended")), "{received:?}");
    assert!(replies[1..replies.len() - 1].iter().all(|reply| *reply == "progress"), "{received:?}");
    let ended = received.last().expect("there are lines");
    assert_eq!((&ended["exit_code"], &ended["report"]["run"]), (&0.into(), &2.into()), "{ended}");
}

/// 14: without a lock, an `initial-sync` beside the daemon's own uploaded everything twice.
#[tokio::test(flavor = "multi_thread")]
async fn defect_14_an_initial_sync_beside_the_daemons_own_sends_nothing_twice() {
    let stage = Stage::with(&["a.txt", "b.txt"]).await;
    let gate = Gate::new();
    stage.s3.server().order(Matcher::operation("GetObject"), S3Fault::Hold(gate.clone()));
    let mut daemon = stage.daemon();
    daemon.lives_until(gate.arrived(1)).await.expect("the daemon's own is under way");
    let mut beside = Process::of(stage.start(&["initial-sync"]));
    beside.says("the running daemon is asked for it").await.expect("it asks");
    let asked = format!(r#"{{"protocol":2,"request":"run","kind":"initial","identity":{}}}"#, identity(&stage));
    let accepted = say(&stage, &asked).await;
    assert_eq!(accepted.expect("an answer").trim(), r#"{"reply":"accepted"}"#, "and the client has closed the connection by now");
    gate.open();
    daemon.says("run=1 outcome=\"done\"").await.expect("the daemon's own ends");
    let beside = beside.end().await;
    assert_eq!(beside.code, Some(0), "{}", beside.stderr);
    assert!(beside.stdout.contains("run 2: in sync") && beside.stdout.contains("0 created"), "{}", beside.stdout);
    let runs = stage.expect(&["status", "--json"], 0).await.json()["runs"].as_array().map(Vec::len);
    assert_eq!(runs, Some(2), "both that waited had the same run");
    let effects = stage.api().effects();
    assert_eq!((effects.of("a.txt", "create"), effects.of("b.txt", "create"), effects.total), (1, 1, 2));
    stage.expect(&["health"], 0).await.prints(&["healthy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_interrupted_stops_waiting_and_the_run_goes_on() {
    let stage = Stage::with(&["a.txt"]).await;
    let mut daemon = stage.daemon_at_rest().await;
    stage.put("b.txt", "b");
    let gate = Gate::new();
    stage.s3.server().order(Matcher::operation("GetObject"), S3Fault::Hold(gate.clone()));
    let command = Process::of(stage.start(&["reconcile"]));
    gate.arrived(1).await;
    command.signal("INT").await;
    let ran = command.end().await;
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert!(ran.stderr.contains("the daemon goes on with the run"), "{}", ran.stderr);
    gate.open();
    daemon.says("run=2 outcome=\"done\"").await.expect("the run goes on");
    assert_eq!(stage.api().files().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_command_reports_that_the_daemon_is_stopping() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.setting("SHUTDOWN_TIMEOUT", "1");
    stage.api().order(Fault::new(FaultAction::Hang).operation("create").always());
    let mut daemon = stage.daemon();
    let hangs = |calls: &[mock_api::Call]| calls.iter().any(|call| call.state == mock_api::CallState::Hanging);
    daemon.lives_until(stage.api().wait_for_calls(hangs)).await.expect("a create hangs");
    let mut waiting = Process::of(stage.start(&["incremental-sync"]));
    waiting.says("the running daemon is asked for it").await.expect("it asks");
    stage.expect(&["health"], 0).await;
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
    let ran = waiting.end().await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("the daemon"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_means_another_bucket_or_file_manager_is_refused() {
    let mut stage = Stage::with(&["a.txt"]).await;
    let _daemon = stage.daemon_at_rest().await;
    let calls = stage.api().calls_in_all();
    stage.setting("CUSTOMER_S3_BUCKET", "other-bucket");
    let ran = stage.expect(&["initial-sync", "--adopt"], 2).await;
    ran.says(&["the running daemon works with the source", BUCKET, "other-bucket", "correct the settings"]);
    assert_eq!(stage.api().calls_in_all(), calls, "nothing was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_input_at_the_control_socket_disturbs_no_other_client() {
    let stage = Stage::with(&["a.txt"]).await;
    let _daemon = stage.daemon_at_rest().await;
    let long = "x".repeat(70_000);
    for (said, words) in [
        ("nonsense", "cannot be read"),
        (long.as_str(), "too long"),
        ("{\"request\":\"status\"}", "without a version"),
        ("{\"protocol\":99,\"request\":\"status\"}", "speaks version 2"),
        // A client of the previous version: its request named the file manager in a field that this daemon does not read.
        (
            "{\"protocol\":1,\"request\":\"run\",\"kind\":\"reconcile\",\"identity\":{\"file_manager\":\"http://other\"}}",
            "use the same program",
        ),
        ("{\"protocol\":2,\"request\":\"nonsense\"}", "an unknown request"),
    ] {
        // The daemon may close the connection before an overlong line was sent completely.
        let Ok(answer) = say(&stage, said).await else { continue };
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("one JSON document");
        assert!(answer["reply"] == "refused" && answer["message"].to_string().contains(words), "{said:.40}: {answer}");
    }
    stage.expect(&["health", "--json"], 0).await.prints(&["\"service_status\": \"healthy\""]);
}
