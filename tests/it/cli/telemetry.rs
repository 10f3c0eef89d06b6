//! What the real program sends to a collector and writes to a log file. A collector that is unreachable or hangs changes nothing
//! except for one line on stderr.

use super::collector::{Collector, Manner, attributes, points};
use super::stage::{Ran, SECRET_KEY, Stage, TOKEN, unreachable_address};
use mock_api::{Fault, FaultAction};
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use s3_sync::telemetry::names::{METRICS, SPANS};
use std::collections::{BTreeMap, BTreeSet};

/// A distinctive text, percent-encoded in the setting.
const COLLECTOR_TOKEN: &str = "Bearer otlp-Vx3Kq8";

impl Stage {
    fn exports_to(&mut self, url: &str) {
        self.setting("OTEL_EXPORTER_OTLP_ENDPOINT", url);
        self.setting("OTEL_EXPORTER_OTLP_HEADERS", COLLECTOR_TOKEN.replace(' ', "%20").replace("Bearer", "authorization=Bearer"));
    }
}

fn clean(what: &str, text: &[u8]) {
    for secret in [TOKEN, SECRET_KEY, "otlp-Vx3Kq8"] {
        let leaked = text.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!leaked, "{what} holds a secret: {}", String::from_utf8_lossy(text));
    }
}

/// The lines of stderr about the collector.
fn collector_lines(ran: &Ran) -> Vec<&str> {
    clean("stderr", ran.stderr.as_bytes());
    ran.stderr.lines().filter(|line| line.contains("collector=")).collect()
}

fn named<'a>(spans: &'a [(BTreeMap<String, String>, Span)], name: &str) -> Vec<&'a Span> {
    spans.iter().map(|(_, span)| span).filter(|span| span.name == name).collect()
}

fn labels(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| (*label).to_owned()).collect()
}

/// Exports a run with three uploaded files and a refused one.
async fn three_of_four(collector: &Collector) -> (Stage, Ran) {
    let mut stage = Stage::with(&["a.txt", "b\u{1b}.txt", "c.txt", "refused.txt"]).await;
    stage.api().order(Fault::new(FaultAction::status(400)).operation("create").path("refused.txt").always());
    stage.exports_to(&collector.url);
    let ran = stage.expect(&["initial-sync", "--log-level", "TRACE"], 3).await;
    assert_eq!(stage.api().files().len(), 3);
    (stage, ran)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_a_span_and_so_is_each_of_its_operations() {
    let collector = Collector::start(Manner::Takes).await;
    let (_, ran) = three_of_four(&collector).await;
    assert_eq!(collector_lines(&ran), [""; 0]);
    let spans = collector.spans();
    assert!(spans.iter().all(|(resource, _)| resource["service.name"] == "s3-sync"), "{spans:?}");
    let runs = named(&spans, "run");
    let [run] = runs.as_slice() else { panic!("one run: {runs:?}") };
    let of_run = attributes(&run.attributes);
    assert_eq!([&of_run["run_id"], &of_run["kind"], &of_run["outcome"]], ["1", "initial", "partial"]);
    let operations = named(&spans, "operation");
    assert!(operations.iter().all(|span| span.parent_span_id == run.span_id && span.trace_id == run.trace_id));
    let exported: BTreeMap<_, _> = operations
        .iter()
        .map(|span| {
            let of_operation = attributes(&span.attributes);
            let failed = span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
            (of_operation["key"].clone(), (of_operation["op"].clone(), of_operation["result"].clone(), failed))
        })
        .collect();
    let ended = |result: &str, failed| ("create".to_owned(), result.to_owned(), failed);
    let expected = [("a.txt", "done"), ("b\\u{1b}.txt", "done"), ("c.txt", "done"), ("refused.txt", "failed")];
    assert_eq!(exported, expected.map(|(key, result)| (key.to_owned(), ended(result, result == "failed"))).into());
    assert_eq!(operations.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counters_are_the_counts_of_the_report() {
    let collector = Collector::start(Manner::Takes).await;
    let (stage, _) = three_of_four(&collector).await;
    let (resource, metrics) = collector.metrics();
    assert_eq!(resource["service.name"], "s3-sync");
    let by_name: BTreeMap<_, _> = metrics.iter().map(|metric| (metric.name.as_str(), points(metric))).collect();
    let files = stage.api().files().len() as u64;
    let operations = [
        (labels(&["kind=create", "result=done", "sink=file_manager"]), files),
        (labels(&["kind=create", "result=failed", "sink=file_manager"]), 1),
    ];
    assert_eq!(by_name["s3_sync.operations"], operations.into());
    assert_eq!(by_name["s3_sync.cycle.duration"], [(labels(&["kind=initial", "outcome=partial"]), 1)].into());
    assert_eq!(by_name["s3_sync.pending"], [(labels(&["sink=file_manager"]), 1)].into());
    assert_eq!(by_name["s3_sync.dead_letters"], [(Vec::new(), 0)].into());
    assert_eq!(by_name["s3_sync.lag"], [(labels(&["sink=file_manager"]), 0)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exported_name_is_in_the_table() {
    let collector = Collector::start(Manner::Takes).await;
    let _ = three_of_four(&collector).await;
    for (_, span) in collector.spans() {
        let declared = SPANS.iter().find(|declared| declared.name == span.name).unwrap_or_else(|| panic!("{}", span.name));
        let fields: BTreeSet<_> = declared.fields.iter().map(|field| field.name).collect();
        let strangers: Vec<_> = span.attributes.iter().filter(|attribute| !fields.contains(attribute.key.as_str())).collect();
        assert!(strangers.is_empty(), "{}: {strangers:?}", span.name);
    }
    for metric in collector.metrics().1 {
        let declared = METRICS.iter().find(|declared| declared.name == metric.name).unwrap_or_else(|| panic!("{}", metric.name));
        assert_eq!((declared.unit, declared.doc), (metric.unit.as_str(), metric.description.as_str()));
        let names: BTreeSet<_> = declared.labels.iter().map(|label| label.name).collect();
        for label in points(&metric).into_keys().flatten() {
            assert!(names.contains(label.split('=').next().unwrap_or_default()), "{}: {label}", metric.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collectors_token_is_in_its_header_and_nowhere_else() {
    let collector = Collector::start(Manner::Takes).await;
    let (stage, ran) = three_of_four(&collector).await;
    clean("stderr", ran.stderr.as_bytes());
    clean("stdout", ran.stdout.as_bytes());
    let paths: BTreeSet<_> = collector.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths.iter().map(String::as_str).collect::<Vec<_>>(), ["/otlp/v1/metrics", "/otlp/v1/traces"]);
    for request in collector.requests().iter() {
        assert_eq!(request.headers.get("authorization").and_then(|value| value.to_str().ok()), Some(COLLECTOR_TOKEN));
        clean("a request's body", &request.body);
    }
    for path in stage.left_behind().keys() {
        clean(&path.display().to_string(), &std::fs::read(path).expect("readable"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backlog_is_reported_while_endpoints_are_unreachable_and_no_run_ends() {
    let collector = Collector::start(Manner::Takes).await;
    let mut stage = Stage::set().await;
    stage.setting("CUSTOMER_S3_BUCKET", "late-bucket");
    stage.exports_to(&collector.url);
    stage.setting("OTEL_METRIC_EXPORT_INTERVAL", "50");
    let mut daemon = stage.daemon();
    daemon.says("waiting for unreachable endpoints").await.expect("it waits");
    let arrived = tokio::time::timeout(std::time::Duration::from_secs(20), collector.until_metrics_arrive(3)).await;
    arrived.expect("metrics come while nothing runs");
    let names: BTreeSet<_> = collector.metrics().1.into_iter().map(|metric| metric.name).collect();
    assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), ["s3_sync.dead_letters", "s3_sync.lag", "s3_sync.pending"]);
    daemon.signal("TERM").await;
    assert_eq!(daemon.end().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_receives_nothing_when_telemetry_is_switched_off() {
    let collector = Collector::start(Manner::Takes).await;
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.exports_to(&collector.url);
    stage.setting("OTEL_SDK_DISABLED", "true");
    stage.expect(&["initial-sync"], 0).await;
    assert_eq!((collector.requests().len(), stage.api().files().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_delays_the_end_by_seconds_and_is_reported_once() {
    let collector = Collector::start(Manner::Hangs).await;
    let mut stage = Stage::with(&["a.txt", "b.txt", "c.txt"]).await;
    stage.exports_to(&collector.url);
    // Nothing is exported before the end, on any machine.
    stage.setting("OTEL_BSP_SCHEDULE_DELAY", "600000");
    let ran = tokio::time::timeout(std::time::Duration::from_mins(1), stage.expect(&["initial-sync"], 0)).await;
    let ran = ran.expect("no run waits for a collector that never answers");
    // No answer came, and the process ended before each request had timed out.
    let lines = collector_lines(&ran);
    assert!(matches!(lines.as_slice(), [line] if line.contains("in time") && line.contains("after_secs=3")), "{lines:?}");
    assert_eq!((collector.requests().len(), stage.api().files().len()), (2, 3), "one request of each signal was under way");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_above_the_limit_are_dropped_and_their_number_is_reported() {
    let collector = Collector::start(Manner::Hangs).await;
    let keys: Vec<_> = (0..20).map(|number| format!("{number}.txt")).collect();
    let mut stage = Stage::with(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    stage.exports_to(&collector.url);
    stage.setting("OTEL_BSP_MAX_QUEUE_SIZE", "1");
    stage.setting("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1");
    let ran = stage.expect(&["initial-sync"], 0).await;
    ran.says(&["dropped a Span due to queue full"]);
    assert_eq!(stage.api().files().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_unreachable_or_refuses_causes_one_warning() {
    for manner in [None, Some(Manner::Refuses(401))] {
        let collector = Collector::start(manner.unwrap_or(Manner::Takes)).await;
        let mut stage = Stage::with(&["a.txt", "b.txt", "c.txt"]).await;
        stage.exports_to(&if manner.is_some() { collector.url.clone() } else { unreachable_address() });
        stage.setting("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1");
        let ran = stage.expect(&["initial-sync"], 0).await;
        let lines = collector_lines(&ran);
        assert!(
            matches!(lines.as_slice(), [line] if line.contains("WARN") && line.contains("accepts no telemetry")),
            "{manner:?}: {ran:?}"
        );
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_file_holds_the_lines_of_stderr_and_is_private() {
    for format in ["text", "json"] {
        let mut stage = Stage::with(&["refused.txt"]).await;
        stage.api().order(Fault::new(FaultAction::status(400)).operation("create").path("refused.txt").always());
        stage.setting("LOG_FILE", stage.path("s3-sync.log").display().to_string());
        let first = stage.expect(&["initial-sync", "--log-format", format, "--log-level", "DEBUG"], 3).await;
        let second = stage.expect(&["initial-sync", "--log-format", format], 3).await;
        let log = std::fs::read_to_string(stage.path("s3-sync.log")).expect("it was written");
        assert_eq!(log.lines().count(), (first.stderr + &second.stderr).lines().count(), "{log}");
        let line = log.lines().find(|line| line.contains("operation failed")).expect("it is logged");
        if format == "json" {
            let line: serde_json::Value = serde_json::from_str(line).expect("an object");
            let span = &line["span"];
            assert_eq!([&span["name"], &span["key"], &span["op"]], ["operation", "refused.txt", "create"]);
            assert_eq!((&line["spans"][0]["name"], &line["spans"][0]["run_id"]), (&"run".into(), &1.into()));
        } else {
            assert_eq!(line.matches("op=create").count(), 1, "{line}");
            assert!(line.contains("run_id=1") && !line.contains('\u{1b}'), "{line}");
        }
        assert_eq!(stage.left_behind()[&stage.path("s3-sync.log")], 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_file_that_cannot_be_opened_is_reported_before_anything_is_touched() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.setting("LOG_FILE", stage.path("none/s3-sync.log").display().to_string());
    stage.expect(&["initial-sync"], 2).await.says(&["LOG_FILE", "none/s3-sync.log", "No such file", "an existing directory"]);
    assert!(stage.left_behind().is_empty());
}
