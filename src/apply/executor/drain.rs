//! The executor: claims due paths from the state, runs a bounded number of operations concurrently, and stops the sink or the run if an
//! endpoint cannot be used. Small and large objects have separate lanes. An `Operation` handles one path.

use super::failures::{FailuresInARow, parked_until};
use super::permits::{Bounds, Permit, Permits};
use crate::apply::context::ApplyContext;
use crate::apply::error::ApplyError;
use crate::apply::operation::reconcile_path::Operation;
use crate::clock::Clock;
use crate::mutant;
use crate::plan::SkipReason;
use crate::record::ObjectKey;
use crate::retry::{Disposed, Disposition};
use crate::run::{PathOutcome, SinkCounters, SinkStopSignal};
use crate::state::{AttemptFailure, Attempts, Lane, PathClaim, SinkState, StateError, WorkItem};
use crate::telemetry::{self, OperationResult};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument as _;

/// The maximum number of paths in one claim.
const MAX_CLAIMED_AT_ONCE: usize = 256;

/// Applies the pending paths of one sink. Cheap to clone.
#[derive(Clone)]
pub struct Executor {
    /// The context that reconciles one path.
    pub(in crate::apply) context: Arc<ApplyContext>,
    pub(in crate::apply) state: SinkState,
    pub(in crate::apply) clock: Arc<dyn Clock>,
    pub(in crate::apply) counters: SinkCounters,
    pub(in crate::apply) stop_signal: SinkStopSignal,
    pub(in crate::apply) permits: Permits,
    failures_in_a_row: Arc<FailuresInARow>,
    /// The time that operations in flight have to end after the run was stopped.
    pub(in crate::apply) grace: Duration,
}

impl Executor {
    /// Creates the executor of one sink. It starts nothing.
    pub fn new(context: ApplyContext, clock: Arc<dyn Clock>, counters: SinkCounters, stop_signal: SinkStopSignal, bounds: Bounds) -> Self {
        Self {
            state: context.state.clone(),
            context: Arc::new(context),
            clock,
            counters,
            stop_signal,
            permits: Permits::new(bounds.concurrency),
            failures_in_a_row: Arc::default(),
            grace: bounds.grace,
        }
    }

    /// Applies the paths of a lane until none is due. While `listing` is `true`, more paths may come, and the executor waits for them.
    /// Returns the number of claimed paths.
    pub async fn drain(&self, lane: Lane, listing: watch::Receiver<bool>) -> Result<u64, StateError> {
        self.drain_up_to((lane, i64::MAX), listing).await
    }

    /// As [`Executor::drain`], for the lane of deletes and only up to the position `up_to` in the queue. The guard has released these.
    pub async fn drain_deletes(&self, up_to: i64) -> Result<u64, StateError> {
        let (_, nothing_more) = watch::channel(false);
        self.drain_up_to((Lane::Deletion, up_to), nothing_more).await
    }

    async fn drain_up_to(&self, (lane, up_to): (Lane, i64), mut listing: watch::Receiver<bool>) -> Result<u64, StateError> {
        let mut tasks = JoinSet::new();
        let (mut after, mut claimed_in_all) = (0, 0);
        let mut some_skipped = false;
        let mut releases = self.state.releases();
        while !self.stop_signal.is_stopped() {
            let more_may_come = *listing.borrow_and_update();
            if !some_skipped {
                // This must precede the query for due paths: a path that the query skips may be released at any moment after the query.
                releases.mark_unchanged();
            }
            let batch = self.state.claim((lane, after, up_to), MAX_CLAIMED_AT_ONCE).await?;
            some_skipped |= batch.some_claimed_by_others;
            let Some(last) = batch.last else {
                if tasks.is_empty() && !more_may_come && !some_skipped {
                    break;
                }
                tokio::select! {
                    biased;
                    // Outcomes may have queued their paths again. One query after all outcomes is enough.
                    () = all_ended(&mut tasks), if !tasks.is_empty() => {}
                    // If the sender is dropped, no more paths come.
                    ended = listing.changed(), if more_may_come => if ended.is_err() { break },
                    _ = releases.changed(), if some_skipped => {}
                    () = self.stop_signal.stopped() => {}
                }
                if some_skipped {
                    // Another operation held a skipped path and may have released it: query again from the beginning.
                    (after, some_skipped) = (0, false);
                }
                continue;
            };
            after = last;
            claimed_in_all += batch.work.len() as u64;
            let (claims, work): (Vec<_>, Vec<_>) = batch.work.into_iter().unzip();
            // The others are released at the end of this pass: paths that the lookups settled, and paths that a stop leaves.
            let mut claims: HashMap<_, _> = claims.into_iter().map(|claim| (claim.path().clone(), claim)).collect();
            for work in self.prepare(work, lane).await {
                let claim = claims.remove(&work.path).expect("invariant: what is prepared was claimed");
                if !self.spawn((claim, work), lane, &mut tasks).await {
                    break;
                }
            }
        }
        self.finish(tasks).await;
        Ok(claimed_in_all)
    }

    /// Waits until the operations in flight have ended. After a stop it waits no longer than `grace`, then cancels them. A cancelled
    /// operation leaves an open intent.
    pub(in crate::apply) async fn finish(&self, mut tasks: JoinSet<()>) {
        tokio::select! {
            biased;
            () = all_ended(&mut tasks) => {}
            () = self.stop_signal.out_of_grace(self.grace) => {}
        }
        tasks.shutdown().await;
    }

    /// Returns the paths of a claim that need an operation. In the lane of deletes it first looks up each path, and stores and counts the
    /// results.
    async fn prepare(&self, batch: Vec<WorkItem>, lane: Lane) -> Vec<WorkItem> {
        if lane != Lane::Deletion || mutant::is("a_delete_is_not_looked_at_again") {
            return batch;
        }
        let lookups = tokio::select! {
            biased;
            lookups = self.context.look_up_absent(batch, self.permits.free()) => lookups,
            // A lookup that is not stored has no effect.
            () = self.stop_signal.stopped() => return Vec::new(),
        };
        match lookups {
            Ok(lookups) => {
                // The size of a deleted key is unknown, so a directory marker is recognised by its name. It is not counted as a file.
                for path in lookups.never_applied.into_iter().filter(|path| !path.is_directory_marker(0)) {
                    self.counters.ended(&path, &PathOutcome::Skipped(SkipReason::NotInBucket));
                    telemetry::metrics().operation(self.state.name().as_str(), "none", OperationResult::Skipped);
                }
                for (path, is_unchanged) in lookups.missed {
                    self.counters.missed(&path, is_unchanged);
                }
                for (path, failed_runs, error) in lookups.failed {
                    telemetry::operation(self.state.name(), &path, self.handle_failure(&path, (failed_runs, Attempts::default()), error))
                        .await;
                }
                lookups.work
            }
            Err(error) => {
                self.stop(&error);
                Vec::new()
            }
        }
    }

    /// Starts one operation as soon as a permit is free. Returns `false` if the run is stopped first.
    async fn spawn(&self, (claim, work): (PathClaim, WorkItem), lane: Lane, tasks: &mut JoinSet<()>) -> bool {
        let permit = tokio::select! {
            // Checked first: after a stop no operation starts, even if a permit is free.
            biased;
            () = self.stop_signal.stopped() => return false,
            permit = self.acquire_permit(lane) => permit,
        };
        let executor = self.clone();
        tasks.spawn(
            async move {
                let path = work.path.clone();
                telemetry::operation(executor.state.name(), &path, executor.run_operation(work, lane, permit)).await;
                drop(claim);
            }
            .in_current_span(),
        );
        while let Some(ended) = tasks.try_join_next() {
            rethrow(ended);
        }
        true
    }

    pub(in crate::apply) async fn acquire_permit(&self, lane: Lane) -> Permit {
        if lane == Lane::Large { self.permits.acquire_for_large().await } else { self.permits.acquire().await }
    }

    async fn run_operation(&self, work: WorkItem, lane: Lane, permit: Permit) {
        let (path, failed_runs) = (work.path.clone(), work.attempts);
        let mut operation = Operation::new(&self.context, lane, permit);
        match operation.reconcile(work).await {
            Ok(outcome) => {
                self.failures_in_a_row.reset();
                self.count_outcome(&path, &outcome);
            }
            Err(error) => self.handle_failure(&path, (failed_runs, operation.attempts), error).await,
        }
    }

    /// Counts an operation that ended without a failure.
    pub(in crate::apply) fn count_outcome(&self, path: &ObjectKey, outcome: &PathOutcome) {
        self.counters.ended(path, outcome);
        telemetry::ended(match outcome {
            PathOutcome::Sent { .. }
            | PathOutcome::Confirmed
            | PathOutcome::Deleted { .. }
            | PathOutcome::Moved(_)
            | PathOutcome::PermissionsSet => OperationResult::Done,
            PathOutcome::Unchanged => OperationResult::Unchanged,
            PathOutcome::Skipped(_) | PathOutcome::NotDue => OperationResult::Skipped,
            PathOutcome::StaysPending => OperationResult::Deferred,
        });
    }

    /// Probes the sink, and stops it if the probe fails. Returns true if the sink answered.
    pub async fn probe_sink(&self) -> bool {
        let answer = self.context.check_sink().await;
        if let Err(error) = &answer {
            self.stop(error);
        }
        answer.is_ok()
    }

    /// Stops the sink if the sink caused the error. Stops the run for any other error.
    pub fn stop(&self, error: &ApplyError) {
        if self.context.is_caused_by_sink(error) && !mutant::is("a_sinks_outage_stops_another") {
            self.stop_signal.stop_sink(error.into());
        } else {
            self.stop_signal.stop_run(error.into());
        }
    }

    /// Handles a failed operation: stops the sink or the run if an endpoint cannot be used, else parks the path. `failed_runs` is the
    /// number of earlier failed runs of the path; `attempts` are those of this operation.
    pub(in crate::apply) async fn handle_failure(&self, path: &ObjectKey, (failed_runs, attempts): (u32, Attempts), error: ApplyError) {
        if self.stop_signal.is_stopped() {
            // A failure after a stop does not count against the path. The path stays due.
            return;
        }
        let transient = match error.disposition() {
            Disposition::Stop { .. } => return self.stop(&error),
            Disposition::Retry { .. } => true,
            Disposition::Fail => false,
        };
        if transient && self.failures_in_a_row.add_and_check_limit() {
            let answers = tokio::select! {
                biased;
                answers = self.context.check_endpoints() => answers,
                () = self.stop_signal.stopped() => return,
            };
            if let Err(unreachable) = answers {
                return self.stop(&unreachable);
            }
            // The endpoints are reachable, so the failures are caused by the objects. Each of them is parked, and the other paths continue.
            self.failures_in_a_row.reset();
        }
        let (failure, next_attempt) = self.failure_and_next_attempt(failed_runs, &error);
        tracing::warn!(key = %path, reason = failure.reason, %error, "operation failed");
        self.counters.failed(path, (&error).into());
        telemetry::ended(OperationResult::Failed);
        let attempts = Attempts { failed: Some(failure), ..attempts };
        if let Err(error) = self.state.pending_park(path, attempts, next_attempt).await {
            self.stop(&error.into());
        }
    }

    /// The failure to store for a parked path, and the time of its next attempt.
    pub(in crate::apply) fn failure_and_next_attempt(&self, failed_runs: u32, error: &ApplyError) -> (AttemptFailure, Timestamp) {
        let next_attempt = parked_until(self.clock.now(), failed_runs, error.disposition());
        (AttemptFailure { reason: error.reason(), message: error.to_string() }, next_attempt)
    }
}

async fn all_ended(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        rethrow(ended);
    }
}

/// Resumes the panic of a task: a panic is a bug, and the process ends. The operation leaves an open intent, as after any crash.
fn rethrow(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
