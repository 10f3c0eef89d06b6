//! The report of a run, for the events API (`/reportResults`), for `--json` and for the history. The keys of the contract are always
//! present. The other keys, marked "ours", are additions of this program.

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

/// The maximum number of lines in `errors`. The counts include the rest.
const MAX_ERRORS: usize = 100;

/// The report of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// `initial` or `incremental`.
    pub sync_type: Cow<'static, str>,
    /// Ours: `reconcile` for a reconcile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Cow<'static, str>>,
    /// When the run ended, ISO-8601.
    pub timestamp: String,
    /// `false` if anything failed, is held by the guard, or is still pending.
    pub success: bool,
    /// The duration of the run in seconds.
    pub duration_seconds: f64,
    /// The counts of events and operations.
    pub statistics: Statistics,
    /// The consumed events by kind.
    pub event_counts: EventCounts,
    /// The failures, one line each.
    pub errors: Vec<String>,
    /// The state and the bucket.
    pub service_info: ServiceInfo,
    /// Ours: the number of the run.
    pub run: u64,
    /// Ours: true if no event was in the inbox and nothing was due. Then the run looked nothing up and wrote no snapshot.
    pub quiet: bool,
    /// Ours: the counts of the queues; `null` = this run drained none. In a daemon the listeners receive from them instead.
    #[serde(default)]
    pub queue: Option<Queue>,
    /// Ours: the counts of the feed; `null` = the run did not read it.
    pub feed: Option<Feed>,
    /// Ours: the ignored events, of the queues and of the feed.
    #[serde(default)]
    pub passed_over: PassedOver,
    /// Ours: the counts of the listing.
    pub listing: Listing,
    /// Ours: operations by kind.
    pub operations: Operations,
    /// Ours: the skipped files, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Ours: the first skipped key of each reason, escaped for display.
    #[serde(default)]
    pub skipped_examples: BTreeMap<String, String>,
    /// Ours: how many of the skipped files an earlier run skipped, too, by reason. Files that no sink keeps a row of (keys that are not
    /// valid, objects that were gone before the run came to them) count as new each time.
    #[serde(default)]
    pub skipped_before: BTreeMap<String, u64>,
    /// Ours: the failures, one entry per reason, with a hint.
    pub failures: Vec<FailureLine>,
    /// Ours: the pending work.
    pub pending: PendingCounts,
    /// Ours: the number of deletes that the guard holds.
    pub deletes_held: u64,
    /// Ours: how many of the `record_count` files have an unconfirmed applied row.
    #[serde(default)]
    pub unconfirmed: u64,
    /// Ours: files outside of the prefix that were applied before the prefix was set. They are not changed.
    #[serde(default)]
    pub outside_prefix: u64,
    /// Ours: true if events may have been missed and no listing has completed since.
    pub feed_gap: bool,
    /// Ours: the dead letters at the end of the run, also those of earlier runs, until they are retried or dropped.
    #[serde(default)]
    pub dead_letters: u64,
    /// Ours: files that were sent without a verified checksum. Their length was verified.
    pub unverified: u64,
    /// Ours: files of others that had to make way in the sink, which keeps them.
    #[serde(default)]
    pub kept: u64,
    /// Ours: files of the sink that others had changed or deleted, as the run found. They are written again.
    #[serde(default)]
    pub changed_by_others: u64,
    /// Ours: the result of each sink, by its name. The keys above describe the main sink only: the file manager, or, if there is none, the
    /// sink that was added first.
    #[serde(default)]
    pub sinks: BTreeMap<String, SinkReport>,
    /// Ours: the reason why the receiver did not accept this report. In the posted report it is always `null`.
    pub report_refused: Option<String>,
    /// What concerned the whole run. A received report does not have it.
    #[serde(skip)]
    pub trouble: Trouble,
}

/// What concerned a whole run, and no sink alone. `errors` has the same in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// True if the run was stopped: by a signal, the state, the source, or because every sink was.
    pub is_stopped: bool,
    /// Why the feed could not be read, with a hint.
    pub feed: Option<String>,
    /// True if a queue could not be read.
    pub queue: bool,
}

/// The inputs of a report, in addition to the counts.
#[derive(Clone, Debug)]
pub struct ReportContext {
    /// The number of the run.
    pub run: u64,
    /// The kind of the run.
    pub kind: RunKind,
    /// When the run began and ended.
    pub time: (Timestamp, Timestamp),
    /// The path of the database, and the name of the bucket.
    pub subject: (String, String),
    /// The reason why the run stopped early, with a hint; `None` = it did not.
    pub stopped_by: Option<(String, &'static str)>,
    /// The sinks that were stopped alone, with the reason and a hint.
    pub stopped_sinks: BTreeMap<SinkName, (String, &'static str)>,
}

impl Report {
    /// Creates the report of a run.
    pub fn of_run(frame: &ReportContext, totals: &RunTotals, overview: &Overview) -> Self {
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
        let listing = Listing::from(totals);
        let errors = errors(frame, totals, (&listing, &sinks), main);
        let of_main = main.and_then(|name| sinks.get(name)).cloned().unwrap_or_default();
        let failed = of_main.failed.max(totals.failures.values().map(|failures| failures.count).sum());
        Self {
            sync_type: Cow::Borrowed(if frame.kind == RunKind::Initial { "initial" } else { "incremental" }),
            mode: (frame.kind == RunKind::Reconcile).then_some(Cow::Borrowed("reconcile")),
            timestamp: ended.to_string(),
            success: errors.is_empty()
                && (totals.listing_ended || frame.kind == RunKind::Incremental)
                && sinks.values().all(|sink| sink.success)
                && totals.replayed.kept_rows == 0,
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
            listing,
            operations: of_main.operations,
            skipped: with_skipped(of_main.skipped, totals),
            skipped_examples: with_skipped_examples(of_main.skipped_examples, totals),
            skipped_before: of_main.skipped_before,
            failures: sink::failure_lines(&totals.failures).chain(of_main.failures).collect(),
            pending: of_main.pending,
            deletes_held: of_main.deletes_held,
            unconfirmed: of_main.unconfirmed,
            outside_prefix: of_main.outside_prefix,
            feed_gap: overview.feed_gap.is_some(),
            dead_letters: overview.dead_letters,
            unverified: of_main.unverified,
            kept: of_main.kept,
            changed_by_others: of_main.changed_by_others,
            sinks,
            report_refused: None,
            trouble: Trouble {
                is_stopped: frame.stopped_by.is_some(),
                feed: totals.feed_failure.as_ref().map(|(message, hint)| format!("feed: {message} ({hint})")),
                queue: !totals.queue_failures.is_empty(),
            },
        }
    }

    /// The problem of dead letters for `status` and `health`; `None` = there are none. `example` says why one could not be used.
    pub fn dead_letters_problem(dead_letters: u64, example: Option<&str>) -> Option<String> {
        let example = example.map(|example| format!("; for example: {example}")).unwrap_or_default();
        (dead_letters > 0)
            .then(|| format!("events that could not be used: {dead_letters} (`s3-sync dead-letters list` shows them{example})"))
    }

    /// True if sinks were stopped, and everything else that the run needs or reads was reachable.
    pub fn has_only_stopped_sinks(&self) -> bool {
        self.sinks.values().any(|sink| sink.stopped.is_some()) && self.trouble == Trouble::default()
    }

    /// True if the guard holds deletes of any sink.
    pub fn holds_deletes(&self) -> bool {
        self.sinks.values().any(|sink| sink.deletes_held > 0)
    }
}

/// A sentence for each reason why the run was no success, the most important first. A sentence about a sink other than the main one begins
/// with the sink's name.
fn errors(
    frame: &ReportContext,
    totals: &RunTotals,
    (listing, sinks): (&Listing, &BTreeMap<String, SinkReport>),
    main: Option<&str>,
) -> Vec<String> {
    let stopped = frame.stopped_by.as_ref().map(|(message, hint)| format!("stopped: {message} ({hint})"));
    let stopped_sinks = sinks.iter().filter(|_| frame.stopped_by.is_none());
    let stopped_sinks = stopped_sinks.filter_map(|(name, sink)| Some(format!("stopped {name}: {}", sink.stopped.as_ref()?)));
    let queues = totals.queue_failures.iter().map(|(message, hint)| format!("queue: {message} ({hint})"));
    let feed = totals.feed_failure.as_ref().map(|(message, hint)| format!("feed: {message} ({hint})"));
    let of_main = main.and_then(|name| sinks.get(name)).into_iter().flat_map(SinkReport::errors);
    let of_others = sinks.iter().filter(|(name, _)| Some(name.as_str()) != main);
    let of_others = of_others.flat_map(|(name, sink)| sink.errors().map(move |error| format!("{name}: {error}")));
    let lookups = sink::failure_lines(&totals.failures).map(|line| line.sentence());
    let all = stopped
        .into_iter()
        .chain(stopped_sinks)
        .chain(queues)
        .chain(feed)
        .chain(listing.incomplete())
        .chain(of_main)
        .chain(lookups)
        .chain(of_others);
    all.take(MAX_ERRORS).collect()
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
        errors: totals.replayed.dead_lettered
            + totals.drained.iter().map(|drained| drained.status.dead_letters).sum::<u64>()
            + totals.polled.as_ref().map_or(0, |polled| polled.dead_letters),
    }
}

fn passed_over(totals: &RunTotals) -> run::IgnoredEvents {
    let of_queues = totals.drained.iter().map(|drained| &drained.status.ignored);
    let of_feed = totals.polled.iter().map(|polled| &polled.ignored);
    of_queues.chain(of_feed).cloned().fold(run::IgnoredEvents::default(), run::IgnoredEvents::and)
}
