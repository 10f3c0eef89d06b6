//! Which flow a run is, and how it ended, with the words for both.

/// Which flow ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// A full listing, until one has come to its end.
    Initial,
    /// What the sources told.
    Incremental,
    /// A full listing, to heal what nobody told.
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

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// Everything that was to be done was.
    Done,
    /// To its end, but some operations failed or were held, or the report was not taken.
    Partial,
    /// Not to its end: an endpoint was unreachable.
    Failed,
    /// Somebody ended it.
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
