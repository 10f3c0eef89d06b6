//! Observing by replay: one incremental cycle. What the sources told is looked at, key by key, and becomes what is known.

use super::Flow;
use super::flow::{Run, SnapshotsLeft};
use super::snapshots;
use crate::apply::{ApplyError, Executor};
use crate::events::decode::Scope;
use crate::events::feed::{FeedReader, PollError};
use crate::record::{EventKind, ObjectKey};
use crate::state::{InboxRow, Lane, LookedAt, Replay};
use crate::{listing, mutant};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

/// Events that are looked at and stored together.
const BATCH_EVENTS: usize = 500;

impl Flow {
    pub(super) async fn observe_by_replay(&self, run: Run) -> Result<SnapshotsLeft, ApplyError> {
        self.read_feed().await?;
        let due = self.state.release_due(run.began).await?;
        // Somebody lets deletes go that the guard holds: that is something to do, though nothing is due and nothing was told.
        let let_go = self.options.allow_deletes.is_some() && self.state.deletes_in_question().await? > 0;
        if !due && !let_go && self.state.inbox_len().await? == 0 {
            self.tally.quiet();
            return Ok(SnapshotsLeft::None);
        }
        let rows = self.state.overview().await?.applied_rows;
        let executor = self.executor(run.number);
        if let Err(error) = self.replay_and_apply(&executor, run, rows).await {
            self.halt.stop(Some(error));
        }
        Ok(SnapshotsLeft::None)
    }

    async fn replay_and_apply(&self, executor: &Executor, run: Run, rows: u64) -> Result<(), ApplyError> {
        // What has no outcome comes first: its paths are locked until then.
        let (_, nothing_more) = watch::channel(false);
        executor.drain(Lane::Open, nothing_more).await?;
        self.replay_all().await?;
        if self.halt.is_stopped() {
            return Ok(());
        }
        // Both sides now: a replay changes nothing of what was applied.
        if self.state.is_anything_due().await? {
            snapshots::write_both(&self.state, &self.options, (run.number, run.began)).await?;
        }
        self.settle(executor, self.allowed_deletes(rows), rows).await
    }

    /// What the feed has to say. A feed that is silent keeps nothing else from being done, and the report says so.
    async fn read_feed(&self) -> Result<(), ApplyError> {
        let Some(feed) = &self.doors.feed else { return Ok(()) };
        let reader = FeedReader {
            feed: feed.clone(),
            scope: Scope::new(&self.options.bucket, &self.options.prefix),
            retry: self.options.retry,
            inbox_max: self.options.inbox_max,
            clock: self.clock.clone(),
        };
        let polled = tokio::select! {
            biased;
            polled = reader.poll(&self.state) => polled,
            () = self.halt.stopped() => return Ok(()),
        };
        match polled {
            Ok(polled) => self.tally.polled(&polled),
            Err(PollError::Feed(error)) => {
                tracing::warn!(%error, "the feed cannot be read: the cycle goes on without it");
                self.tally.feed_failed(&error);
            }
            Err(PollError::State(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Replays the inbox as it is now, batch by batch. What comes in meanwhile is for the next cycle.
    async fn replay_all(&self) -> Result<(), ApplyError> {
        let mut left = self.state.inbox_len().await?;
        let (mut after, mut kept_back) = (0, BTreeSet::new());
        while left > 0 && !self.halt.is_stopped() {
            let received_at_look = self.state.newest_look();
            let rows = self.state.inbox_batch(after, BATCH_EVENTS.min(usize::try_from(left).unwrap_or(BATCH_EVENTS))).await?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            left = left.saturating_sub(rows.len() as u64);
            let touched: BTreeSet<_> = rows.iter().flat_map(|row| row.event.paths().cloned()).collect();
            let (looks, failed) = tokio::select! {
                biased;
                looked = self.look_at(touched) => looked?,
                // A look that is not stored never was.
                () = self.halt.stopped() => return Ok(()),
            };
            let looks = if mutant::is("a_delete_event_is_believed") { believed(looks, &rows) } else { looks };
            let replayed = self.state.replay(Replay { rows, looks, failed, locked: kept_back.clone(), received_at_look }).await?;
            self.tally.replayed(&replayed);
            kept_back.extend(replayed.locked);
        }
        Ok(())
    }

    /// One look at each path. An error is a shut door, which counts against no event.
    async fn look_at(&self, touched: BTreeSet<ObjectKey>) -> Result<(Vec<LookedAt>, BTreeMap<ObjectKey, String>), ApplyError> {
        let look = self.state.next_look();
        let keys = touched.into_iter().collect();
        let (mut looks, mut failed) = (Vec::new(), BTreeMap::new());
        for (path, found) in listing::look_at_each(&self.doors.bucket, keys, self.options.concurrency, self.options.retry).await? {
            match found {
                Ok(facts) => looks.push(LookedAt { path, facts, look }),
                Err(error) => {
                    tracing::warn!(key = %path, %error, "a path that an event touched cannot be looked at");
                    let error = ApplyError::from(error);
                    self.tally.failed(&path, &error);
                    failed.insert(path, error.to_string());
                }
            }
        }
        Ok((looks, failed))
    }
}

/// What a bug takes for looks.
fn believed(looks: Vec<LookedAt>, rows: &[InboxRow]) -> Vec<LookedAt> {
    let gone = |path: &ObjectKey| rows.iter().any(|row| row.event.kind == EventKind::Delete && row.event.path == *path);
    looks.into_iter().map(|looked| if gone(&looked.path) { LookedAt { facts: None, ..looked } } else { looked }).collect()
}
