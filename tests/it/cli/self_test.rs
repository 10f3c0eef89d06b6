//! `test`: each shut door is named with what to do, the code is 1, and nothing is changed anywhere.

use super::stage::{BUCKET, Stage, nobody};

/// That a test of the doors looked and did nothing else.
fn nothing_changed(stage: &Stage) {
    let looks = ["HeadBucket", "ListObjectsV2", "HeadObject"];
    let asked = stage.s3.server().requests();
    assert!(asked.iter().all(|request| looks.contains(&request.operation.as_str())), "{asked:?}");
    assert!(stage.api().calls().iter().all(|call| call.call == mock_api::CallName::Health && !call.effect), "{:?}", stage.api().calls());
    assert_eq!(stage.api().effects().total, 0);
    let left = stage.left_behind();
    assert!(left.keys().all(|path| path.ends_with("a-file")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_every_door_open_it_says_so_and_leaves_no_trace() {
    let stage = Stage::with(&["a.txt"]).await;
    let ran = stage.expect(&["test"], 0).await;
    ran.prints(&[
        "ok       configuration",
        "skipped  database",
        "ok       S3",
        "ok       file manager",
        "ok       events API",
        "initial-sync can run",
    ]);
    assert!(!stage.path("data").exists());
    nothing_changed(&stage);
    let ran = stage.expect(&["test", "--json"], 0).await;
    assert_eq!(ran.json()["success"], true);
    let addresses = [stage.s3.server().counters().requests, stage.api().calls_in_all()];
    assert!(addresses.iter().all(|count| *count > 0), "the doors were tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_shut_door_is_named_with_what_to_do() {
    for (name, value, door, words) in [
        ("CUSTOMER_S3_BUCKET", String::new(), "S3", ["CUSTOMER_S3_BUCKET is not set", "-> set it to"]),
        ("CUSTOMER_S3_BUCKET", "no-such-bucket".to_owned(), "S3", ["NoSuchBucket", "-> create the bucket, or correct CUSTOMER_S3_BUCKET"]),
        ("CUSTOMER_S3_SECRET_KEY", "wrong".to_owned(), "S3", ["SignatureDoesNotMatch", "-> check CUSTOMER_S3_ACCESS_KEY"]),
        ("CUSTOMER_S3_ENDPOINT", nobody(), "S3", ["refused", "-> check CUSTOMER_S3_ENDPOINT"]),
        ("FILE_MANAGER_API_URL", String::new(), "file manager", ["FILE_MANAGER_API_URL is not set", "-> set it to"]),
        ("FILE_MANAGER_API_URL", nobody(), "file manager", ["refused", "-> check FILE_MANAGER_API_URL"]),
        ("FILE_MANAGER_API_TOKEN", "wrong".to_owned(), "file manager", ["401", "-> check FILE_MANAGER_API_TOKEN"]),
        ("EVENTS_API_URL", nobody(), "events API", ["refused", "EVENTS_API_URL"]),
        ("DATABASE_PATH", "a-file/sync.db".to_owned(), "database", ["a-file/sync.db", "-> check DATABASE_PATH"]),
        ("DATABASE_PATH", "/proc".to_owned(), "database", ["not a file", "-> check DATABASE_PATH"]),
    ] {
        let mut stage = Stage::with(&["a.txt"]).await;
        std::fs::write(stage.path("a-file"), "not a directory").expect("written");
        stage.setting(name, value.clone());
        let ran = stage.expect(&["test"], 1).await;
        ran.prints(&[&format!("failed   {door}"), "not every door opens"]);
        ran.prints(&words);
        let report = stage.expect(&["test", "--json"], 1).await.json();
        let failed: Vec<_> = report["checks"].as_array().expect("a list").iter().filter(|check| check["result"] == "failed").collect();
        assert!(failed.iter().any(|check| check["door"] == door && check["hint"].is_string()), "{name}={value}: {report}");
        assert_eq!(report["success"], false);
        nothing_changed(&stage);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_to_read_objects_is_tried_too() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.s3.server().order(mock_s3::Matcher::operation("HeadObject"), mock_s3::Fault::access_denied());
    stage.expect(&["test"], 1).await.prints(&["failed   S3", "s3:GetObject"]);
    stage.s3.server().clear_faults();
    stage.s3.server().remove(BUCKET, "a.txt");
    stage.expect(&["test"], 0).await.prints(&["shows no object", "whether its objects can be read is not known"]);
}
