//! An error as the run keeps it: words, whichever part of the program it came from.

/// What is kept of an error when the error itself has been handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorSummary {
    /// A short, stable name for reports.
    pub reason: String,
    /// A sentence for people; safe to print.
    pub message: String,
    /// What an operator can do about it.
    pub hint: &'static str,
}
