//! The table of `test`: what the store does and does not do, by what the bucket's objects can show. Each row has its answers here.

mod listings;
mod objects;

use super::stage::{Ran, Stage};
use mock_s3::{Fault, Matcher, OddListing};
use serde_json::Value;

/// Keys that show everything a bucket can show but an upload in parts.
const TELLING: [&str; 6] = ["a b+c.txt", "a.txt", "a/b.txt", "k1.txt", "k2.txt", "k3.txt"];
/// Keys whose order and spelling show nothing.
const PLAIN: [&str; 5] = ["k0.txt", "k1.txt", "k2.txt", "k3.txt", "k4.txt"];

/// A row as it is expected: its answer, and parts of its message and of its hint.
type Expected = (&'static str, &'static str, &'static str, &'static str);

/// The row of this name.
fn row(report: &Value, name: &str) -> Value {
    let rows = report["probe"]["rows"].as_array().unwrap_or_else(|| panic!("no probe: {report}"));
    rows.iter().find(|row| row["name"] == name).cloned().unwrap_or_else(|| panic!("no row {name}: {report}"))
}

async fn probed(stage: &Stage, code: i32) -> Value {
    let before = stage.s3.server().requests().len();
    let report = stage.expect(&["test", "--json"], code).await.json();
    let requests = &stage.s3.server().requests()[before..];
    let reads = ["HeadBucket", "ListObjectsV2", "HeadObject", "GetObject"];
    assert!(requests.iter().all(|request| reads.contains(&request.operation.as_str())), "{requests:?}");
    let counted = report["probe"]["requests"].as_u64().expect("a number");
    // The others are the check of the bucket.
    let others = requests.len() as u64 - counted;
    assert!(counted <= 40 && (2..=4).contains(&others), "{counted} of {}", requests.len());
    report
}

/// One `test` of a bucket with these keys, and rows of its table.
async fn check(keys: &[&str], arrange: impl FnOnce(&mut Stage), code: i32, expected: &[Expected]) {
    let mut stage = Stage::with(keys).await;
    arrange(&mut stage);
    let report = probed(&stage, code).await;
    for (name, answer, message, hint) in expected {
        let row = row(&report, name);
        assert_eq!(row["answer"], *answer, "{row}: {report:#}");
        assert!(row["message"].as_str().is_some_and(|text| text.contains(message)), "{message:?} in {row}");
        assert_eq!(row["hint"].is_null(), hint.is_empty(), "{row}");
        assert!(row["hint"].as_str().unwrap_or_default().contains(hint), "{hint:?} in {row}");
    }
    assert_eq!(report["success"], code == 0, "{report:#}");
}

fn order(stage: &Stage, operation: &str, fault: Fault) {
    stage.s3.server().order(Matcher::operation(operation), fault);
}

fn listing(odd: OddListing) -> impl FnOnce(&mut Stage) {
    move |stage| order(stage, "ListObjectsV2", Fault::Listing(odd))
}

fn edit(find: &'static str, replace: &'static str) -> impl FnOnce(&mut Stage) {
    move |stage| order(stage, "ListObjectsV2", Fault::edit(find, replace))
}

fn get(fault: Fault) -> impl FnOnce(&mut Stage) {
    move |stage| order(stage, "GetObject", fault)
}

fn head(fault: Fault) -> impl FnOnce(&mut Stage) {
    move |stage| order(stage, "HeadObject", fault)
}

fn nothing(_: &mut Stage) {}

/// As `check`, for one row of a sync that can run, whatever its hint is.
async fn check_answer(keys: &[&str], arrange: impl FnOnce(&mut Stage), (name, answer, message, _): Expected) {
    let mut stage = Stage::with(keys).await;
    arrange(&mut stage);
    let row = row(&probed(&stage, 0).await, name);
    assert_eq!(row["answer"], answer, "{row}");
    assert!(row["message"].as_str().is_some_and(|text| text.contains(message)), "{message:?} in {row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_says_what_a_store_does_that_lacks_nothing() {
    let mut stage = Stage::with(&TELLING).await;
    stage.put("z.txt", "z");
    let Ran { stdout, .. } = stage.expect(&["test"], 0).await;
    let table = stdout.split_once("\nwhat the store does").expect("a table").1;
    insta::with_settings!({ filters => vec![(r"127\.0\.0\.1:\d+", "ADDRESS")] }, {
        insta::assert_snapshot!(table);
    });
    stage.setting("CUSTOMER_S3_ADDRESSING", "path");
    let report = probed(&stage, 0).await;
    assert_eq!(row(&report, "addressing")["message"], "path: HOST/customer-bucket/KEY works (CUSTOMER_S3_ADDRESSING=path)");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_bucket_shows_nothing_and_a_sync_can_run() {
    let report = probed(&Stage::set().await, 0).await;
    let rows = report["probe"]["rows"].as_array().expect("rows");
    let seen: Vec<_> = rows.iter().filter(|row| row["answer"] != "not_seen").map(|row| &row["name"]).collect();
    assert_eq!(seen, ["tls", "addressing", "first_page", "truncation_flag", "missing_key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_listed_is_not_probed() {
    let stage = Stage::with(&PLAIN).await;
    order(&stage, "ListObjectsV2", Fault::access_denied());
    assert!(stage.expect(&["test", "--json"], 1).await.json()["probe"].is_null());
}

/// What stops a sync ends with 1 and is no reason to run a cycle.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_which_no_sync_can_run_fails_the_test() {
    let stage = Stage::with(&PLAIN).await;
    stage.expect(&["initial-sync"], 0).await;
    order(&stage, "GetObject", Fault::WrongByte(0));
    let ran = stage.expect(&["test"], 1).await;
    ran.prints(&[
        "ok       S3 ",
        "skipped  cycle          no sync can run with this store",
        "failed   checksum           k0.txt announces",
        "something failed",
    ]);
    stage.s3.server().clear_faults();
    stage.expect(&["test"], 0).await.prints(&["ok       cycle", "nothing failed: every required endpoint is reachable, a sync can run"]);
}
