//! The parts of a report. Other files compute their values.

use crate::run::{self, Drained, Failures, Polled, SourceStatus};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The contract's counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Events consumed.
    pub events_processed: u64,
    /// Operations that were done.
    pub operations_processed: u64,
    /// Operations that failed, and those that failed before and wait for their next attempt.
    pub operations_failed: u64,
    /// Files of which content was sent or confirmed.
    pub files_processed: u64,
    /// Files that are not in sync.
    pub files_failed: u64,
    /// Bytes sent.
    pub total_size: u64,
}

/// Events consumed, by kind; an initial sync uses none. `errors` are those that became dead letters.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the field names are the contract's event types")]
pub struct EventCounts {
    pub change_permission: u64,
    pub delete: u64,
    pub create: u64,
    pub rename: u64,
    pub r#move: u64,
    pub errors: u64,
}

/// The state and the bucket.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// The place of the state.
    pub database_path: String,
    /// The bucket.
    pub customer_bucket: String,
    /// Files that the file manager has confirmed.
    pub record_count: u64,
}

/// The counts of the queues that a run drained, together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    /// Messages that were received.
    pub messages: u64,
    /// Events in these messages.
    pub received: u64,
    /// The messages that could not be used.
    pub dead_letters: u64,
    /// True if each was found empty at last; otherwise the next run goes on.
    pub emptied: bool,
}

/// Events that needed no work: no failure, but a person may wonder where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The events of keys outside of the prefix.
    pub outside_prefix: u64,
    /// One of these keys, escaped for display.
    pub outside_example: Option<String>,
    /// The events whose event name concerns no object.
    pub unknown_names: u64,
    /// The events that S3 sent to test the connection.
    pub test_events: u64,
    /// Renames of a path onto itself.
    pub onto_itself: u64,
    /// The events whose time cannot be read. They are not ignored: they are used like events without a time.
    pub unreadable_times: u64,
}

/// The counts of the feed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Feed {
    /// Events that had not been received before.
    pub received: u64,
    /// Events that had.
    pub duplicates: u64,
    /// The messages that could not be used.
    pub dead_letters: u64,
    /// True if events may have been missed: the next reconcile finds their changes.
    pub gap: bool,
    /// True if it was not read to its end, because the inbox is full, for example: the next run goes on.
    #[serde(default)]
    pub left_unread: bool,
}

/// The counts of the listing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Listing {
    /// True if it came to its end.
    pub completed: bool,
    /// Pages in this run.
    pub pages: u64,
    /// Files on them.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directory markers on them: no files.
    pub directory_markers: u64,
}

/// Operations by kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Operations {
    /// New files.
    pub create: u64,
    /// New content of known files.
    pub update: u64,
    /// Removed files.
    pub delete: u64,
    /// Files that have another name in the same directory.
    pub rename: u64,
    /// Files that are in another directory.
    pub r#move: u64,
    /// Files that have other permissions, apart from those that came with content.
    pub set_permissions: u64,
    /// Files that the file manager turned out to hold already.
    pub confirm: u64,
}

/// Failures for one reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailureLine {
    /// A short, stable name.
    pub reason: String,
    /// The number of failures.
    pub count: u64,
    /// One of the keys, escaped for display.
    pub example: String,
    /// The message of the failure.
    pub message: String,
    /// The action that helps.
    pub hint: String,
}

/// The counts of the pending work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PendingCounts {
    /// Due now: the run was stopped, or the guard holds it.
    pub due: u64,
    /// Failed; with a next attempt.
    pub parked: u64,
    /// The earliest next attempt, ISO-8601.
    pub next_attempt: Option<String>,
}

impl FailureLine {
    pub(super) fn new(reason: &str, failures: &Failures) -> Self {
        Self {
            reason: reason.to_owned(),
            count: failures.count,
            example: failures.example.to_string(),
            message: failures.message.clone(),
            hint: failures.hint.to_owned(),
        }
    }

    pub(super) fn sentence(&self) -> String {
        let others = if self.count > 1 { format!(" (and {} more)", self.count - 1) } else { String::new() };
        format!("{}: {}{others}", self.reason, self.message)
    }
}

impl Operations {
    /// The count of all kinds.
    pub fn all(&self) -> u64 {
        self.create + self.update + self.delete + self.rename + self.r#move + self.set_permissions + self.confirm
    }
}

impl Queue {
    /// The sum of all queues that a run had to drain; `None` = there was none.
    pub(super) fn of_all(drained: &[Drained]) -> Option<Self> {
        let sum = |count: fn(&SourceStatus) -> u64| drained.iter().map(|drained| count(&drained.status)).sum();
        (!drained.is_empty()).then(|| Self {
            messages: sum(|status| status.messages),
            received: sum(|status| status.events),
            dead_letters: sum(|status| status.dead),
            emptied: drained.iter().all(|drained| drained.emptied),
        })
    }
}

impl From<&Polled> for Feed {
    fn from(polled: &Polled) -> Self {
        let Polled { received, duplicates, dead, gap, left_unread, .. } = *polled;
        Self { received, duplicates, dead_letters: dead, gap, left_unread }
    }
}

impl From<run::IgnoredEvents> for PassedOver {
    fn from(passed_over: run::IgnoredEvents) -> Self {
        let run::IgnoredEvents { unknown_names, outside_prefix, outside_example, test_events, onto_itself, unreadable_times } = passed_over;
        let outside_example = outside_example.map(|key| key.to_string());
        Self { outside_prefix, outside_example, unknown_names, test_events, onto_itself, unreadable_times }
    }
}

/// Writes the counts above zero in words; writes nothing if all are zero.
impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = self.outside_example.as_ref().map(|key| format!(", for example {key}")).unwrap_or_default();
        let parts = [
            (self.outside_prefix, format!("of keys outside of CUSTOMER_S3_PREFIX{example}")),
            (self.unknown_names, "with a name that says nothing about an object".to_owned()),
            (self.test_events, "to try the way".to_owned()),
            (self.onto_itself, "of a rename onto itself".to_owned()),
        ];
        let told: Vec<_> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        f.write_str(&told.join("; "))
    }
}
