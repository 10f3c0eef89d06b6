//! The posted report always has every key of the contract, with its type; a refused report is an error.

use super::stage::Stage;
use mock_api::{CallName, Fault, FaultAction};
use serde_json::Value;

/// True if a value has the type that the key requires.
type Right = fn(&Value) -> bool;

/// The contract's keys with their types.
const KEYS: &[(&str, Right)] = &[
    ("/sync_type", |value| value == "initial"),
    ("/timestamp", |value| value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok())),
    ("/success", Value::is_boolean),
    ("/duration_seconds", Value::is_f64),
    ("/statistics/events_processed", Value::is_u64),
    ("/statistics/operations_processed", Value::is_u64),
    ("/statistics/operations_failed", Value::is_u64),
    ("/statistics/files_processed", Value::is_u64),
    ("/statistics/files_failed", Value::is_u64),
    ("/statistics/total_size", Value::is_u64),
    ("/event_counts/change_permission", Value::is_u64),
    ("/event_counts/delete", Value::is_u64),
    ("/event_counts/create", Value::is_u64),
    ("/event_counts/rename", Value::is_u64),
    ("/event_counts/move", Value::is_u64),
    ("/event_counts/errors", Value::is_u64),
    ("/errors", |value| value.as_array().is_some_and(|lines| lines.iter().all(Value::is_string))),
    ("/service_info/database_path", |value| value == "data/sync.db"),
    ("/service_info/customer_bucket", |value| value == "customer-bucket"),
    ("/service_info/record_count", Value::is_u64),
];

fn holds(report: &Value) {
    for (key, right) in KEYS {
        let value = report.pointer(key).unwrap_or_else(|| panic!("{key} is missing in {report}"));
        assert!(right(value), "{key} is {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_has_every_key_of_the_contract_after_success_failure_and_an_unreachable_endpoint() {
    let mut stage = Stage::with(&["a.txt", "bad.txt"]).await;
    stage.api().order(Fault::new(FaultAction::status(400)).operation("create").path("bad.txt").always());
    stage.expect(&["initial-sync"], 3).await;
    stage.api().clear_faults();
    stage.expect(&["initial-sync"], 0).await;
    stage.setting("CUSTOMER_S3_SECRET_KEY", "wrong");
    stage.expect(&["initial-sync"], 1).await;
    let reports = stage.api().reports();
    reports.iter().for_each(holds);
    let outcomes: Vec<_> =
        reports.iter().map(|report| (report["success"].clone(), report["statistics"]["operations_failed"].clone())).collect();
    assert_eq!(outcomes, [(false.into(), 1.into()), (true.into(), 0.into()), (false.into(), 0.into())]);
    assert_eq!((&reports[0]["statistics"]["total_size"], &reports[1]["statistics"]["total_size"]), (&16.into(), &18.into()));
    assert!(reports[0]["errors"][0].as_str().is_some_and(|line| line.contains("bad.txt")), "{}", reports[0]["errors"]);
    assert!(reports[2]["errors"][0].as_str().is_some_and(|line| line.starts_with("stopped: ListObjectsV2")), "{}", reports[2]["errors"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_report_is_an_error_of_the_run_and_the_exit_code_is_3() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.api().order(Fault::new(FaultAction::status(422)).call(CallName::ReportResults));
    let ran = stage.expect(&["initial-sync"], 3).await;
    ran.prints(&["1 created", "report    not accepted: reportResults", "422", "EVENTS_API_URL", "the next run posts its own"]);
    assert!(stage.api().reports().is_empty());
    let ran = stage.expect(&["initial-sync", "--json"], 0).await;
    assert_eq!(ran.json()["report_refused"], Value::Null);
    assert_eq!(stage.api().reports().len(), 1);
}
