//! The counters of a run, updated while it happens: for the progress line, the summary and the report.

use super::counts::{Polled, Replayed};
use super::error_summary::ErrorSummary;
use super::path_outcome::PathOutcome;
use super::queue_status::Drained;
use crate::plan::{Effect, SkipReason};
use crate::record::{ObjectKey, PageCounts, SinkName};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The counts of one run. Shared by those who work and those who watch.
#[derive(Debug, Default)]
pub struct RunCounters(Mutex<RunTotals>);

/// The counts of one run for one of its sinks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SinkCounters {
    tally: Arc<RunCounters>,
    sink: SinkName,
}

/// A moment's counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Pages listed.
    pub pages: u64,
    /// True if the listing is complete.
    pub listing_ended: bool,
    /// The counts of the pages.
    pub listed: PageCounts,
    /// The paths that earlier runs listed and did not finish.
    pub left_by_earlier_runs: u64,
    /// Left out of all sinks, by reason, where the state does not keep it.
    pub skipped: BTreeMap<&'static str, Skips>,
    /// Paths that could not be looked up in this run, by reason.
    pub failures: BTreeMap<String, Failures>,
    /// The result of each queue that this run emptied.
    pub drained: Vec<Drained>,
    /// The reasons that queues could not be emptied, each with its remedy.
    pub queue_failures: Vec<(String, &'static str)>,
    /// The counts of the feed; `None` = it was not read.
    pub polled: Option<Polled>,
    /// The reason that the feed could not be read, with its remedy.
    pub feed_failure: Option<(String, &'static str)>,
    /// The counts of the inbox.
    pub replayed: Replayed,
    /// Nothing had been received and nothing was due.
    pub quiet: bool,
    /// The totals of each sink. A sink in which nothing was counted is missing.
    pub sinks: BTreeMap<SinkName, SinkTotals>,
}

/// A moment's counts for one sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkTotals {
    /// Files created.
    pub created: u64,
    /// Files updated.
    pub updated: u64,
    /// Files deleted.
    pub deleted: u64,
    /// Files that have another name in the same directory.
    pub renamed: u64,
    /// Files that are in another directory.
    pub moved: u64,
    /// Files that have other permissions, apart from those that came with content.
    pub permissions_set: u64,
    /// Files that the sink turned out to hold already.
    pub confirmed: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Files whose bytes no checksum proved.
    pub unverified: u64,
    /// Left out, by reason, where the state does not keep it.
    pub skipped: BTreeMap<&'static str, Skips>,
    /// Operations that failed in this run, by reason.
    pub failures: BTreeMap<String, Failures>,
    /// Deletes that the guard held.
    pub deletes_held: u64,
}

/// Objects that were left out for the same reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skips {
    /// The number.
    pub count: u64,
    /// The first of them.
    pub example: Option<ObjectKey>,
}

/// Failures for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// The number.
    pub count: u64,
    /// The operator's remedy.
    pub hint: &'static str,
    /// One of the paths.
    pub example: ObjectKey,
    /// The error message of the example; safe to print.
    pub message: String,
}

impl RunTotals {
    /// Operations that are to be done in all, as far as the listing has shown.
    pub fn to_do(&self) -> u64 {
        self.left_by_earlier_runs + self.listed.to_do
    }

    /// The totals of one sink.
    pub fn sink(&self, name: &SinkName) -> SinkTotals {
        self.sinks.get(name).cloned().unwrap_or_default()
    }

    /// Operations that were done, in all sinks.
    pub fn done(&self) -> u64 {
        self.sinks.values().map(SinkTotals::done).sum()
    }

    /// Operations that failed, in all sinks, and paths that could not be looked up.
    pub fn failed(&self) -> u64 {
        let of_sinks: u64 = self.sinks.values().map(SinkTotals::failed).sum();
        of_sinks + self.failures.values().map(|failures| failures.count).sum::<u64>()
    }
}

impl SinkTotals {
    /// Operations that were done.
    pub fn done(&self) -> u64 {
        self.created + self.updated + self.deleted + self.renamed + self.moved + self.permissions_set + self.confirmed
    }

    /// Operations that failed.
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
    /// The counts as they are now.
    pub fn totals(&self) -> RunTotals {
        self.lock().clone()
    }

    /// A page was stored.
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

    /// An earlier run has listed a part already, or everything; this much of it is still to be done.
    pub fn gone_on_with(&self, to_do: u64, listing_ended: bool) {
        let mut totals = self.lock();
        totals.left_by_earlier_runs = to_do;
        totals.listing_ended = listing_ended;
    }

    /// A path could not be looked up.
    pub fn lookup_failed(&self, path: &ObjectKey, error: ErrorSummary) {
        fail(&mut self.lock().failures, path, error);
    }

    /// A queue was emptied, as far as it could be.
    pub fn drained(&self, drained: Drained) {
        self.lock().drained.push(drained);
    }

    /// A queue could not be emptied: the reason and the remedy.
    pub fn queue_failed(&self, message: String, hint: &'static str) {
        self.lock().queue_failures.push((message, hint));
    }

    /// The feed was read.
    pub fn polled(&self, polled: &Polled) {
        self.lock().polled = Some(polled.clone());
    }

    /// The feed could not be read: the reason and the remedy.
    pub fn feed_failed(&self, message: String, hint: &'static str) {
        self.lock().feed_failure = Some((message, hint));
    }

    /// A batch of the inbox was replayed.
    pub fn replayed(&self, replayed: &Replayed) {
        let mut totals = self.lock();
        totals.replayed.add(replayed);
        if replayed.not_in_bucket > 0 {
            skip(&mut totals.skipped, SkipReason::NotInBucket, replayed.not_in_bucket, replayed.not_in_bucket_example.as_ref());
        }
    }

    /// There is nothing to do at all.
    pub fn quiet(&self) {
        self.lock().quiet = true;
    }

    /// Counts are plain numbers: what a panicking thread left is still a count.
    fn lock(&self) -> MutexGuard<'_, RunTotals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SinkCounters {
    /// The part of a run's counts that is about one sink.
    pub fn new(tally: Arc<RunCounters>, sink: SinkName) -> Self {
        Self { tally, sink }
    }

    /// An operation on a path ended.
    pub fn ended(&self, path: &ObjectKey, ending: &PathOutcome) {
        self.count(|totals| match ending {
            PathOutcome::Sent { effect, bytes, verified } => {
                totals.bytes += bytes;
                totals.unverified += u64::from(!verified);
                match effect {
                    Effect::Update => totals.updated += 1,
                    _ => totals.created += 1,
                }
            }
            PathOutcome::Confirmed => totals.confirmed += 1,
            PathOutcome::Deleted => totals.deleted += 1,
            PathOutcome::Moved(Effect::Rename) => totals.renamed += 1,
            PathOutcome::Moved(_) => totals.moved += 1,
            PathOutcome::PermissionsSet => totals.permissions_set += 1,
            PathOutcome::Skipped(reason @ SkipReason::NotInBucket) => skip(&mut totals.skipped, *reason, 1, Some(path)),
            // The state keeps these, with their reason.
            PathOutcome::Skipped(_) | PathOutcome::PutAside | PathOutcome::Waits | PathOutcome::Unchanged => {}
        });
    }

    /// An operation failed.
    pub fn failed(&self, path: &ObjectKey, error: ErrorSummary) {
        self.count(|totals| fail(&mut totals.failures, path, error));
    }

    /// The guard holds these deletes.
    pub fn held(&self, deletes: u64) {
        self.count(|totals| totals.deletes_held = deletes);
    }

    fn count(&self, count: impl FnOnce(&mut SinkTotals)) {
        count(self.tally.lock().sinks.entry(self.sink.clone()).or_default());
    }
}
