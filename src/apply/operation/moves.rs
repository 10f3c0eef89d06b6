//! Moved files: renames or moves each in the sink before the lanes create or delete anything. `plan` decides whether two paths are one
//! file. This module looks up paths in doubt, sends the move and records the outcome.

use super::effect::OpenEffect;
use super::reconcile_path::Operation;
use crate::apply::error::ApplyError;
use crate::apply::executor::drain::Executor;
use crate::apply::executor::permits::Permit;
use crate::apply::sink::{EffectKind, EffectRequest, EffectResult, SinkHandle};
use crate::endpoint::EndpointErrorKind;
use crate::plan::{self, Effect, MoveVerdict, Planned};
use crate::record::{ObjectKey, Observation, Permissions};
use crate::retry::{Disposed as _, Disposition};
use crate::run::PathOutcome;
use crate::state::{Attempts, Intent, Lane, Move, MoveOutcome};
use crate::{mutant, source, telemetry};
use std::collections::{BTreeSet, HashMap, HashSet};
use tokio::task::JoinSet;
use tracing::Instrument as _;

/// The maximum number of moves in one batch from the state.
const MOVES_PER_BATCH: usize = 256;

/// The engine drops a move after this many failed runs in which the lookup of one of its paths was refused. Each path is then planned
/// alone.
const MAX_RUNS_WITHOUT_LOOKUP: u32 = 5;

/// The targets of moves that this run has looked up.
#[derive(Default)]
struct LookedUp {
    targets: HashSet<ObjectKey>,
    /// The targets whose lookup failed. This run does not look them up again.
    failed: HashSet<ObjectKey>,
}

impl Executor {
    /// Applies all due moves, in the order of their chains: b → c before a → b. It leaves cycles, and pairs that are no move, to the lanes.
    pub async fn drain_moves(&self) -> Result<(), ApplyError> {
        self.state.moves_end_stale().await?;
        let mut looked_up = LookedUp::default();
        loop {
            let (settled, waiting) = self.apply_due(&mut looked_up).await?;
            if self.stop_signal.is_stopped() {
                return Ok(());
            }
            if settled > 0 {
                continue;
            }
            let cyclic = self.defer_blocked(waiting).await?;
            if cyclic.is_empty() {
                return Ok(());
            }
            // Each move of a cycle waits for the target of another one, so whichever is first finds a file at its target.
            for candidate in &cyclic {
                self.end_as_no_move(candidate).await?;
            }
        }
    }

    /// Defers the moves whose target is occupied by a file whose own move failed or was deferred. Returns the other moves.
    async fn defer_blocked(&self, mut waiting: Vec<Move>) -> Result<Vec<Move>, ApplyError> {
        if mutant::is("a_rename_that_failed_is_not_waited_for") {
            return Ok(waiting);
        }
        loop {
            let before = waiting.len();
            let mut left = Vec::new();
            // The direction alternates: most chains are in the order of their names, so two passes are usually enough.
            for candidate in waiting.into_iter().rev() {
                if !self.state.move_hint_defer(candidate.origin(), candidate.target()).await? {
                    left.push(candidate);
                }
            }
            if left.len() == before {
                return Ok(left);
            }
            waiting = left;
        }
    }

    /// Goes through all due moves once. Returns the number of moves that were started or dropped, and the moves that wait for others.
    async fn apply_due(&self, looked_up: &mut LookedUp) -> Result<(u64, Vec<Move>), ApplyError> {
        let (mut after, mut settled, mut waiting) = (None, 0, Vec::new());
        loop {
            let batch = self.state.moves_due(after, MOVES_PER_BATCH).await?;
            let Some(last) = batch.last() else { return Ok((settled, waiting)) };
            after = Some(last.target().clone());
            let batch = self.look_up_doubtful(batch, looked_up).await?;
            let mut tasks = JoinSet::new();
            for candidate in batch {
                if self.stop_signal.is_stopped() {
                    break;
                }
                match plan::decide_move(&candidate.moving, self.state.policy()) {
                    MoveVerdict::Wait if candidate.intent.is_none() => waiting.push(candidate),
                    MoveVerdict::Go(effect) if candidate.intent.as_ref().is_none_or(|open| open.planned.effect == effect) => {
                        self.spawn_move(candidate, effect, &mut tasks).await;
                        settled += 1;
                    }
                    _ => {
                        self.end_as_no_move(&candidate).await?;
                        settled += 1;
                    }
                }
            }
            self.finish(tasks).await;
            if self.stop_signal.is_stopped() {
                return Ok((settled, Vec::new()));
            }
        }
    }

    /// Looks up both paths of each move in doubt: after an unanswered call, a failed run or a failed lookup, and for a pair that no event
    /// reported and whose origin is not observed as gone. Of every other pair that no event reported, the target: a listing alone may show
    /// an object that is not there, or content that it does not have, and no body would show it. Returns the moves with their new facts; a
    /// move whose lookup failed is left out.
    async fn look_up_doubtful(&self, mut batch: Vec<Move>, looked_up: &mut LookedUp) -> Result<Vec<Move>, ApplyError> {
        batch.retain(|candidate| !looked_up.failed.contains(candidate.target()));
        let doubtful = |candidate: &Move| {
            let origin_is_gone = candidate.moving.origin.1.observed.as_ref().is_some_and(|observed| observed.facts.is_none());
            candidate.intent.is_some()
                || candidate.attempts > 0
                || candidate.failed_lookups > 0
                || (!candidate.moving.reported && !origin_is_gone)
        };
        let mut keys = BTreeSet::new();
        for candidate in batch.iter().filter(|candidate| doubtful(candidate) || !candidate.moving.reported) {
            if looked_up.targets.insert(candidate.target().clone()) {
                keys.extend(doubtful(candidate).then(|| candidate.origin().clone()));
                keys.insert(candidate.target().clone());
            }
        }
        if keys.is_empty() {
            return Ok(batch);
        }
        let seq = self.state.source().observation_next();
        let (keys, at_a_time) = (keys.into_iter().collect(), self.permits.free());
        let lookups = tokio::select! {
            biased;
            lookups = source::look_up_each(&self.context.source, keys, seq, at_a_time, self.context.options.retry) => lookups?,
            // An unfinished lookup stores nothing and may be dropped.
            () = self.stop_signal.stopped() => return Ok(Vec::new()),
        };
        let failed_lookups: HashMap<_, _> = lookups.failed.into_iter().collect();
        let (contradicted, found) = self.contradictions(&batch, lookups.found);
        self.state.source().observations_record(found).await?;
        let mut refreshed = Vec::new();
        for candidate in batch {
            if [candidate.origin(), candidate.target()].into_iter().any(|path| contradicted.contains(path)) {
                // Each path by itself: an operation on the one that is listed and missing says so.
                self.end_as_no_move(&candidate).await?;
                continue;
            }
            match failed_lookups.get(candidate.origin()).or_else(|| failed_lookups.get(candidate.target())) {
                Some(error) => {
                    looked_up.failed.insert(candidate.target().clone());
                    let runs = candidate.failed_lookups + 1;
                    self.state.move_hint_set_unobservable(candidate.target(), runs).await?;
                    // A path whose lookup is always refused must not block the content of the other path.
                    if runs > MAX_RUNS_WITHOUT_LOOKUP && matches!(error.disposition(), Disposition::Fail) {
                        self.end_as_no_move(&candidate).await?;
                    } else {
                        self.move_failed(&candidate, Attempts::default(), ApplyError::from(error.clone())).await;
                    }
                }
                None => refreshed.extend(self.state.move_to(candidate.target()).await?),
            }
        }
        Ok(refreshed)
    }

    /// Separates the absences that contradict this run's own listing from the other observations: they are no evidence.
    fn contradictions(&self, batch: &[Move], found: Vec<Observation>) -> (BTreeSet<ObjectKey>, Vec<Observation>) {
        let sides = batch.iter().flat_map(|candidate| [&candidate.moving.origin, &candidate.moving.target]);
        let listed: BTreeSet<_> =
            sides.filter(|(_, side)| self.context.listing.showed(side.observed.as_ref())).map(|(path, _)| path).collect();
        let (missing, found): (Vec<_>, _) =
            found.into_iter().partition(|observation| observation.facts.is_none() && listed.contains(&observation.path));
        (missing.into_iter().map(|observation| observation.path).collect(), found)
    }

    /// Ends a pair that is no move, or no longer the move that was sent.
    async fn end_as_no_move(&self, candidate: &Move) -> Result<(), ApplyError> {
        if candidate.intent.is_some() {
            self.state.intents_abandon(candidate.origin()).await?;
        }
        Ok(self.state.move_end((candidate.origin(), candidate.target()), MoveOutcome::NotAMove, Attempts::default()).await?)
    }

    /// Starts one move as soon as a permit is free, unless the run is stopped first.
    async fn spawn_move(&self, candidate: Move, effect: Effect, tasks: &mut JoinSet<()>) {
        let permit = tokio::select! {
            biased;
            () = self.stop_signal.stopped() => return,
            permit = self.acquire_permit(Lane::OpenIntent) => permit,
        };
        let executor = self.clone();
        let work = async move {
            telemetry::operation(executor.state.name(), &candidate.origin().clone(), executor.run_move(candidate, effect, permit)).await;
        };
        tasks.spawn(work.in_current_span());
    }

    async fn run_move(&self, candidate: Move, effect: Effect, permit: Permit) {
        telemetry::decided(effect.as_str());
        let mut operation = Operation::new(&self.context, Lane::OpenIntent, permit);
        match operation.send_move(&candidate, effect).await {
            Ok(Some(path_outcome)) => {
                self.count_outcome(candidate.origin(), &path_outcome);
            }
            // One of the paths has changed since. The next pass reads the move and decides it again.
            Ok(None) => {}
            Err(error) => self.move_failed(&candidate, operation.attempts, error).await,
        }
    }

    /// Handles a failed move: parks both paths.
    async fn move_failed(&self, candidate: &Move, attempts: Attempts, error: ApplyError) {
        let (failure, next_attempt) = self.failure_and_next_attempt(candidate.attempts, &error);
        self.handle_failure(candidate.target(), (candidate.attempts, attempts.clone()), error).await;
        let attempts = Attempts { failed: Some(failure), ..attempts };
        if !self.stop_signal.is_stopped()
            && let Err(error) = self.state.pending_park(candidate.origin(), attempts, next_attempt).await
        {
            self.stop(&error.into());
        }
    }
}

impl Operation<'_> {
    /// Sends one rename or move, with the attempts of the retry policy. Returns `None` if it is not planned any more.
    async fn send_move(&mut self, candidate: &Move, effect: Effect) -> Result<Option<PathOutcome>, ApplyError> {
        let (origin, target) = (candidate.origin(), candidate.target());
        let mut open = if let Some(open_intent) = &candidate.intent {
            OpenEffect::resumed(open_intent)
        } else {
            let planned = Planned { effect, content: None, permissions: Permissions::default() };
            let intent = Intent { new_path: Some(target.clone()), ..self.context.intent(origin, planned) };
            if !self.context.open_move(intent.clone()).await? {
                return Ok(None);
            }
            OpenEffect::new(intent)
        };
        let (context, key, handle) = (self.context, open.key(), SinkHandle::of(&candidate.moving.origin.1));
        let request = || {
            let kind = if effect == Effect::Rename { EffectKind::Rename { to: target } } else { EffectKind::Move { to: target } };
            EffectRequest { kind, path: origin, handle: handle.as_ref(), idempotency_key: key }
        };
        let outcome = match self.call(&mut open, || context.sink.perform(request())).await {
            Ok(EffectResult { handle, .. }) => MoveOutcome::Done { internal_id: handle.map(|handle| handle.0) },
            Err(ApplyError::Endpoint(error)) if error.is_refusal() => {
                tracing::warn!(key = %origin, to = %target, %error, "no move: the target is created or updated, the origin deleted");
                match error.kind {
                    EndpointErrorKind::NotFound => MoveOutcome::OriginUnknown,
                    EndpointErrorKind::Taken => MoveOutcome::TargetTaken,
                    _ => MoveOutcome::NotAMove,
                }
            }
            Err(error) => return Err(error),
        };
        let path_outcome = if matches!(outcome, MoveOutcome::Done { .. }) { PathOutcome::Moved(effect) } else { PathOutcome::Unchanged };
        self.context.state.move_end((origin, target), outcome, self.attempts.clone()).await?;
        Ok(Some(path_outcome))
    }
}
