//! One row of the probe's table: what was asked, what the store does, and what that costs or which setting helps.

use super::asker::NoAnswer;
use serde::Serialize;
use std::fmt;

/// What the store does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RowAnswer {
    /// What a sync can use best.
    Yes,
    /// Something else. A sync runs all the same, and the hint says what it costs.
    No,
    /// Not known: the bucket's objects cannot show it, or the store did not answer.
    NotSeen,
    /// Something with which no sync can run.
    Failed,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ProbeRow {
    /// A short, stable name.
    pub(super) name: &'static str,
    /// What the store does.
    pub(super) answer: RowAnswer,
    /// What was seen.
    pub(super) message: String,
    /// What it costs, or which setting helps.
    pub(super) hint: Option<String>,
}

impl ProbeRow {
    pub(super) fn yes(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, answer: RowAnswer::Yes, message: message.into(), hint: None }
    }

    pub(super) fn no(name: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, answer: RowAnswer::No, message: message.into(), hint: Some(hint.into()) }
    }

    pub(super) fn not_seen(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, answer: RowAnswer::NotSeen, message: message.into(), hint: None }
    }

    pub(super) fn failed(name: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, answer: RowAnswer::Failed, message: message.into(), hint: Some(hint.into()) }
    }

    /// The row for a question to which the store gave no usable answer.
    pub(super) fn unanswered(name: &'static str, why: &NoAnswer) -> Self {
        Self::not_seen(name, why.to_string())
    }
}

impl RowAnswer {
    fn words(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::NotSeen => "not seen",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for ProbeRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.replace('_', " ");
        writeln!(f, "{:<8} {name:<18} {}", self.answer.words(), self.message)?;
        self.hint.iter().try_for_each(|hint| writeln!(f, "{:<8} {:<18} -> {hint}", "", ""))
    }
}
