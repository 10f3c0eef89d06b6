//! The counters of a run, updated during the run: for the progress line, the summary and the report.

use super::counts::{MissedKeys, Polled, Replayed};
use super::error_summary::ErrorSummary;
use super::path_outcome::PathOutcome;
use super::queue_status::Drained;
use crate::plan::{Effect, SkipReason};
use crate::record::{ObjectKey, PageCounts, SinkName};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The counters of one run. The parts of the run update them; the progress display reads them.
#[derive(Debug, Default)]
pub struct RunCounters(Mutex<RunTotals>);

/// The counters of one sink in one run. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SinkCounters {
    counters: Arc<RunCounters>,
    sink: SinkName,
}

/// The values of the counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Listed pages.
    pub pages: u64,
    /// True if the listing is complete.
    pub listing_ended: bool,
    /// True if the listing is not in the order of the keys' bytes.
    pub listed_out_of_order: bool,
    /// The sums over the listed pages.
    pub listed: PageCounts,
    /// How many fields of the listing, by name, only describe and were left out because they cannot be read.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Keys that the listing did not show although a lookup after it found an object there.
    pub missed: MissedKeys,
    /// The number of paths that earlier runs listed and did not finish.
    pub left_by_earlier_runs: u64,
    /// Objects skipped for all sinks, by reason, if the state does not store the skip.
    pub skipped: BTreeMap<&'static str, Skips>,
    /// Paths that could not be looked up in this run, by reason.
    pub failures: BTreeMap<String, Failures>,
    /// The result of each queue that this run drained.
    pub drained: Vec<Drained>,
    /// The failures to drain a queue: message and hint.
    pub queue_failures: Vec<(String, &'static str)>,
    /// The counts of the feed; `None` = the run did not read it.
    pub polled: Option<Polled>,
    /// The failure to read the feed: message and hint.
    pub feed_failure: Option<(String, &'static str)>,
    /// The counts of the replayed inbox rows.
    pub replayed: Replayed,
    /// True if no event was in the inbox and nothing was due.
    pub quiet: bool,
    /// The totals of each sink. A sink without any count is missing.
    pub sinks: BTreeMap<SinkName, SinkTotals>,
}

/// The values of one sink's counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkTotals {
    /// Files created.
    pub created: u64,
    /// Files updated.
    pub updated: u64,
    /// Files deleted.
    pub deleted: u64,
    /// Files renamed in their directory.
    pub renamed: u64,
    /// Files moved to another path.
    pub moved: u64,
    /// Files whose permissions were set without sending content.
    pub permissions_set: u64,
    /// Files that the sink already held.
    pub confirmed: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Files that were sent without a verified checksum.
    pub unverified: u64,
    /// Files of others that had to make way, and that the sink keeps.
    pub kept: u64,
    /// Files of the sink that others had changed or deleted.
    pub changed_by_others: u64,
    /// Objects skipped for this sink, by reason, if the state does not store the skip.
    pub skipped: BTreeMap<&'static str, Skips>,
    /// Operations that failed in this run, by reason.
    pub failures: BTreeMap<String, Failures>,
    /// Deletes that the guard held.
    pub deletes_held: u64,
}

/// Objects skipped for the same reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skips {
    /// The number.
    pub count: u64,
    /// The key of the first one.
    pub example: Option<ObjectKey>,
}

/// Failures for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// The number.
    pub count: u64,
    /// The advice for the operator.
    pub hint: &'static str,
    /// The path of the first failure.
    pub example: ObjectKey,
    /// The error message of the first failure, escaped for display.
    pub message: String,
}

impl RunTotals {
    /// The number of operations known so far, done ones included.
    pub fn to_do(&self) -> u64 {
        self.left_by_earlier_runs + self.listed.to_do
    }

    /// The totals of one sink.
    pub fn sink(&self, name: &SinkName) -> SinkTotals {
        self.sinks.get(name).cloned().unwrap_or_default()
    }

    /// Successful operations, in all sinks.
    pub fn done(&self) -> u64 {
        self.sinks.values().map(SinkTotals::done).sum()
    }

    /// Failed operations, in all sinks, and failed lookups.
    pub fn failed(&self) -> u64 {
        let of_sinks: u64 = self.sinks.values().map(SinkTotals::failed).sum();
        of_sinks + self.failures.values().map(|failures| failures.count).sum::<u64>()
    }
}

impl SinkTotals {
    /// Successful operations.
    pub fn done(&self) -> u64 {
        self.created + self.updated + self.deleted + self.renamed + self.moved + self.permissions_set + self.confirmed
    }

    /// Failed operations.
    pub fn failed(&self) -> u64 {
        self.failures.values().map(|failures| failures.count).sum()
    }
}

fn skip(skipped: &mut BTreeMap<&'static str, Skips>, reason: SkipReason, count: u64, example: Option<&ObjectKey>) {
    let skips = skipped.entry(reason.as_str()).or_default();
    skips.count += count;
    skips.example = skips.example.take().or_else(|| example.cloned());
}

fn fail(failures: &mut BTreeMap<String, Failures>, path: &ObjectKey, error: ErrorSummary) {
    let ErrorSummary { reason, message, hint } = error;
    let first = || Failures { count: 0, hint, example: path.clone(), message };
    failures.entry(reason).or_insert_with(first).count += 1;
}

impl RunCounters {
    /// The current values.
    pub fn totals(&self) -> RunTotals {
        self.lock().clone()
    }

    /// Counts a stored page. `last` = the listing ends with it.
    pub fn page(&self, counts: PageCounts, last: bool) {
        let mut totals = self.lock();
        totals.pages += 1;
        totals.listing_ended = last;
        totals.listed.files += counts.files;
        totals.listed.bytes += counts.bytes;
        totals.listed.markers += counts.markers;
        totals.listed.to_do += counts.to_do;
        totals.listed.to_do_bytes += counts.to_do_bytes;
    }

    /// Counts the fields of a page that were left out.
    pub fn left_out(&self, fields: &BTreeMap<&'static str, u64>) {
        let mut totals = self.lock();
        for (field, count) in fields {
            *totals.left_out.entry(field).or_default() += count;
        }
    }

    /// Records that the listing is not in the order of the keys' bytes.
    pub fn out_of_order(&self) {
        self.lock().listed_out_of_order = true;
    }

    /// Counts what an interrupted listing left: `to_do` paths are still pending, and `listing_ended` says whether that listing was
    /// complete.
    pub fn resumed(&self, to_do: u64, listing_ended: bool) {
        let mut totals = self.lock();
        totals.left_by_earlier_runs = to_do;
        totals.listing_ended = listing_ended;
    }

    /// Counts a failed lookup.
    pub fn lookup_failed(&self, path: &ObjectKey, error: ErrorSummary) {
        fail(&mut self.lock().failures, path, error);
    }

    /// Records the result of draining a queue.
    pub fn drained(&self, drained: Drained) {
        self.lock().drained.push(drained);
    }

    /// Records that a queue could not be drained.
    pub fn queue_failed(&self, message: String, hint: &'static str) {
        self.lock().queue_failures.push((message, hint));
    }

    /// Records the counts of the feed.
    pub fn polled(&self, polled: &Polled) {
        self.lock().polled = Some(polled.clone());
    }

    /// Records that the feed could not be read.
    pub fn feed_failed(&self, message: String, hint: &'static str) {
        self.lock().feed_failure = Some((message, hint));
    }

    /// Counts a replayed batch of the inbox.
    pub fn replayed(&self, replayed: &Replayed) {
        let mut totals = self.lock();
        totals.replayed.add(replayed);
        if replayed.not_in_bucket > 0 {
            skip(&mut totals.skipped, SkipReason::NotInBucket, replayed.not_in_bucket, replayed.not_in_bucket_example.as_ref());
        }
    }

    /// Records that the run had nothing to do.
    pub fn quiet(&self) {
        self.lock().quiet = true;
    }

    /// A poisoned lock is usable: the counts are plain numbers, consistent at any time.
    fn lock(&self) -> MutexGuard<'_, RunTotals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SinkCounters {
    /// The counters of one sink within those of the run.
    pub fn new(counters: Arc<RunCounters>, sink: SinkName) -> Self {
        Self { counters, sink }
    }

    /// Counts files that others had changed or deleted.
    pub fn changed_by_others(&self, files: u64) {
        self.count(|totals| totals.changed_by_others += files);
    }

    /// Counts an operation that ended without a failure.
    pub fn ended(&self, path: &ObjectKey, ending: &PathOutcome) {
        self.count(|totals| match ending {
            PathOutcome::Sent { effect, bytes, verified, kept } => {
                (totals.bytes, totals.kept) = (totals.bytes + bytes, totals.kept + kept);
                totals.unverified += u64::from(!verified);
                match effect {
                    Effect::Update => totals.updated += 1,
                    _ => totals.created += 1,
                }
            }
            PathOutcome::Confirmed => totals.confirmed += 1,
            PathOutcome::Deleted { kept } => (totals.deleted, totals.kept) = (totals.deleted + 1, totals.kept + kept),
            PathOutcome::Moved(Effect::Rename) => totals.renamed += 1,
            PathOutcome::Moved(_) => totals.moved += 1,
            PathOutcome::PermissionsSet => totals.permissions_set += 1,
            PathOutcome::Skipped(reason @ SkipReason::NotInBucket) => skip(&mut totals.skipped, *reason, 1, Some(path)),
            // The state stores these, or there is nothing to count.
            PathOutcome::Skipped(_) | PathOutcome::NotDue | PathOutcome::StaysPending | PathOutcome::Unchanged => {}
        });
    }

    /// Counts a failed operation.
    pub fn failed(&self, path: &ObjectKey, error: ErrorSummary) {
        self.count(|totals| fail(&mut totals.failures, path, error));
    }

    /// Counts a key that a lookup found although it seemed to be gone. Only a run that has listed the bucket missed it there.
    pub fn missed(&self, path: &ObjectKey, is_unchanged: bool) {
        let mut totals = self.counters.lock();
        if totals.listing_ended {
            totals.missed.add(path, is_unchanged);
        }
    }

    /// Records the number of deletes that the guard holds.
    pub fn held(&self, deletes: u64) {
        self.count(|totals| totals.deletes_held = deletes);
    }

    fn count(&self, count: impl FnOnce(&mut SinkTotals)) {
        count(self.counters.lock().sinks.entry(self.sink.clone()).or_default());
    }
}
