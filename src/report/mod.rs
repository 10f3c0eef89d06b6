//! Telling: one report of a run, for the file manager's side (`/reportResults`), for `--json` and for the history.
//! All keys of the contract are always there; those under `run` and after it are ours.

mod parts;
mod summary;

pub use parts::{EventCounts, FailureLine, Feed, Listing, Operations, PassedOver, PendingCounts, Queue, ServiceInfo, Statistics};

use crate::record::EventKind;
use crate::run::{self, RunKind, Totals};
use crate::state::{Overview, Waiting};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Lines in `errors` at the most: the counts tell the rest.
const ERRORS_MOST: usize = 100;

/// What a run did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// `initial` or `incremental`.
    pub sync_type: Cow<'static, str>,
    /// Ours: `reconcile` where the bucket was listed to heal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Cow<'static, str>>,
    /// When the run ended, ISO-8601.
    pub timestamp: String,
    /// `false` when anything failed, was held back, or is left undone.
    pub success: bool,
    /// Seconds.
    pub duration_seconds: f64,
    /// Counts.
    pub statistics: Statistics,
    /// Events by kind.
    pub event_counts: EventCounts,
    /// What failed, one line each.
    pub errors: Vec<String>,
    /// Which state and bucket.
    pub service_info: ServiceInfo,
    /// Ours: the run's number.
    pub run: u64,
    /// Ours: nothing had been received and nothing was due, so nothing was looked at and no snapshot written.
    pub quiet: bool,
    /// Ours: what the queues brought; `null` = this run emptied none (beside a daemon, which listens to them all the time).
    #[serde(default)]
    pub queue: Option<Queue>,
    /// Ours: what the feed brought; `null` = it was not read.
    pub feed: Option<Feed>,
    /// Ours: events that there was nothing to do about, of the queue and of the feed.
    #[serde(default)]
    pub passed_over: PassedOver,
    /// Ours: what the listing showed.
    pub listing: Listing,
    /// Ours: operations by kind.
    pub operations: Operations,
    /// Ours: what was left out, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Ours: the first key of each reason, escaped for display.
    #[serde(default)]
    pub skipped_examples: BTreeMap<String, String>,
    /// Ours: what failed, by reason, with a hint.
    pub failures: Vec<FailureLine>,
    /// Ours: what is still to be done, and why.
    pub pending: PendingCounts,
    /// Ours: deletes that the guard held.
    pub deletes_held: u64,
    /// Ours: of `record_count`, the files that the file manager has not confirmed since their rows came into doubt.
    #[serde(default)]
    pub unconfirmed: u64,
    /// Ours: files that the file manager holds outside of the prefix, from before it was set: nothing becomes of them.
    #[serde(default)]
    pub outside_prefix: u64,
    /// Ours: events of the feed may have been missed, and no listing has healed it yet.
    pub feed_gap: bool,
    /// Ours: files whose bytes no checksum could prove (their length was).
    pub unverified: u64,
    /// Ours: why this report was not taken where it was posted to. What was posted cannot know: there it is `null`.
    pub report_refused: Option<String>,
}

/// What a report is made of, beside the counts.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The run's number.
    pub run: u64,
    /// Which flow.
    pub kind: RunKind,
    /// When it began and ended.
    pub time: (Timestamp, Timestamp),
    /// Where the state lies, and the bucket.
    pub subject: (String, String),
    /// Why the run could not go on: a shut door, with its hint.
    pub stopped_by: Option<(String, &'static str)>,
    /// Files that the file manager holds outside of the prefix.
    pub outside_prefix: u64,
}

impl Report {
    /// Puts a run's report together.
    pub fn of_run(frame: &Frame, totals: &Totals, overview: &Overview) -> Self {
        let (began, ended) = frame.time;
        let parked = overview.paths("parked");
        let held = overview.paths("held");
        let pending = PendingCounts { due: overview.paths("due") + held, parked, next_attempt: next_attempt(&overview.waiting) };
        let failures: Vec<_> =
            totals.failures.iter().map(|(reason, failures)| FailureLine::new(reason, failures)).chain(too_large(overview)).collect();
        let deletes_held = totals.deletes_held.max(held);
        let errors = errors(frame, totals, deletes_held, &failures);
        Self {
            sync_type: Cow::Borrowed(if frame.kind == RunKind::Initial { "initial" } else { "incremental" }),
            mode: (frame.kind == RunKind::Reconcile).then_some(Cow::Borrowed("reconcile")),
            timestamp: ended.to_string(),
            success: errors.is_empty()
                && (totals.listing_ended || frame.kind == RunKind::Incremental)
                && overview.open_intents == 0
                && parked == 0
                && pending.due == 0
                && totals.replayed.stayed == 0,
            duration_seconds: ended.duration_since(began).as_secs_f64(),
            statistics: Statistics {
                events_processed: totals.replayed.all_events(),
                operations_processed: totals.done(),
                operations_failed: parked.max(totals.failed()),
                files_processed: totals.created + totals.updated + totals.confirmed,
                files_failed: parked.max(totals.failed()),
                total_size: totals.bytes,
            },
            event_counts: event_counts(totals),
            errors,
            service_info: ServiceInfo {
                database_path: frame.subject.0.clone(),
                customer_bucket: frame.subject.1.clone(),
                record_count: overview.applied_rows,
            },
            run: frame.run,
            quiet: totals.quiet,
            queue: Queue::of_all(&totals.drained),
            feed: totals.polled.as_ref().map(Feed::from),
            passed_over: passed_over(totals).into(),
            listing: Listing {
                completed: totals.listing_ended,
                pages: totals.pages,
                files: totals.listed.files,
                bytes: totals.listed.bytes,
                directory_markers: totals.listed.markers,
            },
            operations: Operations {
                create: totals.created,
                update: totals.updated,
                delete: totals.deleted,
                rename: totals.renamed,
                r#move: totals.moved,
                set_permissions: totals.permissions_set,
                confirm: totals.confirmed,
            },
            skipped: skipped(totals, overview),
            skipped_examples: skipped_examples(totals, overview),
            failures,
            pending,
            deletes_held,
            unconfirmed: overview.unconfirmed_rows,
            outside_prefix: frame.outside_prefix,
            feed_gap: overview.feed_gap.is_some(),
            unverified: totals.unverified,
            report_refused: None,
        }
    }
}

/// A sentence for everything because of which the run is no success, the most telling first.
fn errors(frame: &Frame, totals: &Totals, deletes_held: u64, failures: &[FailureLine]) -> Vec<String> {
    let stopped = frame.stopped_by.as_ref().map(|(message, hint)| format!("stopped: {message} ({hint})"));
    let queues = totals.queue_failures.iter().map(|(message, hint)| format!("queue: {message} ({hint})"));
    let feed = totals.feed_failure.as_ref().map(|(message, hint)| format!("feed: {message} ({hint})"));
    let held = (deletes_held > 0)
        .then(|| format!("held: {deletes_held} deletes, which the guard does not let go (--allow-deletes {deletes_held} sends them)"));
    let failed = failures.iter().map(FailureLine::sentence);
    stopped.into_iter().chain(queues).chain(feed).chain(held).chain(failed).take(ERRORS_MOST).collect()
}

fn event_counts(totals: &Totals) -> EventCounts {
    let of = |kind| totals.replayed.of(kind);
    EventCounts {
        change_permission: of(EventKind::ChangePermission),
        delete: of(EventKind::Delete),
        create: of(EventKind::Create),
        rename: of(EventKind::Rename),
        r#move: of(EventKind::Move),
        errors: totals.replayed.buried
            + totals.drained.iter().map(|drained| drained.status.dead).sum::<u64>()
            + totals.polled.as_ref().map_or(0, |polled| polled.dead),
    }
}

fn passed_over(totals: &Totals) -> run::IgnoredEvents {
    let of_queues = totals.drained.iter().map(|drained| &drained.status.passed_over);
    let of_feed = totals.polled.iter().map(|polled| &polled.passed_over);
    of_queues.chain(of_feed).cloned().fold(run::IgnoredEvents::default(), run::IgnoredEvents::and)
}

impl FailureLine {
    fn new(reason: &str, failures: &run::Failures) -> Self {
        Self {
            reason: reason.to_owned(),
            count: failures.count,
            example: failures.example.to_string(),
            message: failures.message.clone(),
            hint: failures.hint.to_owned(),
        }
    }

    fn sentence(&self) -> String {
        let others = if self.count > 1 { format!(" (and {} more)", self.count - 1) } else { String::new() };
        format!("{}: {}{others}", self.reason, self.message)
    }
}

/// A known file that has grown beyond the bound stays pending as a failure that no attempt of this run counted.
fn too_large(overview: &Overview) -> Option<FailureLine> {
    use crate::plan::SkipReason::TooLarge;
    let waiting =
        overview.waiting.iter().find(|waiting| waiting.status == "parked" && waiting.reason.as_deref() == Some(TooLarge.as_str()))?;
    let example = waiting.example.as_ref().map(ToString::to_string).unwrap_or_default();
    let message = format!("{example} has grown beyond MAX_FILE_SIZE_MB: the file manager keeps its old content");
    Some(FailureLine { reason: TooLarge.as_str().to_owned(), count: waiting.paths, example, message, hint: TooLarge.hint().to_owned() })
}

fn skipped(totals: &Totals, overview: &Overview) -> BTreeMap<String, u64> {
    let mut skipped: BTreeMap<_, _> = totals.skipped.iter().map(|(reason, skips)| ((*reason).to_owned(), skips.count)).collect();
    for waiting in kept_skips(overview) {
        *skipped.entry(waiting.reason.clone().unwrap_or_default()).or_default() += waiting.paths;
    }
    skipped
}

fn skipped_examples(totals: &Totals, overview: &Overview) -> BTreeMap<String, String> {
    let of_run = totals.skipped.iter().filter_map(|(reason, skips)| Some(((*reason).to_owned(), skips.example.as_ref()?.to_string())));
    let kept = kept_skips(overview).filter_map(|waiting| Some((waiting.reason.clone()?, waiting.example.as_ref()?.to_string())));
    of_run.chain(kept).collect()
}

/// What the state keeps of what was left out.
fn kept_skips(overview: &Overview) -> impl Iterator<Item = &Waiting> {
    overview.waiting.iter().filter(|waiting| waiting.status == "skipped")
}

fn next_attempt(waiting: &[Waiting]) -> Option<String> {
    waiting
        .iter()
        .filter(|waiting| waiting.status == "parked")
        .filter_map(|waiting| waiting.next_attempt)
        .min()
        .map(|time| time.to_string())
}
