//! Every span, field and metric that is told outside, by name, with what it means: `docs/telemetry.md` is written from these
//! tables, and nothing is told under a name that does not stand here.

/// The span of one run of a flow.
pub const RUN: &str = "run";
/// The span of one operation on one path.
pub const OPERATION: &str = "operation";

/// The run's number in the state.
pub const RUN_ID: &str = "run_id";
/// The run's kind, or the operation's.
pub const KIND: &str = "kind";
/// How a run ended.
pub const OUTCOME: &str = "outcome";
/// A sink's name.
pub const SINK: &str = "sink";
/// An object key, escaped.
pub const KEY: &str = "key";
/// What an operation turned out to be.
pub const OP: &str = "op";
/// How an operation ended.
pub const RESULT: &str = "result";
/// Where an event came from.
pub const SOURCE: &str = "source";

/// Events that came in.
pub const EVENTS: &str = "s3_sync.events";
/// Operations that ended.
pub const OPERATIONS: &str = "s3_sync.operations";
/// How long runs took.
pub const CYCLE_DURATION: &str = "s3_sync.cycle.duration";
/// Age of the oldest event that is not applied.
pub const LAG: &str = "s3_sync.lag";
/// Paths with something to do.
pub const PENDING: &str = "s3_sync.pending";
/// Events that were given up.
pub const DEAD_LETTERS: &str = "s3_sync.dead_letters";

/// A field of a span or a label of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub doc: &'static str,
}

/// A span.
#[derive(Clone, Copy, Debug)]
pub struct SpanName {
    /// Its name.
    pub name: &'static str,
    /// What it lasts over.
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
    /// As the standard (UCUM) writes it.
    pub unit: &'static str,
    /// What it measures.
    pub doc: &'static str,
    /// Its labels.
    pub labels: &'static [Field],
}

const SINK_OF_OPERATION: Field = Field { name: SINK, doc: "the sink's name: `file_manager`, …" };
const KIND_OF_RUN: Field = Field { name: KIND, doc: "`initial`, `incremental` or `reconcile`" };
const OUTCOME_OF_RUN: Field = Field {
    name: OUTCOME,
    doc: "`done`, `partial` (something failed or was held), `failed` (a door stayed shut, or the state), `stopped` (by a signal)",
};
const RESULT_OF_OPERATION: Field = Field {
    name: RESULT,
    doc: "`done`, `unchanged` (there was nothing left to do), `skipped` (left out, with a reason in the report), `deferred` \
          (another lane or another look goes on with it), `failed` (it is parked), `stopped` (cut off; it stays due)",
};

/// The spans. Everything that happens inside one is told with its fields: log lines as well.
pub static SPANS: [SpanName; 2] = [
    SpanName {
        name: RUN,
        doc: "One run of a flow, from its number to its report.",
        fields: &[Field { name: RUN_ID, doc: "the run's number, as in `status`" }, KIND_OF_RUN, OUTCOME_OF_RUN],
    },
    SpanName {
        name: OPERATION,
        doc: "One path brought into line, with all looks and attempts that took. A child of its `run`. When it failed, its status is an error.",
        fields: &[
            SINK_OF_OPERATION,
            Field { name: KEY, doc: "the object's key, escaped for display" },
            Field {
                name: OP,
                doc: "what it turned out to be: `create`, `update`, `delete`, `confirm`, …; empty when that was never decided",
            },
            RESULT_OF_OPERATION,
        ],
    },
];

/// The metrics.
pub static METRICS: [MetricName; 6] = [
    MetricName {
        name: EVENTS,
        form: "counter",
        unit: "{event}",
        doc: "Events that came in, into the inbox: what is passed over or a dead letter is none.",
        labels: &[Field { name: SOURCE, doc: "where from: `feed`, `sqs` or `webhook`" }],
    },
    MetricName {
        name: OPERATIONS,
        form: "counter",
        unit: "{operation}",
        doc: "Operations that ended.",
        labels: &[
            SINK_OF_OPERATION,
            Field { name: KIND, doc: "what the operation was: `op` of its span; `none` when that was never decided" },
            RESULT_OF_OPERATION,
        ],
    },
    MetricName { name: CYCLE_DURATION, form: "histogram", unit: "s", doc: "How long runs took.", labels: &[KIND_OF_RUN, OUTCOME_OF_RUN] },
    MetricName {
        name: LAG,
        form: "gauge",
        unit: "s",
        doc: "How long ago the oldest event was received that is not applied; 0 when there is none. It waits in \
              the inbox, or what it told of its path is still to be done: it failed, the guard holds it, the run was stopped. To the second.",
        labels: &[SINK_OF_OPERATION],
    },
    MetricName {
        name: PENDING,
        form: "gauge",
        unit: "{path}",
        doc: "Paths with something to do (due, failed and waiting for their next attempt, or deletes that the guard holds).",
        labels: &[SINK_OF_OPERATION],
    },
    MetricName { name: DEAD_LETTERS, form: "gauge", unit: "{event}", doc: "Events that were given up and wait for a person.", labels: &[] },
];

/// The metric of this name.
#[cfg(feature = "otlp")]
pub(super) fn metric(name: &str) -> &'static MetricName {
    METRICS.iter().find(|metric| metric.name == name).expect("invariant: every metric's name is in the table")
}
