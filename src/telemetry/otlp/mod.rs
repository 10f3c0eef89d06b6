//! Sends spans and metrics to a collector, over OTLP (`http/protobuf`). The exporters run in their own threads with a blocking client: an
//! async client would need our runtime, and would lose the telemetry of the runtime's shutdown.

mod client;
mod delivery;
mod instruments;

use crate::config::OtlpSettings;
use crate::trust::TrustedAuthorities;
use client::CollectorClient;
use delivery::{Delivery, ReportingExporter};
use instruments::OtlpInstruments;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use secrecy::ExposeSecret as _;
use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;
use tracing::{Span, Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

/// The instrumentation scope of our spans and metrics.
const SCOPE: &str = "s3-sync";
/// The time limit of one request, retries included.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for sending the remaining telemetry when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// The exporters to the collector.
pub(super) struct Pipeline {
    spans: SdkTracerProvider,
    metrics: SdkMeterProvider,
    delivery: Delivery,
}

impl Pipeline {
    /// Creates the exporters. It sends nothing, and an unreachable collector is not an error.
    pub(super) fn new(settings: &OtlpSettings, trusted: &TrustedAuthorities) -> Result<Self, Box<dyn Error>> {
        let base = settings.endpoint.as_str().trim_end_matches('/');
        let delivery = Delivery::to(base);
        let client = CollectorClient::new(trusted, delivery.clone())?;
        let headers: HashMap<_, _> =
            settings.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect();
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/traces"))
            .with_timeout(EXPORT_TIMEOUT)
            .with_headers(headers.clone())
            .with_http_client(client.clone())
            .build()?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/metrics"))
            .with_timeout(EXPORT_TIMEOUT)
            .with_headers(headers)
            .with_http_client(client)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(settings.service_name.clone())
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let spans = ReportingExporter { exporter: spans, delivery: delivery.clone() };
        let metrics = ReportingExporter { exporter: metrics, delivery: delivery.clone() };
        Ok(Self {
            spans: SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource.clone()).build(),
            metrics: SdkMeterProvider::builder().with_periodic_exporter(metrics).with_resource(resource).build(),
            delivery,
        })
    }

    /// The layer that converts our `tracing` spans into OpenTelemetry spans. Spans and lines of libraries are not exported, because those
    /// below WARN may contain headers.
    pub(super) fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        OpenTelemetryLayer::new(self.spans.tracer(SCOPE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target("s3_sync", LevelFilter::INFO))
            .boxed()
    }

    /// The backend that converts our metrics into OpenTelemetry metrics.
    pub(super) fn instruments(&self) -> Box<dyn super::metrics::Instruments> {
        Box::new(OtlpInstruments::new(&self.metrics.meter(SCOPE)))
    }

    /// Sends the remaining telemetry within `FLUSH_TIMEOUT`, so that a hanging collector does not delay the end of the process.
    pub(super) async fn flush(self) {
        let Self { spans, metrics, delivery } = self;
        let spans = tokio::task::spawn_blocking(move || spans.shutdown_with_timeout(EXPORT_TIMEOUT * 2));
        let metrics = tokio::task::spawn_blocking(move || metrics.shutdown());
        let sent = async { tokio::join!(spans, metrics) };
        if tokio::time::timeout(FLUSH_TIMEOUT, sent).await.is_err() {
            delivery.given_up(FLUSH_TIMEOUT);
        }
    }
}

/// Sets the status of a span to error.
pub(super) fn mark_failed(span: &Span) {
    span.set_status(Status::error(""));
}
