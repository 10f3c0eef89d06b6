//! The incremental sync: receives events, looks up each key that they name, stores the observations, and applies the resulting work to each
//! sink.

use super::flow::{Flow, RunInfo};
use super::options::Options;
use super::run_concurrently::run_concurrently;
use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::plan::guard::Guard;
use crate::record::{ObjectKey, Observation};
use crate::source;
use crate::state::{InboxRow, Lane, Replay};
use futures::future;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

/// The number of events in one batch and transaction. A large batch writes a database page that several events change only once. With a
/// larger one the changed pages would exceed SQLite's cache, and SQLite would write them before the commit.
const BATCH_EVENTS: usize = 4000;

/// The part of the inbox that is not replayed yet.
struct Unreplayed {
    /// The rows after this one.
    after: i64,
    /// The number of these rows. Events that arrive during the run are left to the next run.
    left: u64,
}

impl Flow {
    pub(super) async fn run_incremental(&self, run: RunInfo, sinks: &[SinkRun<'_>]) -> Result<(), ApplyError> {
        self.receive_events().await?;
        let mut guards = Vec::new();
        let mut anything_to_do = self.state.inbox().events_len().await? > 0;
        for sink in sinks {
            sink.state.pending_unpark_on_new_settings(self.options.relevant_settings(sink.state.policy())).await?;
            anything_to_do |= sink.state.pending_unpark_due(run.began).await?;
            let guard = sink.guard_of_cycle().await?;
            anything_to_do |= sink.has_held_deletes_to_judge(guard).await?;
            guards.push(guard);
        }
        if !anything_to_do {
            // A queue or feed that could not be read may have events, so the run is not quiet.
            let totals = self.counters.totals();
            if totals.queue_failures.is_empty() && totals.feed_failure.is_none() {
                self.counters.quiet();
            }
            return Ok(());
        }
        let all: Vec<_> = sinks.iter().collect();
        if let Err(error) = self.catch_up(&all).await {
            self.stop(&error);
        }
        // The snapshots of all sinks are written before the first effect: no snapshot may contain observations that another sink's
        // operations made.
        let written = future::join_all(sinks.iter().zip(&guards).map(|(sink, guard)| sink.attempt(sink.write_snapshots(*guard)))).await;
        let ready = sinks.iter().zip(guards).zip(written).filter_map(|(sink_and_guard, written)| written?.then_some(sink_and_guard));
        run_concurrently(ready.map(|(sink, guard)| (sink, sink.settle(guard)))).await;
        Ok(())
    }

    /// Finishes the work of earlier runs before anything new: first the open intents, because they lock their paths, then the events in the
    /// inbox.
    pub(super) async fn catch_up(&self, sinks: &[&SinkRun<'_>]) -> Result<(), ApplyError> {
        let (_, nothing_more) = watch::channel(false);
        let drain = async |sink: &SinkRun<'_>| Ok(sink.executor.drain(Lane::OpenIntent, nothing_more.clone()).await?);
        run_concurrently(sinks.iter().map(|sink| (*sink, drain(sink)))).await;
        self.replay_inbox().await
    }

    /// Replays the events that are in the inbox now, batch by batch, and applies nothing. Events that arrive meanwhile are left to the next
    /// run.
    pub async fn replay_inbox(&self) -> Result<(), ApplyError> {
        let mut rest = Unreplayed { after: 0, left: self.state.inbox().events_len().await? };
        let mut locked_paths = BTreeSet::new();
        let rows = self.next_rows(&mut rest).await?;
        let mut next = self.look_up_rows(rows, BTreeSet::new()).await?;
        while let Some(batch) = next {
            let batch = Replay { locked: locked_paths.clone(), ..batch };
            // The next batch is looked up while this one is stored. Its rows are read before that, because the state executes one operation
            // at a time and the transaction of a batch would block the read.
            let rows = self.next_rows(&mut rest).await?;
            let soon_known = named_by(&batch.rows, ambiguous_paths_left(&rows));
            let (looked_up, replayed) = future::join(self.look_up_rows(rows, soon_known), self.state.source().replay(batch)).await;
            let replayed = replayed?;
            self.counters.replayed(&replayed);
            locked_paths.extend(replayed.locked);
            next = looked_up?;
        }
        Ok(())
    }

    /// The next rows of the inbox; empty at its end, or after a stop.
    async fn next_rows(&self, rest: &mut Unreplayed) -> Result<Vec<InboxRow>, ApplyError> {
        if rest.left == 0 || self.stop_signal.is_stopped() {
            return Ok(Vec::new());
        }
        let limit = BATCH_EVENTS.min(usize::try_from(rest.left).unwrap_or(BATCH_EVENTS));
        let rows = self.state.inbox().events_batch(rest.after, limit).await?;
        if let Some(last) = rows.last() {
            *rest = Unreplayed { after: last.seq, left: rest.left.saturating_sub(rows.len() as u64) };
        }
        Ok(rows)
    }

    /// Looks up the paths that these rows may concern; `None` = there are no rows, or the run was stopped. Of the `soon_known` paths
    /// something will be known when the batch before is stored.
    async fn look_up_rows(&self, rows: Vec<InboxRow>, soon_known: BTreeSet<ObjectKey>) -> Result<Option<Replay>, ApplyError> {
        if rows.is_empty() {
            return Ok(None);
        }
        let looked_up = async {
            let left = ambiguous_paths_left(&rows);
            let known = if left.is_empty() { left } else { self.state.source().known_paths_of(left).await? };
            let is_known = |path: &ObjectKey| known.contains(path) || soon_known.contains(path);
            let (mut observations, mut failed) = self.look_up_paths(concerned_paths(&rows, &|_| true, &is_known)).await?;
            // The other spellings of keys that are not there.
            let seen: BTreeMap<_, _> = observations.iter().map(|seen| (&seen.path, seen.facts.is_some())).collect();
            let mut others = concerned_paths(&rows, &|path| seen.get(path) == Some(&true), &is_known);
            others.retain(|path| !failed.contains_key(path) && !seen.contains_key(path));
            if !others.is_empty() {
                let (of_others, failed_others) = self.look_up_paths(others).await?;
                observations.extend(of_others);
                failed.extend(failed_others);
            }
            Ok::<_, ApplyError>((observations, failed))
        };
        let (observations, failed) = tokio::select! {
            biased;
            looked_up = looked_up => looked_up?,
            // An unfinished lookup stores nothing and may be dropped.
            () = self.stop_signal.stopped() => return Ok(None),
        };
        Ok(Some(Replay { rows, observations, failed, ..Replay::default() }))
    }

    /// Looks up each path once. Returns the observations and the failed paths. An error means that the source is unreachable; it does not
    /// count as a failed lookup of any event.
    async fn look_up_paths(&self, touched: BTreeSet<ObjectKey>) -> Result<(Vec<Observation>, BTreeMap<ObjectKey, String>), ApplyError> {
        let seq = self.state.source().observation_next();
        let keys = touched.into_iter().collect();
        let Options { concurrency, retry, .. } = self.options;
        let observations = source::look_up_each(&self.endpoints.source, keys, seq, concurrency, retry).await?;
        let mut failed = BTreeMap::new();
        for (path, error) in observations.failed {
            tracing::warn!(key = %path, %error, "a path that an event touched cannot be looked up");
            let error = ApplyError::from(error);
            self.counters.lookup_failed(&path, (&error).into());
            failed.insert(path, error.to_string());
        }
        Ok((observations.found, failed))
    }
}

/// The paths at which events report that nothing is there any more, where they have several spellings.
fn ambiguous_paths_left(rows: &[InboxRow]) -> BTreeSet<ObjectKey> {
    let ambiguous = rows.iter().filter(|row| row.event.reports_absence() && !row.event.other_spellings.path.is_empty());
    ambiguous.flat_map(|row| row.event.spellings().cloned()).collect()
}

/// Those of the paths that an event of these rows names, in any spelling.
fn named_by(rows: &[InboxRow], mut paths: BTreeSet<ObjectKey>) -> BTreeSet<ObjectKey> {
    if !paths.is_empty() {
        let named: BTreeSet<_> = rows.iter().flat_map(|row| row.event.spellings().chain(row.event.new_spellings())).collect();
        paths.retain(|path| named.contains(path));
    }
    paths
}

/// The paths that the events of these rows may concern.
fn concerned_paths(
    rows: &[InboxRow],
    is_there: &impl Fn(&ObjectKey) -> bool,
    is_known: &impl Fn(&ObjectKey) -> bool,
) -> BTreeSet<ObjectKey> {
    rows.iter().flat_map(|row| row.event.concerned_paths(is_there, is_known)).cloned().collect()
}

impl SinkRun<'_> {
    /// Writes the snapshots of the pending work. Returns false if the sink was stopped.
    async fn write_snapshots(&self, guard: Guard) -> Result<bool, ApplyError> {
        if self.stop_signal.is_stopped() {
            return Ok(false);
        }
        if self.has_held_deletes_to_judge(guard).await? {
            // The keys of held deletes are looked up only later in this run, so the new snapshot is written when the run ends.
            self.write_old_snapshot().await?;
        } else if self.state.pending_is_due().await? {
            // Both snapshots can be written now, because a replay changes no applied row.
            self.write_both_snapshots().await?;
        }
        Ok(true)
    }
}
