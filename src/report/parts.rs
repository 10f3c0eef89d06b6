//! What a report consists of. How its values come about is not its concern.

use crate::run::{self, Drained, Failures, Polled, SourceStatus};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The contract's counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Events used up.
    pub events_processed: u64,
    /// Operations that were done.
    pub operations_processed: u64,
    /// Operations that failed, and those that failed before and wait for their next attempt.
    pub operations_failed: u64,
    /// Files of which content was sent or confirmed.
    pub files_processed: u64,
    /// Files that are not as they should be.
    pub files_failed: u64,
    /// Bytes sent.
    pub total_size: u64,
}

/// Events used up, by kind; an initial sync uses none. `errors` are those that became dead letters.
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

/// Which state and bucket.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// Where the state lies.
    pub database_path: String,
    /// The bucket.
    pub customer_bucket: String,
    /// Files that the file manager has confirmed.
    pub record_count: u64,
}

/// What the queues brought that a run emptied, together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    /// Messages that were received.
    pub messages: u64,
    /// Events that stood in them.
    pub received: u64,
    /// What could not be used.
    pub dead_letters: u64,
    /// Whether each was found empty at last; if not, the next run goes on.
    pub emptied: bool,
}

/// Events that there was nothing to do about: no failure, and yet a person may wonder where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Of keys outside of the prefix.
    pub outside_prefix: u64,
    /// One of these keys, escaped for display.
    pub outside_example: Option<String>,
    /// With a name that says nothing about where an object is.
    pub unknown_names: u64,
    /// Sent by S3 to try the way.
    pub test_events: u64,
    /// Renames of a path onto itself.
    pub onto_itself: u64,
    /// Not passed over: used like an event without a time, because theirs cannot be read.
    pub unreadable_times: u64,
}

/// What the feed brought.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Feed {
    /// Events that had not been received before.
    pub received: u64,
    /// Events that had.
    pub duplicates: u64,
    /// What could not be used.
    pub dead_letters: u64,
    /// Whether events may have been missed: the next reconcile finds what they were about.
    pub gap: bool,
    /// Whether it was not read to its end, because the inbox is full, for example: the next run goes on.
    #[serde(default)]
    pub left_unread: bool,
}

/// What the listing showed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Listing {
    /// Whether it came to its end.
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
    /// Files that went.
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
    /// How many.
    pub count: u64,
    /// One of the keys, escaped for display.
    pub example: String,
    /// What was said about it.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// What is still to be done.
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
    /// Of all kinds.
    pub fn all(&self) -> u64 {
        self.create + self.update + self.delete + self.rename + self.r#move + self.set_permissions + self.confirm
    }
}

impl Queue {
    /// Of all that a run was to empty; `None` = there was none.
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

/// What there is of it, in words; nothing when there is nothing.
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
