//! The kind and the outcome of a run, with their words.

/// The kind of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// The initial sync: a full listing. It is the kind of each run until one has completed.
    Initial,
    /// The incremental sync: applies the events that arrived.
    Incremental,
    /// The reconcile: a full listing, to find changes that no event reported.
    Reconcile,
}

impl RunKind {
    /// The word in the state and in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Incremental => "incremental",
            Self::Reconcile => "reconcile",
        }
    }
}

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// The run did everything that was due.
    Done,
    /// The run completed, but some operations failed or were held, or the report was not accepted.
    Partial,
    /// The run did not complete: an endpoint was unreachable.
    Failed,
    /// The run was stopped on request.
    Stopped,
}

impl RunOutcome {
    /// The word in the state and in `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}
