//! The parts of a report.

use crate::run::{self, Drained, Failures, Polled, RunTotals, SourceStatus};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The counts of the contract.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Events consumed.
    pub events_processed: u64,
    /// Successful operations.
    pub operations_processed: u64,
    /// Failed operations: those of this run or all parked ones, whichever number is greater.
    pub operations_failed: u64,
    /// Files whose content was sent or confirmed.
    pub files_processed: u64,
    /// The same as `operations_failed`.
    pub files_failed: u64,
    /// Bytes sent.
    pub total_size: u64,
}

/// The consumed events by kind. `errors` are the events that became dead letters.
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
    /// The path of the database.
    pub database_path: String,
    /// The bucket.
    pub customer_bucket: String,
    /// The number of files that the main sink has.
    pub record_count: u64,
}

/// The sum of the counts of all queues that a run drained.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    /// Received messages.
    pub messages: u64,
    /// Events in these messages.
    pub received: u64,
    /// Messages that became dead letters.
    pub dead_letters: u64,
    /// True if every queue was empty at the end; otherwise the next run continues.
    pub emptied: bool,
}

/// The ignored events. They are not failures; they are reported so that an operator does not miss them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Events about keys outside of the prefix.
    pub outside_prefix: u64,
    /// One of these keys, escaped for display.
    pub outside_example: Option<String>,
    /// Events with a name that does not concern an object.
    pub unknown_names: u64,
    /// Test messages of S3.
    pub test_events: u64,
    /// Renames of a path onto itself.
    pub onto_itself: u64,
    /// Events with an unreadable time. They are not ignored, but treated as events without a time.
    pub unreadable_times: u64,
}

/// The counts of the feed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Feed {
    /// New events.
    pub received: u64,
    /// Events that had been received before.
    pub duplicates: u64,
    /// Events that became dead letters.
    pub dead_letters: u64,
    /// True if events may have been missed. The next reconcile finds their changes.
    pub gap: bool,
    /// True if the feed was not read to its end, for example because the inbox is full. The next run continues.
    #[serde(default)]
    pub left_unread: bool,
}

/// The counts of the listing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Listing {
    /// True if the listing completed.
    pub completed: bool,
    /// Pages listed in this run.
    pub pages: u64,
    /// Files on these pages.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directory markers on these pages, which are not counted as files.
    pub directory_markers: u64,
    /// True if the store does not list in the order of the keys' bytes. Then only a whole listing shows what is absent, and an interrupted
    /// listing starts over.
    #[serde(default)]
    pub out_of_order: bool,
    /// How many elements of the listing, by name, only describe and were left out because they cannot be read; `other` = those that are
    /// never read.
    #[serde(default)]
    pub left_out: BTreeMap<String, u64>,
    /// Known keys that the listing did not show although a lookup after it found an object there.
    #[serde(default)]
    pub missed: u64,
    /// How many of them were not written since they were last observed. No race explains them: the store's listing is incomplete.
    #[serde(default)]
    pub missed_unchanged: u64,
    /// One of the missed keys, escaped for display.
    #[serde(default)]
    pub missed_example: Option<String>,
}

/// Operations by kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Operations {
    /// Created files.
    pub create: u64,
    /// Files with new content.
    pub update: u64,
    /// Deleted files.
    pub delete: u64,
    /// Files renamed in their directory.
    pub rename: u64,
    /// Files moved to another path.
    pub r#move: u64,
    /// Files whose permissions were set without sending content.
    pub set_permissions: u64,
    /// Files that the sink already held.
    pub confirm: u64,
}

/// The failures of one reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailureLine {
    /// The reason: a short, stable name.
    pub reason: String,
    /// The number of failures.
    pub count: u64,
    /// One of the keys, escaped for display.
    pub example: String,
    /// The message of the first failure.
    pub message: String,
    /// The advice for the operator.
    pub hint: String,
}

/// The counts of the pending work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PendingCounts {
    /// Paths that are due, for example because the run was stopped, or held by the guard.
    pub due: u64,
    /// Failed paths that wait for their next attempt.
    pub parked: u64,
    /// The earliest next attempt, ISO-8601.
    pub next_attempt: Option<String>,
}

impl From<&RunTotals> for Listing {
    fn from(totals: &RunTotals) -> Self {
        Self {
            completed: totals.listing_ended,
            pages: totals.pages,
            files: totals.listed.files,
            bytes: totals.listed.bytes,
            directory_markers: totals.listed.markers,
            out_of_order: totals.listed_out_of_order,
            left_out: totals.left_out.iter().map(|(element, count)| ((*element).to_owned(), *count)).collect(),
            missed: totals.missed.count,
            missed_unchanged: totals.missed.unchanged,
            missed_example: totals.missed.example.as_ref().map(ToString::to_string),
        }
    }
}

impl Listing {
    /// The sentence about an incomplete listing; `None` = nothing proves that it is.
    pub(super) fn incomplete(&self) -> Option<String> {
        let Self { missed_unchanged: keys, missed_example: Some(example), .. } = self else { return None };
        (*keys > 0).then(|| {
            format!(
                "listing: the store has {keys} known keys, unchanged, that it does not list, for example {example} \
                 (new objects may be missing, too: check the store, and any policy that limits what it lists)"
            )
        })
    }
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
    /// The number of operations of all kinds.
    pub fn all(&self) -> u64 {
        self.create + self.update + self.delete + self.rename + self.r#move + self.set_permissions + self.confirm
    }
}

impl Queue {
    /// The sum over all drained queues; `None` = the run drained none.
    pub(super) fn of_all(drained: &[Drained]) -> Option<Self> {
        let sum = |count: fn(&SourceStatus) -> u64| drained.iter().map(|drained| count(&drained.status)).sum();
        (!drained.is_empty()).then(|| Self {
            messages: sum(|status| status.messages),
            received: sum(|status| status.events),
            dead_letters: sum(|status| status.dead_letters),
            emptied: drained.iter().all(|drained| drained.emptied),
        })
    }
}

impl From<&Polled> for Feed {
    fn from(polled: &Polled) -> Self {
        let Polled { received, duplicates, dead_letters: dead, gap, left_unread, .. } = *polled;
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

/// Writes the counts above zero as text; writes nothing if all are zero.
impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = self.outside_example.as_ref().map(|key| format!(", for example {key}")).unwrap_or_default();
        let parts = [
            (self.outside_prefix, format!("of keys outside of CUSTOMER_S3_PREFIX{example}")),
            (self.unknown_names, "with a name that says nothing about an object".to_owned()),
            (self.test_events, "to test the notifications".to_owned()),
            (self.onto_itself, "of a rename onto itself".to_owned()),
        ];
        let sentences: Vec<_> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        f.write_str(&sentences.join("; "))
    }
}
