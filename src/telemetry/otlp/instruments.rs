//! The metrics as OpenTelemetry instruments.

use crate::telemetry::metrics::{Backlog, Instruments, OperationResult};
use crate::telemetry::names;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};
use std::time::Duration;

/// The histogram bounds of run durations in seconds, from an idle run to the initial sync of a large bucket.
const CYCLE_BOUNDS: [f64; 13] = [0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0];

/// One instrument for each metric of the table.
pub(super) struct OtlpInstruments {
    events: Counter<u64>,
    operations: Counter<u64>,
    cycle: Histogram<f64>,
    lag: Gauge<f64>,
    pending: Gauge<u64>,
    dead_letters: Gauge<u64>,
    mended_headers: Counter<u64>,
    mended_elements: Counter<u64>,
}

impl OtlpInstruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let counter = |name| {
            let metric = names::metric(name);
            meter.u64_counter(metric.name).with_unit(metric.unit).with_description(metric.doc).build()
        };
        let gauge = |name| {
            let metric = names::metric(name);
            meter.u64_gauge(metric.name).with_unit(metric.unit).with_description(metric.doc).build()
        };
        let (cycle, lag) = (names::metric(names::CYCLE_DURATION), names::metric(names::LAG));
        Self {
            events: counter(names::EVENTS),
            operations: counter(names::OPERATIONS),
            cycle: meter
                .f64_histogram(cycle.name)
                .with_unit(cycle.unit)
                .with_description(cycle.doc)
                .with_boundaries(CYCLE_BOUNDS.to_vec())
                .build(),
            lag: meter.f64_gauge(lag.name).with_unit(lag.unit).with_description(lag.doc).build(),
            pending: gauge(names::PENDING),
            dead_letters: gauge(names::DEAD_LETTERS),
            mended_headers: counter(names::MENDED_HEADERS),
            mended_elements: counter(names::MENDED_ELEMENTS),
        }
    }
}

impl Instruments for OtlpInstruments {
    fn operation(&self, sink: &str, kind: &'static str, result: OperationResult) {
        let labels = [sink_label(sink), KeyValue::new(names::KIND, kind), KeyValue::new(names::RESULT, result.as_str())];
        self.operations.add(1, &labels);
    }

    fn events(&self, source: &str, count: u64) {
        self.events.add(count, &[KeyValue::new(names::SOURCE, source.to_owned())]);
    }

    fn cycle(&self, kind: &'static str, outcome: &'static str, duration: Duration) {
        let labels = [KeyValue::new(names::KIND, kind), KeyValue::new(names::OUTCOME, outcome)];
        self.cycle.record(duration.as_secs_f64(), &labels);
    }

    fn backlog(&self, sink: &str, backlog: &Backlog) {
        self.pending.record(backlog.pending, &[sink_label(sink)]);
        self.lag.record(backlog.lag.as_secs_f64(), &[sink_label(sink)]);
    }

    fn dead_letters(&self, count: u64) {
        self.dead_letters.record(count, &[]);
    }

    fn mended_header(&self, header: &'static str) {
        self.mended_headers.add(1, &[KeyValue::new(names::HEADER, header)]);
    }

    fn mended_elements(&self, element: &'static str, count: u64) {
        self.mended_elements.add(count, &[KeyValue::new(names::ELEMENT, element)]);
    }
}

fn sink_label(sink: &str) -> KeyValue {
    KeyValue::new(names::SINK, sink.to_owned())
}
