//! Reporting: one report of a run, for the file manager's side (`/reportResults`), for `--json` and for the history.
//! All keys of the contract are always there; those under `run` and after it are ours.

mod parts;
mod sink;
#[cfg(feature = "cli")]
mod summary;

pub use parts::{EventCounts, FailureLine, Feed, Listing, Operations, PassedOver, PendingCounts, Queue, ServiceInfo, Statistics};

pub use sink::SinkReport;

use crate::record::{EventKind, SinkName};
use crate::run::{self, RunKind, RunTotals};
use crate::state::Overview;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The most lines in `errors`: the counts give the rest.
const ERRORS_MOST: usize = 100;

/// The result of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// `initial` or `incremental`.
    pub sync_type: Cow<'static, str>,
    /// Ours: `reconcile` where the bucket was listed to heal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Cow<'static, str>>,
    /// When the run ended, ISO-8601.
    pub timestamp: String,
    /// `false` if anything failed, was held back, or is not done.
    pub success: bool,
    /// Seconds.
    pub duration_seconds: f64,
    /// Counts.
    pub statistics: Statistics,
    /// Events by kind.
    pub event_counts: EventCounts,
    /// The failures, one line each.
    pub errors: Vec<String>,
    /// The state and the bucket.
    pub service_info: ServiceInfo,
    /// Ours: the run's number.
    pub run: u64,
    /// Ours: nothing had been received and nothing was due, so nothing was looked up and no snapshot written.
    pub quiet: bool,
    /// Ours: the counts of the queues; `null` = this run emptied none (beside a daemon, which receives from them all the time).
    #[serde(default)]
    pub queue: Option<Queue>,
    /// Ours: the counts of the feed; `null` = it was not read.
    pub feed: Option<Feed>,
    /// Ours: events that needed no work, of the queue and of the feed.
    #[serde(default)]
    pub passed_over: PassedOver,
    /// Ours: the counts of the listing.
    pub listing: Listing,
    /// Ours: operations by kind.
    pub operations: Operations,
    /// Ours: the skipped files, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Ours: the first key of each reason, escaped for display.
    #[serde(default)]
    pub skipped_examples: BTreeMap<String, String>,
    /// Ours: the failures, by reason, with a hint.
    pub failures: Vec<FailureLine>,
    /// Ours: the pending work, by reason.
    pub pending: PendingCounts,
    /// Ours: deletes that the guard held.
    pub deletes_held: u64,
    /// Ours: of `record_count`, the files that the file manager has not confirmed since their rows came into doubt.
    #[serde(default)]
    pub unconfirmed: u64,
    /// Ours: files that the file manager holds outside of the prefix, from before it was set: they are not changed.
    #[serde(default)]
    pub outside_prefix: u64,
    /// Ours: events of the feed may have been missed, and no listing has healed it yet.
    pub feed_gap: bool,
    /// Ours: files whose bytes no checksum could prove (their length was).
    pub unverified: u64,
    /// Ours: the result of each sink, by its name. The keys above are those of one sink alone: of the file manager, or, if there is
    /// none, of the sink that was added first.
    #[serde(default)]
    pub sinks: BTreeMap<String, SinkReport>,
    /// Ours: the reason why the receiver did not accept this report. The posted report cannot know it: there it is `null`.
    pub report_refused: Option<String>,
}

/// The inputs of a report, beside the counts.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The run's number.
    pub run: u64,
    /// The flow.
    pub kind: RunKind,
    /// The begin and the end of the run.
    pub time: (Timestamp, Timestamp),
    /// The place of the state, and the bucket.
    pub subject: (String, String),
    /// The reason why the run could not go on: an unreachable endpoint, with its hint.
    pub stopped_by: Option<(String, &'static str)>,
    /// The reasons why sinks could not go on, with hints, while the run could.
    pub stopped_sinks: BTreeMap<SinkName, (String, &'static str)>,
}

impl Report {
    /// Puts a run's report together.
    pub fn of_run(frame: &Frame, totals: &RunTotals, overview: &Overview) -> Self {
        let (began, ended) = frame.time;
        let sinks: BTreeMap<_, _> = overview
            .sinks
            .iter()
            .map(|sink| {
                let report = SinkReport::new(&totals.sink(&sink.name), sink, frame.stopped_sinks.get(&sink.name));
                (sink.name.as_str().to_owned(), report)
            })
            .collect();
        let main = overview.main_sink().map(|sink| sink.name.as_str());
        let errors = errors(frame, totals, &sinks, main);
        let of_main = main.and_then(|name| sinks.get(name)).cloned().unwrap_or_default();
        let failed = of_main.failed.max(totals.failures.values().map(|failures| failures.count).sum());
        Self {
            sync_type: Cow::Borrowed(if frame.kind == RunKind::Initial { "initial" } else { "incremental" }),
            mode: (frame.kind == RunKind::Reconcile).then_some(Cow::Borrowed("reconcile")),
            timestamp: ended.to_string(),
            success: errors.is_empty()
                && (totals.listing_ended || frame.kind == RunKind::Incremental)
                && sinks.values().all(|sink| sink.success)
                && totals.replayed.stayed == 0,
            duration_seconds: ended.duration_since(began).as_secs_f64(),
            statistics: Statistics {
                events_processed: totals.replayed.all_events(),
                operations_processed: of_main.operations.all(),
                operations_failed: failed,
                files_processed: of_main.operations.create + of_main.operations.update + of_main.operations.confirm,
                files_failed: failed,
                total_size: of_main.bytes,
            },
            event_counts: event_counts(totals),
            errors,
            service_info: ServiceInfo {
                database_path: frame.subject.0.clone(),
                customer_bucket: frame.subject.1.clone(),
                record_count: of_main.record_count,
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
            operations: of_main.operations,
            skipped: with_skipped(of_main.skipped, totals),
            skipped_examples: with_skipped_examples(of_main.skipped_examples, totals),
            failures: sink::failure_lines(&totals.failures).chain(of_main.failures).collect(),
            pending: of_main.pending,
            deletes_held: of_main.deletes_held,
            unconfirmed: of_main.unconfirmed,
            outside_prefix: of_main.outside_prefix,
            feed_gap: overview.feed_gap.is_some(),
            unverified: of_main.unverified,
            sinks,
            report_refused: None,
        }
    }

    /// True if the guard holds deletes of any sink.
    pub fn holds_deletes(&self) -> bool {
        self.sinks.values().any(|sink| sink.deletes_held > 0)
    }
}

/// A sentence for each reason why the run is no success, the most important first. A sentence of a sink other than the main one
/// begins with its name.
fn errors(frame: &Frame, totals: &RunTotals, sinks: &BTreeMap<String, SinkReport>, main: Option<&str>) -> Vec<String> {
    let stopped = frame.stopped_by.as_ref().map(|(message, hint)| format!("stopped: {message} ({hint})"));
    let stopped_sinks = sinks.iter().filter(|_| frame.stopped_by.is_none());
    let stopped_sinks = stopped_sinks.filter_map(|(name, sink)| Some(format!("stopped {name}: {}", sink.stopped.as_ref()?)));
    let queues = totals.queue_failures.iter().map(|(message, hint)| format!("queue: {message} ({hint})"));
    let feed = totals.feed_failure.as_ref().map(|(message, hint)| format!("feed: {message} ({hint})"));
    let of_main = main.and_then(|name| sinks.get(name)).into_iter().flat_map(SinkReport::errors);
    let of_others = sinks.iter().filter(|(name, _)| Some(name.as_str()) != main);
    let of_others = of_others.flat_map(|(name, sink)| sink.errors().map(move |error| format!("{name}: {error}")));
    let lookups = sink::failure_lines(&totals.failures).map(|line| line.sentence());
    let all = stopped.into_iter().chain(stopped_sinks).chain(queues).chain(feed).chain(of_main).chain(lookups).chain(of_others);
    all.take(ERRORS_MOST).collect()
}

/// Adds the files skipped for all sinks to those skipped in the main sink.
fn with_skipped(mut skipped: BTreeMap<String, u64>, totals: &RunTotals) -> BTreeMap<String, u64> {
    for (reason, skips) in &totals.skipped {
        *skipped.entry((*reason).to_owned()).or_default() += skips.count;
    }
    skipped
}

fn with_skipped_examples(mut examples: BTreeMap<String, String>, totals: &RunTotals) -> BTreeMap<String, String> {
    for (reason, skips) in &totals.skipped {
        if let Some(example) = &skips.example {
            examples.entry((*reason).to_owned()).or_insert_with(|| example.to_string());
        }
    }
    examples
}

fn event_counts(totals: &RunTotals) -> EventCounts {
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

fn passed_over(totals: &RunTotals) -> run::IgnoredEvents {
    let of_queues = totals.drained.iter().map(|drained| &drained.status.passed_over);
    let of_feed = totals.polled.iter().map(|polled| &polled.passed_over);
    of_queues.chain(of_feed).cloned().fold(run::IgnoredEvents::default(), run::IgnoredEvents::and)
}
