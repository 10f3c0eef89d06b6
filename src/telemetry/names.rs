//! The names and meanings of all exported spans, fields and metrics. `docs/telemetry.md` is generated from these tables. No other name is
//! exported.

/// The span of one run.
pub const RUN: &str = "run";
/// The span of one operation on one path.
pub const OPERATION: &str = "operation";

/// The number of the run in the state.
pub const RUN_ID: &str = "run_id";
/// The kind of a run or of an operation.
pub const KIND: &str = "kind";
/// The outcome of a run.
pub const OUTCOME: &str = "outcome";
/// The name of a sink.
pub const SINK: &str = "sink";
/// An object key, escaped.
pub const KEY: &str = "key";
/// The planned kind of an operation.
pub const OP: &str = "op";
/// The result of an operation.
pub const RESULT: &str = "result";
/// The channel of an event.
pub const SOURCE: &str = "source";
/// The name of a header.
pub const HEADER: &str = "header";
/// The name of an element.
pub const ELEMENT: &str = "element";

/// Received events.
pub const EVENTS: &str = "s3_sync.events";
/// Ended operations.
pub const OPERATIONS: &str = "s3_sync.operations";
/// The duration of runs.
pub const CYCLE_DURATION: &str = "s3_sync.cycle.duration";
/// The age of the oldest unapplied event.
pub const LAG: &str = "s3_sync.lag";
/// Pending paths.
pub const PENDING: &str = "s3_sync.pending";
/// Dead-lettered events.
pub const DEAD_LETTERS: &str = "s3_sync.dead_letters";
/// Unreadable headers of a store.
pub const MENDED_HEADERS: &str = "s3_sync.mended_headers";
/// Unreadable elements of a store's listings.
pub const MENDED_ELEMENTS: &str = "s3_sync.mended_elements";

/// A field of a span or a label of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its meaning.
    pub doc: &'static str,
}

/// A span.
#[derive(Clone, Copy, Debug)]
pub struct SpanName {
    /// Its name.
    pub name: &'static str,
    /// The work that it covers.
    pub doc: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricName {
    /// Its name.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub form: &'static str,
    /// The unit, in UCUM notation.
    pub unit: &'static str,
    /// Its meaning.
    pub doc: &'static str,
    /// Its labels.
    pub labels: &'static [Field],
}

const SINK_OF_OPERATION: Field = Field { name: SINK, doc: "the sink's name: `file_manager`, …" };
const KIND_OF_RUN: Field = Field { name: KIND, doc: "`initial`, `incremental` or `reconcile`" };
const OUTCOME_OF_RUN: Field = Field {
    name: OUTCOME,
    doc: "`done`, `partial` (something failed or was held), `failed` (an endpoint was unreachable, or the state failed), `stopped` (by a signal)",
};
const RESULT_OF_OPERATION: Field = Field {
    name: RESULT,
    doc: "`done`, `unchanged` (nothing was left to do), `skipped` (not done, with a reason in the report), `deferred` \
          (another lane or another lookup continues it), `failed` (it is parked), `stopped` (interrupted; it stays due)",
};

/// The spans. Log lines inside a span carry its fields.
pub static SPANS: [SpanName; 2] = [
    SpanName {
        name: RUN,
        doc: "One run of a flow, from its number to its report.",
        fields: &[Field { name: RUN_ID, doc: "the run's number, as in `status`" }, KIND_OF_RUN, OUTCOME_OF_RUN],
    },
    SpanName {
        name: OPERATION,
        doc: "The reconciliation of one path, with all its lookups and attempts. A child of its `run`. When it failed, its status is an error.",
        fields: &[
            SINK_OF_OPERATION,
            Field { name: KEY, doc: "the object's key, escaped for display" },
            Field { name: OP, doc: "the kind that was decided: `create`, `update`, `delete`, `confirm`, …; empty when none was" },
            RESULT_OF_OPERATION,
        ],
    },
];

/// The metrics.
pub static METRICS: [MetricName; 8] = [
    MetricName {
        name: EVENTS,
        form: "counter",
        unit: "{event}",
        doc: "Events received into the inbox. Ignored events and dead letters are not counted.",
        labels: &[Field { name: SOURCE, doc: "the channel: `feed`, `sqs` or `webhook`" }],
    },
    MetricName {
        name: OPERATIONS,
        form: "counter",
        unit: "{operation}",
        doc: "Operations that ended.",
        labels: &[
            SINK_OF_OPERATION,
            Field { name: KIND, doc: "the `op` of its span; `none` when no kind was decided" },
            RESULT_OF_OPERATION,
        ],
    },
    MetricName { name: CYCLE_DURATION, form: "histogram", unit: "s", doc: "Duration of runs.", labels: &[KIND_OF_RUN, OUTCOME_OF_RUN] },
    MetricName {
        name: LAG,
        form: "gauge",
        unit: "s",
        doc: "Seconds since the oldest event that is not applied was received; 0 when there is none. The event waits in \
        the inbox, or its operation is pending: it failed, the guard holds it, or the run was stopped.",
        labels: &[SINK_OF_OPERATION],
    },
    MetricName {
        name: PENDING,
        form: "gauge",
        unit: "{path}",
        doc: "Paths with something to do (due, failed and waiting for their next attempt, or deletes that the guard holds).",
        labels: &[SINK_OF_OPERATION],
    },
    MetricName { name: DEAD_LETTERS, form: "gauge", unit: "{event}", doc: "Dead-lettered events that wait for an operator.", labels: &[] },
    MetricName {
        name: MENDED_HEADERS,
        form: "counter",
        unit: "{header}",
        doc: "Unreadable or repeated headers in responses of the store that only describe an object. They were mended or left out.",
        labels: &[Field {
            name: HEADER,
            doc: "the header's name; `x-amz-meta-` for all user metadata, `other` for headers that are not read",
        }],
    },
    MetricName {
        name: MENDED_ELEMENTS,
        form: "counter",
        unit: "{element}",
        doc: "Unreadable elements in listings of the store that only describe. They were left out.",
        labels: &[Field { name: ELEMENT, doc: "the element's name; `other` for elements that are not read" }],
    },
];

/// The metric of this name.
#[cfg(feature = "otlp")]
pub(super) fn metric(name: &str) -> &'static MetricName {
    METRICS.iter().find(|metric| metric.name == name).expect("invariant: every metric's name is in the table")
}
