//! An error as the run keeps it: text, from any part of the program.

/// The parts of an error that the run keeps after it has handled the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorSummary {
    /// A short, stable name for reports.
    pub reason: String,
    /// A sentence for people; safe to print.
    pub message: String,
    /// The operator's remedy.
    pub hint: &'static str,
}
