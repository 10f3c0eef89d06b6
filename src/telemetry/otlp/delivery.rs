//! Logs the reachability of the collector: one line when it becomes unreachable, and one when it accepts telemetry again.

use crate::trust::UNTRUSTED_HINT;
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::SpanData;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

/// A kind of telemetry. Spans and metrics are exported separately.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    Spans = 1,
    Metrics = 2,
}

/// The reachability of a collector, as logged.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    address: Arc<str>,
    /// The signals that the collector does not accept, as bits.
    refused: Arc<AtomicU8>,
    /// The last request failed because no trusted authority has signed the collector's certificate.
    untrusted: Arc<AtomicBool>,
}

impl Delivery {
    pub(super) fn to(address: &str) -> Self {
        Self { address: address.into(), refused: Arc::default(), untrusted: Arc::default() }
    }

    /// Stores if the last request failed because of the collector's certificate.
    pub(super) fn set_untrusted(&self, untrusted: bool) {
        self.untrusted.store(untrusted, Ordering::Relaxed);
    }

    fn hint(&self) -> Option<&'static str> {
        self.untrusted.load(Ordering::Relaxed).then_some(UNTRUSTED_HINT)
    }

    /// Logs the result of an export if it changed. The exporters return success to the SDK, which would otherwise log a failure for every
    /// batch.
    fn report(&self, signal: Signal, sent: &OTelSdkResult) {
        let bit = signal as u8;
        match sent {
            Ok(()) => {
                if self.refused.fetch_and(!bit, Ordering::Relaxed) == bit {
                    tracing::info!(collector = %self.address, "the collector accepts spans and metrics again");
                }
            }
            // The exporter's message contains the address and a status, never the collector's response.
            Err(error) if self.refused.fetch_or(bit, Ordering::Relaxed) == 0 => tracing::warn!(
                collector = %self.address,
                ?signal,
                %error,
                hint = self.hint(),
                "the collector accepts no telemetry: it is lost until the collector is back; this is logged once"
            ),
            Err(error) => tracing::debug!(collector = %self.address, ?signal, %error, "telemetry was lost"),
        }
    }

    /// Logs that the process ends before the collector has accepted all telemetry.
    pub(super) fn given_up(&self, after: Duration) {
        let after_secs = after.as_secs();
        if self.refused.load(Ordering::Relaxed) == 0 {
            tracing::warn!(collector = %self.address, after_secs, "the collector did not accept the last telemetry in time: it is lost");
        }
    }
}

/// An exporter of one signal that logs the reachability of the collector.
pub(super) struct ReportingExporter<E> {
    pub(super) exporter: E,
    pub(super) delivery: Delivery,
}

/// Omits the exporter, because its headers may contain tokens.
impl<E> fmt::Debug for ReportingExporter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportingExporter").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

impl opentelemetry_sdk::trace::SpanExporter for ReportingExporter<SpanExporter> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.delivery.report(Signal::Spans, &self.exporter.export(batch).await);
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl PushMetricExporter for ReportingExporter<MetricExporter> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.delivery.report(Signal::Metrics, &self.exporter.export(metrics).await);
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
