//! `test`: names each unreachable endpoint with a hint, exits with 1, and changes nothing.

use super::stage::{BUCKET, Stage, unreachable_address};
use mock_api::{CallName, Fault, FaultAction};
use s3_sync::state::InstanceLock;
use serde_json::json;

/// Asserts that a test of the endpoints only read.
fn nothing_changed(stage: &Stage) {
    let reads = ["HeadBucket", "ListObjectsV2", "HeadObject", "GetObject"];
    let asked = stage.s3.server().requests();
    assert!(asked.iter().all(|request| reads.contains(&request.operation.as_str())), "{asked:?}");
    let asked = [CallName::Health, CallName::UpdatePermissions];
    assert!(stage.api().calls().iter().all(|call| asked.contains(&call.call) && !call.effect), "{:?}", stage.api().calls());
    assert_eq!(stage.api().effects().total, 0);
    let left = stage.left_behind();
    assert!(left.keys().all(|path| path.ends_with("a-file")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_reports_that_every_endpoint_is_reachable_and_leaves_no_trace() {
    let stage = Stage::with(&["a.txt"]).await;
    let ran = stage.expect(&["test"], 0).await;
    ran.prints(&[
        "ok       configuration",
        "skipped  database",
        "ok       S3",
        "ok       file manager",
        "ok       events API",
        "skipped  cycle",
        "skipped  CSV export",
        "skipped  state = bucket no initial sync has completed yet",
        "nothing failed",
    ]);
    assert!(!stage.path("data").exists());
    nothing_changed(&stage);
    let ran = stage.expect(&["test", "--json"], 0).await;
    assert_eq!(ran.json()["success"], true);
    let addresses = [stage.s3.server().counters().requests, stage.api().calls_in_all()];
    assert!(addresses.iter().all(|count| *count > 0), "the endpoints were tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_names_each_unreachable_endpoint_with_a_hint() {
    for (name, value, endpoint, words) in [
        ("CUSTOMER_S3_BUCKET", String::new(), "S3", ["CUSTOMER_S3_BUCKET is not set", "-> set it to"]),
        ("CUSTOMER_S3_BUCKET", "no-such-bucket".to_owned(), "S3", ["NoSuchBucket", "-> create the bucket, or correct CUSTOMER_S3_BUCKET"]),
        ("CUSTOMER_S3_SECRET_KEY", "wrong".to_owned(), "S3", ["SignatureDoesNotMatch", "-> check CUSTOMER_S3_ACCESS_KEY"]),
        ("CUSTOMER_S3_ENDPOINT", unreachable_address(), "S3", ["refused", "-> check CUSTOMER_S3_ENDPOINT"]),
        (
            "FILE_MANAGER_API_URL",
            String::new(),
            "file manager",
            ["FILE_MANAGER_API_URL or LOCAL_DOWNLOAD_DIR is not set", "-> set one of them"],
        ),
        ("FILE_MANAGER_API_URL", unreachable_address(), "file manager", ["refused", "-> check FILE_MANAGER_API_URL"]),
        ("FILE_MANAGER_API_TOKEN", "wrong".to_owned(), "file manager", ["401", "-> check FILE_MANAGER_API_TOKEN"]),
        ("EVENTS_API_URL", unreachable_address(), "events API", ["refused", "EVENTS_API_URL"]),
        ("DATABASE_PATH", "a-file/sync.db".to_owned(), "database", ["a-file/sync.db", "-> check DATABASE_PATH"]),
        ("DATABASE_PATH", "/proc".to_owned(), "database", ["not a file", "-> check DATABASE_PATH"]),
    ] {
        let mut stage = Stage::with(&["a.txt"]).await;
        std::fs::write(stage.path("a-file"), "not a directory").expect("written");
        stage.setting(name, value.clone());
        let ran = stage.expect(&["test"], 1).await;
        ran.prints(&[&format!("failed   {endpoint}"), "something failed"]);
        ran.prints(&words);
        let report = stage.expect(&["test", "--json"], 1).await.json();
        let failed: Vec<_> = report["checks"].as_array().expect("a list").iter().filter(|check| check["result"] == "failed").collect();
        assert!(failed.iter().any(|check| check["door"] == endpoint && check["hint"].is_string()), "{name}={value}: {report}");
        assert_eq!(report["success"], false);
        nothing_changed(&stage);
    }
}

/// The error named neither the host that was called nor the setting.
#[tokio::test(flavor = "multi_thread")]
async fn the_host_name_of_a_bucket_that_is_not_reachable_is_named_with_its_setting() {
    let mut stage = Stage::set().await;
    stage.setting("CUSTOMER_S3_ENDPOINT", unreachable_address().replace("127.0.0.1", "localhost"));
    stage.setting("CUSTOMER_S3_ADDRESSING", "virtual");
    let ran = stage.expect(&["test"], 1).await;
    ran.prints(&["failed   S3 ", "customer-bucket.localhost:", "CUSTOMER_S3_ADDRESSING=virtual", "-> check CUSTOMER_S3_ENDPOINT"]);
    // The hint of a store that demands it names what else it needs.
    let mut stage = Stage::with(&["a.txt"]).await;
    let refused = mock_s3::Fault::error(403, "SecondLevelDomainForbidden");
    stage.s3.server().order(mock_s3::Matcher::operation("ListObjectsV2"), refused.clone());
    stage.s3.server().order(mock_s3::Matcher::operation("HeadBucket"), refused);
    let ran = stage.expect(&["test"], 1).await;
    ran.prints(&["-> set CUSTOMER_S3_ADDRESSING=virtual, and CUSTOMER_S3_ENDPOINT to the store's host name, not an IP address"]);
    stage.setting("CUSTOMER_S3_ADDRESSING", "virtual");
    stage.expect(&["test"], 2).await.says(&["no bucket has a host name below an IP address"]);
}

/// Files that were skipped or failed earlier were not mentioned: `test` said that state and bucket are the same.
#[tokio::test(flavor = "multi_thread")]
async fn test_counts_what_waits_and_what_is_skipped_and_names_the_command_that_says_why() {
    const POINTER: &str = "(`s3-sync status` tells what waits, and why)";
    let stage = Stage::with(&["a.txt", "b.txt", "c.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    stage.expect(&["test"], 0).await.prints(&["ok       database       file_manager: 3 files confirmed, 0 to do\n"]);
    stage.put("d.txt", "d");
    stage.s3.server().order(mock_s3::Matcher::operation("GetObject").key("d.txt"), mock_s3::Fault::no_such_key());
    stage.s3.server().order(mock_s3::Matcher::operation("HeadObject").key("d.txt"), mock_s3::Fault::no_such_key());
    stage.expect(&["reconcile"], 0).await;
    let ran = stage.run(&["test"]).await;
    ran.prints(&[&format!("ok       database       file_manager: 3 files confirmed, 0 to do, 1 skipped {POINTER}\n")]);
    stage.expect(&["reconcile"], 3).await;
    let ran = stage.run(&["test"]).await;
    ran.prints(&["ok       database       file_manager: 3 files confirmed", POINTER]);
}

/// Another server at the address may answer `/` and accept every client.
#[tokio::test(flavor = "multi_thread")]
async fn test_fails_for_a_server_that_answers_and_is_no_file_manager() {
    let stage = Stage::with(&["a.txt"]).await;
    let page = FaultAction::Answer { status: 200, retry_after_secs: None, body: Some("<html>welcome</html>".to_owned()) };
    let no_detail = FaultAction::Answer { status: 404, retry_after_secs: None, body: Some("<html>404</html>".to_owned()) };
    for (action, words) in [
        (page, ["updatePermissions get", "is this a file manager?"]),
        (no_detail, ["answered 404", "-> check FILE_MANAGER_API_URL"]),
        (FaultAction::status(401), ["answered 401", "-> check FILE_MANAGER_API_TOKEN"]),
        (FaultAction::status(403), ["answered 403", "and FILE_MANAGER_API_URL"]),
    ] {
        stage.api().order(Fault::new(action).call(CallName::UpdatePermissions).always());
        stage.expect(&["test"], 1).await.prints(&[&["failed   file manager"][..], &words].concat());
        stage.api().clear_faults();
    }
    // A file manager without permissions for unknown files is accepted, too.
    let unknown = FaultAction::Answer { status: 404, retry_after_secs: None, body: Some(r#"{"detail":"File not found"}"#.to_owned()) };
    stage.api().order(Fault::new(unknown).call(CallName::UpdatePermissions).always());
    stage.expect(&["test"], 0).await.prints(&["ok       file manager"]);
}

/// A full disk accepts a file name but no content. Simulated by a limit on the size of files.
#[tokio::test(flavor = "multi_thread")]
async fn test_fails_for_a_database_on_a_full_disk() {
    let stage = Stage::with(&["a.txt"]).await;
    let plain = stage.command(&["test"]);
    let plain = plain.as_std();
    let mut command = tokio::process::Command::new("/bin/sh");
    // Otherwise the signal of that limit would end the program.
    command.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" test", env!("CARGO_BIN_EXE_s3-sync")]);
    command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.current_dir(plain.get_current_dir().expect("a directory")).output().await.expect("a shell");
    let printed = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("failed   database") && printed.contains("takes no new file of 64 KiB"), "{printed}");
    assert!(printed.contains("-> check DATABASE_PATH, the space there"), "{printed}");
    assert!(stage.left_behind().is_empty(), "{:?}", stage.left_behind());
}

#[tokio::test(flavor = "multi_thread")]
async fn test_checks_the_permission_to_read_objects() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.s3.server().order(mock_s3::Matcher::operation("HeadObject"), mock_s3::Fault::access_denied());
    stage.expect(&["test"], 1).await.prints(&["failed   S3", "s3:GetObject"]);
    stage.s3.server().clear_faults();
    stage.s3.server().remove(BUCKET, "a.txt");
    stage.expect(&["test"], 0).await.prints(&["shows no object", "whether its objects can be read is not known"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_sends_a_cycle_of_events_and_compares_the_state_with_the_bucket() {
    let stage = Stage::with(&["a.txt", "b.txt"]).await;
    stage.put("directory/", "");
    stage.expect(&["initial-sync"], 0).await;
    stage.put("c.txt", "c");
    stage.api().set_feed(vec![json!({ "event_type": "create", "file_path": "/c.txt" })]);
    let ran = stage.expect(&["test"], 0).await;
    ran.prints(&["ok       cycle          run 2: in sync; events 1, operations 1", "ok       CSV export     3 rows"]);
    ran.prints(&["ok       state = bucket 3 keys compared, and all the same", "nothing failed"]);
    assert_eq!(stage.api().effects().of("c.txt", "create"), 1);

    // A running daemon runs the cycle. Changes that no event reported are found, and reported with a hint.
    stage.put("a.txt", "other");
    stage.put("d.txt", "d");
    stage.s3.server().remove(BUCKET, "b.txt");
    let mut daemon = stage.daemon();
    daemon.says("run=3 outcome=\"done\"").await.expect("its first cycle");
    let ran = stage.expect(&["test"], 1).await;
    ran.says(&["the running daemon is asked for it"]);
    ran.prints(&["ok       cycle          run 4: in sync; nothing was new, and nothing was due"]);
    ran.prints(&["failed   state = bucket 4 keys compared: 1 not known yet, for example d.txt; 1 of other content, for example a.txt; "]);
    ran.prints(&["1 no longer there, for example b.txt", "`s3-sync reconcile` heals it", "something failed"]);
    stage.expect(&["reconcile"], 0).await;
    stage.expect(&["test"], 0).await.prints(&["ok       state = bucket 3 keys compared, and all the same"]);
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));

    // The command does not wait for another command, and reports what a cycle could not do.
    let held = InstanceLock::take(&stage.path("data/sync.db"), "another-writer").expect("free");
    stage.expect(&["test"], 0).await.prints(&["skipped  cycle", "in use by", "another-writer"]);
    drop(held);
    stage.api().order(Fault::new(FaultAction::status(400)).operation("update").path("a.txt").always());
    stage.put("a.txt", "yet other");
    stage.expect(&["reconcile"], 3).await;
    let ran = stage.expect(&["test"], 1).await;
    ran.prints(&["failed   cycle          run 8 left something undone", "-> `s3-sync status` tells what waits, and why"]);
}
