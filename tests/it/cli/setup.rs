//! `setup`: creates what is missing, changes nothing that exists, and waits for endpoints that start late.

use super::stage::{BUCKET, SECRET_KEY, Stage, unreachable_address};
use mock_s3::MockS3;
use std::collections::BTreeSet;
use std::fs;

/// The calls that change something.
fn writes(server: &MockS3) -> Vec<String> {
    let all = server.requests().into_iter().map(|request| request.operation);
    all.filter(|operation| ["CreateBucket", "PutObject", "DeleteObject"].contains(&operation.as_str())).collect()
}

fn keys(stage: &Stage) -> BTreeSet<String> {
    stage.s3.server().objects(BUCKET).into_iter().map(|object| object.key).collect()
}

fn seed_directory(stage: &Stage) {
    fs::create_dir_all(stage.path("seed/deep/er")).expect("a directory");
    for (name, text) in [("seed/a.txt", "one"), ("seed/deep/er/100% +x.html", "<p>"), ("seed/empty", "")] {
        fs::write(stage.path(name), text).expect("a file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_creates_missing_buckets_fills_an_empty_one_and_a_second_run_changes_nothing() {
    let mut stage = Stage::set().await;
    seed_directory(&stage);
    stage.setting("CUSTOMER_S3_BUCKET", "another-bucket");
    let (endpoint, access_key) = (stage.s3.endpoint().to_owned(), stage.s3.server().options().access_key.clone());
    stage.setting("TARGET_S3_ENDPOINT", endpoint);
    stage.setting("TARGET_S3_ACCESS_KEY", access_key);
    stage.setting("TARGET_S3_SECRET_KEY", SECRET_KEY);
    stage.setting("TARGET_S3_BUCKET", "target-bucket");
    let arguments = ["setup", "--create-buckets", "--seed", "seed"];
    let ran = stage.expect(&arguments, 0).await;
    ran.prints(&[
        "created    bucket         another-bucket",
        "created    bucket         target-bucket",
        "3 objects from seed",
        "everything is set up",
    ]);
    let mut written = writes(stage.s3.server());
    written.sort();
    assert_eq!(written, ["CreateBucket", "CreateBucket", "PutObject", "PutObject", "PutObject"]);
    let objects = stage.s3.server().objects("another-bucket");
    let stored: Vec<_> = objects.iter().map(|object| (object.key.as_str(), object.size, object.content_type.as_str())).collect();
    let expected = [("a.txt", 3, "text/plain"), ("deep/er/100% +x.html", 3, "text/html"), ("empty", 0, "application/octet-stream")];
    assert_eq!(stored, expected);
    let ran = stage.expect(&arguments, 0).await;
    ran.prints(&["there      bucket         another-bucket", "left alone bucket         it is not empty"]);
    assert_eq!(writes(stage.s3.server()).len(), written.len(), "the second run wrote nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_flag_a_missing_bucket_is_named_and_not_created() {
    let mut stage = Stage::set().await;
    stage.setting("CUSTOMER_S3_BUCKET", "another-bucket");
    stage.expect(&["setup"], 1).await.says(&["there is no bucket another-bucket", "--create-buckets makes it"]);
    assert!(writes(stage.s3.server()).is_empty());
    stage.without("CUSTOMER_S3_BUCKET");
    stage.expect(&["setup"], 2).await.says(&["CUSTOMER_S3_BUCKET is missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_fills_no_bucket_that_holds_objects_and_reports_a_missing_directory_first() {
    let stage = Stage::with(&["theirs.txt"]).await;
    seed_directory(&stage);
    stage.expect(&["setup", "--seed", "seed"], 0).await.prints(&["left alone"]);
    assert_eq!(keys(&stage), BTreeSet::from(["theirs.txt".to_owned()]));
    stage.expect(&["setup", "--seed", "no-such-directory"], 1).await.says(&["--seed: no-such-directory"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_names_an_endpoint_that_stays_unreachable_with_a_hint() {
    for (name, value, words) in [
        ("CUSTOMER_S3_ENDPOINT", unreachable_address(), ["failed     S3", "check CUSTOMER_S3_ENDPOINT"]),
        ("CUSTOMER_S3_SECRET_KEY", "wrong".to_owned(), ["SignatureDoesNotMatch", "check CUSTOMER_S3_ACCESS_KEY"]),
        ("FILE_MANAGER_API_URL", unreachable_address(), ["failed     file manager", "check FILE_MANAGER_API_URL"]),
        ("EVENTS_API_URL", unreachable_address(), ["failed     events API", "not every endpoint is reachable"]),
    ] {
        let mut stage = Stage::set().await;
        stage.setting(name, value);
        stage.expect(&["setup", "--create-buckets", "--wait", "0"], 1).await.prints(&words);
        assert!(writes(stage.s3.server()).is_empty(), "{name}");
    }
    let mut stage = Stage::set().await;
    stage.setting("TARGET_S3_BUCKET", "target-bucket");
    stage.setting("TARGET_S3_ENDPOINT", unreachable_address());
    stage.setting("TARGET_S3_ACCESS_KEY", "x");
    stage.setting("TARGET_S3_SECRET_KEY", "x");
    stage.expect(&["setup", "--wait", "0"], 1).await.prints(&["failed     target S3", "check TARGET_S3_ENDPOINT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_waits_for_an_endpoint_that_starts_late() {
    let mut stage = Stage::set().await;
    let address = unreachable_address();
    stage.setting("FILE_MANAGER_API_URL", address.clone());
    let waiting = stage.start(&["setup", "--wait", "600"]);
    // It has probed the store, so it has found or will find the file manager unreachable.
    while stage.s3.server().counters().requests == 0 {
        tokio::task::yield_now().await;
    }
    let late = mock_api::MockApi::new(mock_api::Options { token: Some(super::stage::TOKEN.to_owned()), ..mock_api::Options::default() });
    let late = late.start(address.trim_start_matches("http://")).await.expect("the address is free");
    let ran = super::stage::ended(waiting).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.prints(&["everything is set up"]);
    late.stop().await;
}
