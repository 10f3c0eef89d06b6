//! The result of a run for one sink, and the state of the sink after it.

use super::parts::{FailureLine, Operations, PendingCounts};
use crate::plan::SkipReason;
use crate::run::{Failures, SinkTotals, Skips};
use crate::state::{SinkOverview, WaitingPaths};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One sink's part of a report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SinkReport {
    /// `false` if anything failed in this sink, is held by the guard, or is still pending.
    pub success: bool,
    /// The reason why the sink was stopped alone, with a hint; `null` = it was not.
    pub stopped: Option<String>,
    /// Operations by kind.
    pub operations: Operations,
    /// Bytes sent.
    pub bytes: u64,
    /// The skipped files, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The first skipped key of each reason, escaped for display.
    pub skipped_examples: BTreeMap<String, String>,
    /// How many of the skipped files an earlier run skipped, too, by reason.
    pub skipped_before: BTreeMap<String, u64>,
    /// The failures, one entry per reason, with a hint.
    pub failures: Vec<FailureLine>,
    /// The pending work.
    pub pending: PendingCounts,
    /// The number of deletes that the guard holds.
    pub deletes_held: u64,
    /// The number of applied rows: files that the sink has, or may have.
    pub record_count: u64,
    /// How many of these rows are unconfirmed.
    pub unconfirmed: u64,
    /// Files outside of the prefix that were applied before the prefix was set. They are not changed.
    pub outside_prefix: u64,
    /// Files that were sent without a verified checksum. Their length was verified.
    pub unverified: u64,
    /// Files of others that had to make way, and that the sink keeps.
    #[serde(default)]
    pub kept: u64,
    /// Files of the sink that others had changed or deleted, as the run found. They are written again.
    #[serde(default)]
    pub changed_by_others: u64,
    /// Failed operations: those of this run or all parked ones, whichever number is greater.
    #[serde(skip)]
    pub(super) failed: u64,
}

impl SinkReport {
    /// Combines the counts of a run with the state of the sink after the run. `stopped` is the reason and the hint if the sink was stopped.
    pub(super) fn new(totals: &SinkTotals, overview: &SinkOverview, stopped: Option<&(String, &'static str)>) -> Self {
        let (parked, held) = (overview.paths("parked"), overview.paths("held"));
        let pending = PendingCounts { due: overview.paths("due") + held, parked, next_attempt: next_attempt(&overview.waiting) };
        let failures: Vec<_> = failure_lines(&totals.failures).chain(too_large(overview)).collect();
        let deletes_held = totals.deletes_held.max(held);
        let nothing_failed = stopped.is_none() && failures.is_empty() && deletes_held == 0;
        Self {
            success: nothing_failed && overview.open_intents == 0 && parked == 0 && pending.due == 0,
            stopped: stopped.map(|(message, hint)| format!("{message} ({hint})")),
            operations: Operations {
                create: totals.created,
                update: totals.updated,
                delete: totals.deleted,
                rename: totals.renamed,
                r#move: totals.moved,
                set_permissions: totals.permissions_set,
                confirm: totals.confirmed,
            },
            bytes: totals.bytes,
            skipped: skipped(&totals.skipped, overview),
            skipped_examples: skipped_examples(&totals.skipped, overview),
            skipped_before: skipped_before(overview),
            failures,
            pending,
            deletes_held,
            record_count: overview.applied_rows,
            unconfirmed: overview.unconfirmed_rows,
            outside_prefix: overview.outside_prefix,
            unverified: totals.unverified,
            kept: totals.kept,
            changed_by_others: totals.changed_by_others,
            failed: parked.max(totals.failed()),
        }
    }

    /// A sentence for each reason why the sink is not in sync, the most important first.
    pub(super) fn errors(&self) -> impl Iterator<Item = String> {
        let held = (self.deletes_held > 0).then(|| {
            let deletes = self.deletes_held;
            format!("held: {deletes} deletes, which the guard does not let go (--allow-deletes {deletes} sends them)")
        });
        held.into_iter().chain(self.failures.iter().map(FailureLine::sentence))
    }
}

/// The failures of a run, a line for each reason.
pub(super) fn failure_lines(failures: &BTreeMap<String, Failures>) -> impl Iterator<Item = FailureLine> {
    failures.iter().map(|(reason, failures)| FailureLine::new(reason, failures))
}

/// The failure of files that have grown beyond the size limit. They are parked without an attempt, so the counts of the run do not include
/// them.
fn too_large(overview: &SinkOverview) -> Option<FailureLine> {
    use SkipReason::TooLarge;
    let waiting =
        overview.waiting.iter().find(|waiting| waiting.status == "parked" && waiting.reason.as_deref() == Some(TooLarge.as_str()))?;
    let example = waiting.example.as_ref().map(ToString::to_string).unwrap_or_default();
    let message = format!("{example} has grown beyond MAX_FILE_SIZE_MB: {} keeps its old content", overview.name.in_words());
    Some(FailureLine { reason: TooLarge.as_str().to_owned(), count: waiting.paths, example, message, hint: TooLarge.hint().to_owned() })
}

fn skipped(of_run: &BTreeMap<&'static str, Skips>, overview: &SinkOverview) -> BTreeMap<String, u64> {
    let mut skipped: BTreeMap<_, _> = of_run.iter().map(|(reason, skips)| ((*reason).to_owned(), skips.count)).collect();
    for waiting in kept_skips(overview) {
        *skipped.entry(waiting.reason.clone().unwrap_or_default()).or_default() += waiting.paths;
    }
    skipped
}

fn skipped_examples(of_run: &BTreeMap<&'static str, Skips>, overview: &SinkOverview) -> BTreeMap<String, String> {
    let of_run = of_run.iter().filter_map(|(reason, skips)| Some(((*reason).to_owned(), skips.example.as_ref()?.to_string())));
    let kept = kept_skips(overview).filter_map(|waiting| Some((waiting.reason.clone()?, waiting.example.as_ref()?.to_string())));
    of_run.chain(kept).collect()
}

fn skipped_before(overview: &SinkOverview) -> BTreeMap<String, u64> {
    let before = kept_skips(overview).filter(|waiting| waiting.skipped_before > 0);
    before.map(|waiting| (waiting.reason.clone().unwrap_or_default(), waiting.skipped_before)).collect()
}

/// The skipped files that the state stores.
fn kept_skips(overview: &SinkOverview) -> impl Iterator<Item = &WaitingPaths> {
    overview.waiting.iter().filter(|waiting| waiting.status == "skipped")
}

fn next_attempt(waiting: &[WaitingPaths]) -> Option<String> {
    waiting
        .iter()
        .filter(|waiting| waiting.status == "parked")
        .filter_map(|waiting| waiting.next_attempt)
        .min()
        .map(|time| time.to_string())
}
