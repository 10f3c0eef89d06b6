//! A collector that speaks OTLP over HTTP: it decodes requests, and answers, refuses or hangs as a test orders.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data, number_data_point::Value as Number};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// What the collector does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Takes,
    /// Answers with this status and repeats the request's headers.
    Refuses(u16),
    Hangs,
}

/// A collector that serves until it is dropped.
pub(crate) struct Collector {
    pub(crate) url: String,
    inner: Arc<Inner>,
    server: tokio::task::JoinHandle<()>,
}

struct Inner {
    manner: Manner,
    requests: Mutex<Vec<Request>>,
    /// Changes with each further request.
    arrivals: watch::Sender<()>,
}

/// The request as received.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Collector {
    pub(crate) async fn start(manner: Manner) -> Self {
        let inner = Arc::new(Inner { manner, requests: Mutex::default(), arrivals: watch::Sender::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/otlp", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(take).with_state(inner.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, inner, server }
    }

    pub(crate) fn requests(&self) -> std::sync::MutexGuard<'_, Vec<Request>> {
        self.inner.requests.lock().expect("no test panics while it reads")
    }

    /// Waits for an export with this many metrics, because an export may happen between the recording of two of them.
    pub(crate) async fn until_metrics_arrive(&self, metrics: usize) {
        let mut arrivals = self.inner.arrivals.subscribe();
        let has_arrived = || self.requests().iter().any(|request| request.path == "/otlp/v1/metrics");
        while !has_arrived() || self.metrics().1.len() < metrics {
            arrivals.changed().await.expect("it is ours");
        }
    }

    /// Every span, with the attributes of its resource.
    pub(crate) fn spans(&self) -> Vec<(BTreeMap<String, String>, Span)> {
        let requests = self.requests();
        let bodies = requests.iter().filter(|request| request.path == "/otlp/v1/traces").map(|request| request.body.clone());
        let resources = bodies.flat_map(|body| ExportTraceServiceRequest::decode(body).expect("it is a batch of spans").resource_spans);
        let spans = resources.flat_map(|resource| {
            let from = attributes(&resource.resource.expect("a resource").attributes);
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.map(move |span| (from.clone(), span)).collect::<Vec<_>>()
        });
        spans.collect()
    }

    /// The last exported metrics, with the attributes of their resource.
    pub(crate) fn metrics(&self) -> (BTreeMap<String, String>, Vec<Metric>) {
        let requests = self.requests();
        let last = requests.iter().rfind(|request| request.path == "/otlp/v1/metrics").expect("metrics came");
        let decoded = ExportMetricsServiceRequest::decode(last.body.clone()).expect("it is a batch of metrics");
        let resource = decoded.resource_metrics.into_iter().next().expect("a resource");
        let from = attributes(&resource.resource.expect("a resource").attributes);
        (from, resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics).collect())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let repeated = format!("{headers:?}");
    inner.requests.lock().expect("no test panics while it reads").push(Request { path: uri.path().to_owned(), headers, body });
    inner.arrivals.send_replace(());
    match inner.manner {
        Manner::Takes => (StatusCode::OK, String::new()),
        Manner::Refuses(status) => (StatusCode::from_u16(status).expect("a status"), repeated),
        Manner::Hangs => std::future::pending().await,
    }
}

/// Attributes by name; numbers as text.
pub(crate) fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &KeyValue| match value.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.clone(), text(attribute))).collect()
}

/// The values of a counter or gauge by label; for a histogram, the number of measurements.
pub(crate) fn points(metric: &Metric) -> BTreeMap<Vec<String>, u64> {
    let labels =
        |attributes_of: &[KeyValue]| attributes(attributes_of).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let numbers = match metric.data.as_ref().expect("data") {
        Data::Sum(sum) => &sum.data_points,
        Data::Gauge(gauge) => &gauge.data_points,
        Data::Histogram(histogram) => {
            return histogram.data_points.iter().map(|point| (labels(&point.attributes), point.count)).collect();
        }
        other => panic!("{other:?}"),
    };
    let whole = |number: &Option<Number>| match number {
        Some(Number::AsInt(number)) => number.unsigned_abs(),
        // Seconds: those that have passed.
        Some(Number::AsDouble(seconds)) => std::time::Duration::from_secs_f64(*seconds).as_secs(),
        other => panic!("{other:?}"),
    };
    numbers.iter().map(|point| (labels(&point.attributes), whole(&point.value))).collect()
}
