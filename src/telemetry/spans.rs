//! The two spans: run and operation. Code inside a span records its fields. The metric is recorded when the span ends.

use super::metrics::{OperationResult, metrics};
use super::names;
use crate::record::{ObjectKey, SinkName};
use std::cell::Cell;
use std::time::Instant;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span, info_span};

// The work is boxed. Otherwise the future of every caller would contain a whole flow, several times.

tokio::task_local! {
    static OPERATION: Operation;
    static RUN: Run;
}

/// A running operation. It is counted on drop, so an interrupted one is counted, too.
struct Operation {
    span: Span,
    sink: SinkName,
    kind: Cell<Option<&'static str>>,
    result: Cell<OperationResult>,
}

/// An active run. It is counted on drop.
struct Run {
    span: Span,
    kind: &'static str,
    began: Instant,
    outcome: Cell<&'static str>,
}

/// Runs one operation in its span. Until [`ended`] is called, it counts as stopped.
pub fn operation<T>(sink: &SinkName, key: &ObjectKey, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let work = Box::pin(work);
    let span =
        info_span!(names::OPERATION, { names::SINK } = %sink, { names::KEY } = %key, { names::OP } = Empty, { names::RESULT } = Empty);
    let current = Operation { span: span.clone(), sink: sink.clone(), kind: Cell::new(None), result: Cell::new(OperationResult::Stopped) };
    OPERATION.scope(current, work.instrument(span))
}

/// Records the kind of the enclosing operation; the last call counts. No effect outside an operation.
pub fn decided(kind: &'static str) {
    let _ = OPERATION.try_with(|operation| {
        if operation.kind.replace(Some(kind)) != Some(kind) {
            operation.span.record(names::OP, display(kind));
        }
    });
}

/// Records the result of the enclosing operation; the last call counts. No effect outside an operation.
pub fn ended(result: OperationResult) {
    let _ = OPERATION.try_with(|operation| operation.result.set(result));
}

/// Runs one run in its span. Until [`run_ended`] is called, it counts as failed.
pub fn run<T>(kind: &'static str, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let work = Box::pin(work);
    let span = info_span!(names::RUN, { names::RUN_ID } = Empty, { names::KIND } = %kind, { names::OUTCOME } = Empty);
    let current = Run { span: span.clone(), kind, began: Instant::now(), outcome: Cell::new("failed") };
    RUN.scope(current, work.instrument(span))
}

/// Records the number of the enclosing run. No effect outside a run.
pub fn run_began(number: u64) {
    let _ = RUN.try_with(|run| {
        run.span.record(names::RUN_ID, number);
    });
}

/// Records the outcome of the enclosing run. No effect outside a run.
pub fn run_ended(outcome: &'static str) {
    let _ = RUN.try_with(|run| run.outcome.set(outcome));
}

impl Drop for Operation {
    fn drop(&mut self) {
        let result = self.result.get();
        self.span.record(names::RESULT, display(result.as_str()));
        if result == OperationResult::Failed {
            mark_failed(&self.span);
        }
        metrics().operation(self.sink.as_str(), self.kind.get().unwrap_or("none"), result);
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let outcome = self.outcome.get();
        self.span.record(names::OUTCOME, display(outcome));
        if outcome == "failed" {
            mark_failed(&self.span);
        }
        metrics().cycle(self.kind, outcome, self.began.elapsed());
    }
}

fn mark_failed(span: &Span) {
    #[cfg(feature = "otlp")]
    super::otlp::mark_failed(span);
    #[cfg(not(feature = "otlp"))]
    let _ = span;
}
