//! Moved files: renames or moves each in the sink before the lanes create or delete anything. `plan` decides whether two paths are one
//! file. This module looks up paths in doubt, sends the move and records the outcome.

use super::reconcile_path::Operation;
use crate::apply::error::ApplyError;
use crate::apply::executor::drain::Executor;
use crate::apply::executor::permits::Permit;
use crate::apply::sink::{EffectKind, EffectRequest, Performed, SinkHandle};
use crate::endpoint::EndpointErrorKind;
use crate::plan::{self, Effect, MoveVerdict, Planned};
use crate::record::{ObjectKey, Permissions};
use crate::retry::{Disposed as _, Disposition};
use crate::run::PathOutcome;
use crate::state::{Attempts, Intent, Lane, Move, MoveOutcome};
use crate::{mutant, source, telemetry};
use std::collections::{BTreeSet, HashMap, HashSet};
use tokio::task::JoinSet;
use tracing::Instrument as _;

/// The maximum number of moves in one batch from the state.
const TAKEN_AT_A_TIME: usize = 256;

/// The engine drops a move after this many failed runs in which the lookup of one of its paths was refused. Each path is then planned
/// alone.
const UNSEEN_RUNS_MOST: u32 = 5;

/// The targets of moves that this run has looked up.
#[derive(Default)]
struct Looked {
    targets: HashSet<ObjectKey>,
    /// The targets whose lookup failed. This run does not look them up again.
    in_vain: HashSet<ObjectKey>,
}

impl Executor {
    /// Applies all due moves, in the order of their chains: b → c before a → b. It leaves cycles, and pairs that are no move, to the lanes.
    pub async fn drain_moves(&self) -> Result<(), ApplyError> {
        self.state.moves_end_stale().await?;
        let mut looked = Looked::default();
        loop {
            let (settled, waiting) = self.pass(&mut looked).await?;
            if self.halt.is_stopped() {
                return Ok(());
            }
            if settled > 0 {
                continue;
            }
            let circle = self.left_of(waiting).await?;
            if circle.is_empty() {
                return Ok(());
            }
            // Each move of a cycle waits for the target of another one, so whichever is first finds a file at its target.
            for known in &circle {
                self.no_move(known).await?;
            }
        }
    }

    /// Defers the moves whose target is occupied by a file whose own move failed or was deferred. Returns the other moves.
    async fn left_of(&self, mut waiting: Vec<Move>) -> Result<Vec<Move>, ApplyError> {
        if mutant::is("a_rename_that_failed_is_not_waited_for") {
            return Ok(waiting);
        }
        loop {
            let before = waiting.len();
            let mut left = Vec::new();
            // The direction alternates: most chains are in the order of their names, so two passes are usually enough.
            for known in waiting.into_iter().rev() {
                if !self.state.move_hint_defer(known.origin(), known.target()).await? {
                    left.push(known);
                }
            }
            if left.len() == before {
                return Ok(left);
            }
            waiting = left;
        }
    }

    /// Goes through all due moves once. Returns the number of moves that were started or dropped, and the moves that wait for others.
    async fn pass(&self, looked: &mut Looked) -> Result<(u64, Vec<Move>), ApplyError> {
        let (mut after, mut settled, mut waiting) = (None, 0, Vec::new());
        loop {
            let batch = self.state.moves_due(after, TAKEN_AT_A_TIME).await?;
            let Some(last) = batch.last() else { return Ok((settled, waiting)) };
            after = Some(last.target().clone());
            let batch = self.look_where_in_doubt(batch, looked).await?;
            let mut tasks = JoinSet::new();
            for known in batch {
                if self.halt.is_stopped() {
                    break;
                }
                match plan::decide_move(&known.moving, self.state.policy()) {
                    MoveVerdict::Wait if known.intent.is_none() => waiting.push(known),
                    MoveVerdict::Go(effect) if known.intent.as_ref().is_none_or(|open| open.planned.effect == effect) => {
                        self.spawn_move(known, effect, &mut tasks).await;
                        settled += 1;
                    }
                    _ => {
                        self.no_move(&known).await?;
                        settled += 1;
                    }
                }
            }
            self.finish(tasks).await;
            if self.halt.is_stopped() {
                return Ok((settled, Vec::new()));
            }
        }
    }

    /// Looks up both paths of each move in doubt: after an unanswered call, a failed run or a failed lookup, and for a pair that no event
    /// reported and whose origin is not observed as gone. Returns the moves with their new facts; a move whose lookup failed is left out.
    async fn look_where_in_doubt(&self, mut batch: Vec<Move>, looked: &mut Looked) -> Result<Vec<Move>, ApplyError> {
        batch.retain(|known| !looked.in_vain.contains(known.target()));
        let doubtful = |known: &Move| {
            let origin_is_gone = known.moving.origin.1.observed.as_ref().is_some_and(|observed| observed.facts.is_none());
            known.intent.is_some() || known.attempts > 0 || known.unseen > 0 || (!known.moving.told && !origin_is_gone)
        };
        let mut keys = BTreeSet::new();
        for known in batch.iter().filter(|known| doubtful(known)) {
            if looked.targets.insert(known.target().clone()) {
                keys.extend([known.origin().clone(), known.target().clone()]);
            }
        }
        if keys.is_empty() {
            return Ok(batch);
        }
        let look = self.state.source().observation_next();
        let (keys, at_a_time) = (keys.into_iter().collect(), self.permits.free());
        let looks = tokio::select! {
            biased;
            looks = source::look_at_each(&self.context.source, keys, look, at_a_time, self.context.options.retry) => looks?,
            // An unfinished lookup stores nothing and may be dropped.
            () = self.halt.stopped() => return Ok(Vec::new()),
        };
        let unseen: HashMap<_, _> = looks.failed.into_iter().collect();
        self.state.source().observations_record(looks.found).await?;
        let mut now = Vec::new();
        for known in batch {
            match unseen.get(known.origin()).or_else(|| unseen.get(known.target())) {
                Some(error) => {
                    looked.in_vain.insert(known.target().clone());
                    let runs = self.state.move_hint_count_unobservable(known.target()).await?;
                    // A path whose lookup is always refused must not block the content of the other path.
                    if runs > UNSEEN_RUNS_MOST && matches!(error.disposition(), Disposition::Fail) {
                        self.no_move(&known).await?;
                    } else {
                        self.move_failed(&known, Attempts::default(), ApplyError::from(error.clone())).await;
                    }
                }
                None => now.extend(self.state.move_to(known.target()).await?),
            }
        }
        Ok(now)
    }

    /// Ends a pair that is no move, or no longer the move that was sent.
    async fn no_move(&self, known: &Move) -> Result<(), ApplyError> {
        if known.intent.is_some() {
            self.state.intents_abandon(known.origin()).await?;
        }
        Ok(self.state.move_end((known.origin(), known.target()), MoveOutcome::NotAMove, Attempts::default()).await?)
    }

    /// Starts one move as soon as a permit is free, unless the run is stopped first.
    async fn spawn_move(&self, known: Move, effect: Effect, tasks: &mut JoinSet<()>) {
        let place = tokio::select! {
            biased;
            () = self.halt.stopped() => return,
            place = self.place(Lane::Open) => place,
        };
        let executor = self.clone();
        let work = async move {
            telemetry::operation(executor.state.name(), &known.origin().clone(), executor.one_move(known, effect, place)).await;
        };
        tasks.spawn(work.in_current_span());
    }

    async fn one_move(&self, known: Move, effect: Effect, place: Permit) {
        telemetry::decided(effect.as_str());
        let mut operation = Operation::new(&self.context, Lane::Open, place);
        match operation.send_move(&known, effect).await {
            Ok(ending) => {
                self.ended(known.origin(), &ending);
            }
            Err(error) => self.move_failed(&known, operation.attempts, error).await,
        }
    }

    /// Handles a failed move: parks both paths.
    async fn move_failed(&self, known: &Move, attempts: Attempts, error: ApplyError) {
        let (failure, next_attempt) = self.parking(known.attempts, &error);
        self.failed(known.target(), (known.attempts, attempts.clone()), error).await;
        let attempts = Attempts { failed: Some(failure), ..attempts };
        if !self.halt.is_stopped()
            && let Err(error) = self.state.pending_park(known.origin(), attempts, next_attempt).await
        {
            self.stop(&error.into());
        }
    }
}

impl Operation<'_> {
    /// Sends one rename or move, with the attempts of the retry policy.
    async fn send_move(&mut self, known: &Move, effect: Effect) -> Result<PathOutcome, ApplyError> {
        let (origin, target) = (known.origin(), known.target());
        let planned = Planned { effect, content: None, permissions: Permissions::default() };
        let meant = || Intent { new_path: Some(target.clone()), ..self.context.intent(origin, planned) };
        let mut open = self.effect(known.intent.as_ref(), meant).await?;
        let (context, key, handle) = (self.context, open.key(), SinkHandle::of(&known.moving.origin.1));
        let request = || {
            let kind = if effect == Effect::Rename { EffectKind::Rename { to: target } } else { EffectKind::Move { to: target } };
            EffectRequest { kind, path: origin, handle: handle.as_ref(), key }
        };
        let outcome = match self.call(&mut open, || context.sink.perform(request())).await {
            Ok(Performed { handle, .. }) => MoveOutcome::Done { internal_id: handle.map(|handle| handle.0) },
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
        let ending = if matches!(outcome, MoveOutcome::Done { .. }) { PathOutcome::Moved(effect) } else { PathOutcome::Unchanged };
        self.context.state.move_end((origin, target), outcome, self.attempts.clone()).await?;
        Ok(ending)
    }
}
