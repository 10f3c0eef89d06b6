//! The result of a run in one sink, and the state of the sink after it.

use super::parts::{FailureLine, Operations, PendingCounts};
use crate::plan::SkipReason;
use crate::run::{Failures, SinkTotals, Skips};
use crate::state::{SinkOverview, Waiting};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One sink's part of a report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SinkReport {
    /// `false` if anything failed in this sink, was held back, or is not done.
    pub success: bool,
    /// The reason why the sink could not go on, with a hint; `null` = it could.
    pub stopped: Option<String>,
    /// Operations by kind.
    pub operations: Operations,
    /// Bytes sent.
    pub bytes: u64,
    /// The skipped files, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The first key of each reason, escaped for display.
    pub skipped_examples: BTreeMap<String, String>,
    /// The failures, by reason, with a hint.
    pub failures: Vec<FailureLine>,
    /// The pending work, by reason.
    pub pending: PendingCounts,
    /// Deletes that the guard held.
    pub deletes_held: u64,
    /// Files that the sink has, as far as is known.
    pub record_count: u64,
    /// The number of these files that the sink has not confirmed since their rows came into doubt.
    pub unconfirmed: u64,
    /// Files that the sink holds outside of the prefix, from before it was set: they are not changed.
    pub outside_prefix: u64,
    /// Files whose bytes no checksum could prove (their length was).
    pub unverified: u64,
    /// Operations that failed in this run or wait for their next attempt, whichever are more.
    #[serde(skip)]
    pub(super) failed: u64,
}

impl SinkReport {
    /// Combines the counts of a run with the sink as the state shows it afterwards. `stopped` is why the sink could not go on.
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
            failures,
            pending,
            deletes_held,
            record_count: overview.applied_rows,
            unconfirmed: overview.unconfirmed_rows,
            outside_prefix: overview.outside_prefix,
            unverified: totals.unverified,
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

/// A known file that has grown beyond the bound stays pending as a failure that no attempt of this run counted.
fn too_large(overview: &SinkOverview) -> Option<FailureLine> {
    use SkipReason::TooLarge;
    let waiting =
        overview.waiting.iter().find(|waiting| waiting.status == "parked" && waiting.reason.as_deref() == Some(TooLarge.as_str()))?;
    let example = waiting.example.as_ref().map(ToString::to_string).unwrap_or_default();
    let message = format!("{example} has grown beyond MAX_FILE_SIZE_MB: the file manager keeps its old content");
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

/// The skipped files that the state records.
fn kept_skips(overview: &SinkOverview) -> impl Iterator<Item = &Waiting> {
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
