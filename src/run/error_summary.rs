//! The text of an error, from any part of the program, for the report.

/// An error as the report shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorSummary {
    /// A short, stable name.
    pub reason: String,
    /// A sentence for people, escaped for display.
    pub message: String,
    /// The advice for the operator.
    pub hint: &'static str,
}
