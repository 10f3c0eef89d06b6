//! Files that went elsewhere: each is renamed or moved in the file manager, before anything is created or deleted. Whether two
//! paths are one file is `plan`'s decision; here it is looked at where that is in doubt, sent, and recorded.

use super::executor::rethrow;
use super::{ApplyError, Ending, Executor, FileManagerSink};
use crate::file_manager::{FileManagerErrorKind, IdempotencyKey, SaveOperation, SaveRequest};
use crate::plan::{self, Effect, MoveVerdict, Planned};
use crate::record::{ObjectKey, Permissions};
use crate::state::{Intent, LookedAt, Move, MoveOutcome};
use crate::{failpoint, listing, telemetry};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::task::JoinSet;
use tracing::Instrument as _;

/// Moves taken from the state at a time.
const TAKEN_AT_A_TIME: usize = 256;

impl Executor {
    /// Settles every move whose turn it is: b → c before a → b. What is no move is left to the lanes, and so is a circle.
    pub async fn drain_moves(&self) -> Result<(), ApplyError> {
        self.state.end_stale_moves().await?;
        let mut looked = HashSet::new();
        loop {
            let (settled, waiting) = self.pass(&mut looked).await?;
            if self.halt.is_stopped() {
                return Ok(());
            }
            if settled == 0 {
                // Each waits for another one's target: whatever is done first, a living file is in the way.
                for known in &waiting {
                    self.state.end_move(known.origin(), known.target(), MoveOutcome::Moot).await?;
                }
                if waiting.is_empty() {
                    return Ok(());
                }
            }
        }
    }

    /// Goes through all once; says how many were settled or put aside, and which wait for others.
    async fn pass(&self, looked: &mut HashSet<ObjectKey>) -> Result<(u64, Vec<Move>), ApplyError> {
        let (mut after, mut settled, mut waiting) = (None, 0, Vec::new());
        loop {
            let batch = self.state.moves(after, TAKEN_AT_A_TIME).await?;
            let Some(last) = batch.last() else { return Ok((settled, waiting)) };
            after = Some(last.target().clone());
            let batch = self.look_where_in_doubt(batch, looked).await?;
            let mut tasks = JoinSet::new();
            for known in batch {
                if self.halt.is_stopped() {
                    break;
                }
                match plan::decide_move(&known.moving) {
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
            while let Some(ended) = tasks.join_next().await {
                rethrow(ended);
            }
            if self.halt.is_stopped() {
                return Ok((settled, Vec::new()));
            }
        }
    }

    /// A call that was not answered, a failure of an earlier run, a pair of which only a listing knows: what is there now?
    async fn look_where_in_doubt(&self, batch: Vec<Move>, looked: &mut HashSet<ObjectKey>) -> Result<Vec<Move>, ApplyError> {
        let doubtful = |known: &Move| {
            let origin_is_gone = known.moving.origin.1.observed.as_ref().is_some_and(|observed| observed.facts.is_none());
            known.intent.is_some() || known.attempts > 0 || (!known.moving.told && !origin_is_gone)
        };
        let mut keys = Vec::new();
        for known in batch.iter().filter(|known| doubtful(known)) {
            if looked.insert(known.target().clone()) {
                keys.extend([known.origin().clone(), known.target().clone()]);
            }
        }
        if keys.is_empty() {
            return Ok(batch);
        }
        let look = self.state.next_look();
        let at_a_time = self.all.available_permits().max(1);
        let found = listing::look_at_each(&self.sink.bucket, keys, at_a_time, self.sink.options.retry).await?;
        let (mut looks, mut unseen) = (Vec::new(), HashMap::new());
        for (path, found) in found {
            match found {
                Ok(facts) => looks.push(LookedAt { path, facts, look }),
                Err(error) => drop(unseen.insert(path, ApplyError::from(error))),
            }
        }
        self.state.commit_looks(looks).await?;
        let mut now = Vec::new();
        for known in batch {
            match unseen.remove(known.origin()).or_else(|| unseen.remove(known.target())) {
                Some(error) => self.move_failed(&known, error).await,
                None => now.extend(self.state.one_move(known.target()).await?),
            }
        }
        Ok(now)
    }

    /// It is no move, or no longer the one that was sent.
    async fn no_move(&self, known: &Move) -> Result<(), ApplyError> {
        if known.intent.is_some() {
            self.state.end_intents(known.origin()).await?;
        }
        Ok(self.state.end_move(known.origin(), known.target(), MoveOutcome::Moot).await?)
    }

    async fn spawn_move(&self, known: Move, effect: Effect, tasks: &mut JoinSet<()>) {
        let place = self.all.clone().acquire_owned().await;
        let executor = self.clone();
        let work = async move {
            telemetry::operation(&known.origin().clone(), executor.one_move(known, effect)).await;
            drop(place);
        };
        tasks.spawn(work.in_current_span());
    }

    async fn one_move(&self, known: Move, effect: Effect) {
        telemetry::decided(effect.as_str());
        match self.sink.send_move(&known, effect).await {
            Ok(ending) => {
                telemetry::ended(ending.result());
                self.tally.ended(&ending);
            }
            Err(error) => self.move_failed(&known, error).await,
        }
    }

    /// Both paths wait for the next attempt.
    async fn move_failed(&self, known: &Move, error: ApplyError) {
        let why = (error.reason(), error.to_string());
        self.failed(known.target(), known.attempts, error).await;
        if !self.halt.is_stopped()
            && let Err(error) = self.park_beside(known.origin(), known.attempts, why).await
        {
            self.halt.stop(Some(error));
        }
    }
}

impl FileManagerSink {
    /// One rename or move, with as many attempts as the policy gives.
    async fn send_move(self: &Arc<Self>, known: &Move, effect: Effect) -> Result<Ending, ApplyError> {
        let (origin, target) = (known.origin(), known.target());
        let mut sent_before = known.intent.is_some();
        let intent = if let Some(open) = &known.intent {
            open.clone()
        } else {
            let planned = Planned { effect, content: None, permissions: Permissions::default() };
            let intent = Intent { new_path: Some(target.clone()), ..self.intent(origin, planned) };
            self.open(vec![intent]).await?.remove(0)
        };
        let mut attempts = self.options.retry.begin();
        let error = loop {
            let request = SaveRequest {
                operation: if effect == Effect::Rename { SaveOperation::Rename } else { SaveOperation::Move },
                path: origin.clone(),
                new_path: Some(target.clone()),
                content: None,
                metadata: serde_json::Map::new(),
                idempotency_key: Some(IdempotencyKey(intent.idempotency_key)),
            };
            match self.file_manager.save(request).await {
                Ok(saved) => {
                    failpoint::reach(failpoint::BETWEEN_CALL_AND_OUTCOME).await;
                    let internal_id = saved.internal_id;
                    self.state.end_move(origin, target, MoveOutcome::Done { internal_id }).await?;
                    return Ok(Ending::Moved(effect));
                }
                Err(error) => match attempts.next_wait(&error) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => break error,
                },
            }
            sent_before = true;
        };
        if !error.kind.is_definite_refusal() {
            return Err(error.into());
        }
        tracing::warn!(key = %origin, to = %target, %error, "no move: the target is created or updated, the origin deleted");
        if error.kind != FileManagerErrorKind::NotFound && sent_before {
            // Without a ledger this may be the answer to what an earlier attempt did.
            self.state.end_intents(origin).await?;
        }
        let outcome = match error.kind {
            FileManagerErrorKind::NotFound => MoveOutcome::OriginUnknown { sent_before },
            FileManagerErrorKind::Taken => MoveOutcome::TargetTaken,
            _ => MoveOutcome::Moot,
        };
        self.state.end_move(origin, target, outcome).await?;
        Ok(Ending::Unchanged)
    }
}
