//! `initial-sync`: its output on both streams, and the exit code of each outcome.

use super::stage::{BUCKET, Stage, ended, unreachable_address};
use mock_api::{Fault, FaultAction};
use mock_s3::{Fault as S3Fault, Gate, Matcher};

#[tokio::test(flavor = "multi_thread")]
async fn an_initial_sync_sends_the_bucket_and_summarises_it_in_good_english() {
    let stage = Stage::with(&["a.txt"]).await;
    let ran = stage.expect(&["initial-sync"], 0).await;
    ran.prints(&["initial sync, run 1: in sync", "1 file, 16 B (1 page)", "1 created", "total     1 file confirmed"]);
    assert!(!ran.stdout.contains("marker") && ran.stderr.is_empty(), "{ran:?}");
    stage.put("b.txt", "b");
    stage.put("folder/", "");
    let ran = stage.expect(&["initial-sync"], 0).await;
    ran.prints(&["2 files, ", "1 directory marker is no file", "1 created, 0 updated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_one_document_on_stdout_and_logs_are_json_on_stderr() {
    let stage = Stage::with(&["a.txt", "b.txt"]).await;
    let ran = stage.expect(&["initial-sync", "--json", "--log-format", "json", "--log-level", "TRACE"], 0).await;
    assert_eq!((&ran.json()["success"], &ran.json()["operations"]["create"]), (&true.into(), &2.into()));
    assert!(ran.stderr.lines().count() > 2, "{ran:?}");
    for line in ran.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string() && line["message"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_fails_is_reported_with_reason_and_hint_and_the_exit_code_is_3() {
    let stage = Stage::with(&["bad.txt", "good.txt"]).await;
    stage.api().order(Fault::new(FaultAction::status(400)).operation("create").path("bad.txt").always());
    let ran = stage.expect(&["initial-sync"], 3).await;
    ran.prints(&[
        "NOT in sync yet",
        "1 created",
        "failed    1 file_manager_400",
        "bad.txt",
        "-> the file manager refuses",
        "1 failed operation, next attempt 20",
    ]);
    assert_eq!(stage.api().files().len(), 1);
    stage.api().clear_faults();
    stage.expect(&["initial-sync"], 0).await.prints(&["in sync", "1 created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_stays_unreachable_is_named_with_a_hint_and_the_exit_code_is_1() {
    for (name, value, words) in [
        (
            "CUSTOMER_S3_BUCKET",
            "no-such-bucket".to_owned(),
            ["no-such-bucket", "NoSuchBucket", "create the bucket, or correct CUSTOMER_S3_BUCKET"],
        ),
        ("CUSTOMER_S3_SECRET_KEY", "wrong".to_owned(), [BUCKET, "SignatureDoesNotMatch", "check CUSTOMER_S3_ACCESS_KEY"]),
        ("CUSTOMER_S3_ENDPOINT", unreachable_address(), [BUCKET, "refused", "check CUSTOMER_S3_ENDPOINT"]),
        ("FILE_MANAGER_API_URL", unreachable_address(), ["stopped: ", "refused", "check FILE_MANAGER_API_URL"]),
        ("FILE_MANAGER_API_TOKEN", "wrong".to_owned(), ["stopped: ", "401", "check FILE_MANAGER_API_TOKEN"]),
    ] {
        let mut stage = Stage::with(&["a.txt"]).await;
        stage.setting(name, value);
        let ran = stage.expect(&["initial-sync"], 1).await;
        ran.prints(&["NOT in sync yet"]);
        ran.prints(&words);
        assert!(stage.api().files().is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_that_the_guard_holds_are_reported_with_the_flag_that_sends_them_and_the_exit_code_is_5() {
    let keys: Vec<String> = (0..12).map(|number| format!("{number}.txt")).collect();
    let stage = Stage::with(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    stage.expect(&["initial-sync"], 0).await;
    for key in keys.iter().skip(1) {
        stage.s3.server().remove(BUCKET, key);
    }
    stage.expect(&["initial-sync"], 5).await.prints(&["NOT in sync", "11 deletes: --allow-deletes 11 sends them"]);
    assert_eq!(stage.api().files().len(), 12);
    stage.expect(&["initial-sync", "--allow-deletes", "11"], 0).await.prints(&["11 deleted"]);
    assert_eq!(stage.api().files().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_initial_sync_names_the_holder_of_the_database_and_files_are_private_meanwhile() {
    let stage = Stage::with(&["a.txt"]).await;
    let gate = Gate::new();
    stage.s3.server().order(Matcher::operation("GetObject"), S3Fault::Hold(gate.clone()));
    let first = stage.start(&["initial-sync"]);
    let process = first.id().expect("it runs").to_string();
    gate.arrived(1).await;
    let calls = stage.s3.server().counters().requests;
    stage.expect(&["initial-sync"], 4).await.says(&["in use by process", &process, "s3-sync initial-sync"]);
    assert_eq!(stage.s3.server().counters().requests, calls, "the loser calls no endpoint");
    let files = stage.left_behind();
    for ending in ["sync.db", "sync.db-wal", "sync.db-shm", "sync.db.lock", "_r1.csv"] {
        assert!(files.keys().any(|path| path.to_string_lossy().ends_with(ending)), "{ending}: {files:?}");
    }
    assert!(files.values().all(|mode| *mode == 0o600), "{files:?}");
    gate.open();
    assert_eq!(ended(first).await.code, Some(0));
    assert!(stage.left_behind().values().all(|mode| *mode == 0o600));
}
