//! One effect whose intent is open: called as often as the policy gives, always with the same key. Here alone is decided what a
//! refusal means when a call before it was not answered.

use super::reconcile_path::Operation;
use crate::apply::error::ApplyError;
use crate::endpoint::{EffectCertainty, EndpointError};
use crate::record::ObjectKey;
use crate::state::{Called, Failure, Intent, Plane};
use crate::{failpoint, mutant};
use uuid::Uuid;

/// An effect whose intent is committed and has no outcome.
pub(super) struct OpenEffect {
    /// The intent that every call of this effect sends.
    pub(super) intent: Intent,
    /// A call that was not answered may have had the effect.
    unanswered: bool,
    /// A call was answered, and had the effect; beside others it is not recorded yet.
    done: bool,
}

impl OpenEffect {
    /// Its intent has just been committed: no call has gone out.
    pub(super) fn new(intent: Intent) -> Self {
        Self { intent, unanswered: false, done: false }
    }

    /// An earlier run, or an earlier process, left it open: a call may have gone out.
    pub(super) fn left(intent: &Intent) -> Self {
        Self { intent: intent.clone(), unanswered: true, done: false }
    }

    /// The path that its intent is filed under.
    pub(super) fn path(&self) -> &ObjectKey {
        &self.intent.path
    }

    /// True if an unanswered call may have had the effect. A refusal then ends every intent of its path.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.unanswered
    }

    /// Performs the effect once.
    pub(super) fn key(&self) -> Uuid {
        self.intent.idempotency_key
    }
}

impl Operation<'_> {
    /// Counts an attempt that failed.
    pub(super) fn attempt_failed(&mut self, error: &ApplyError) {
        self.attempts.failed = Some(Failure { reason: error.reason(), message: error.to_string() });
    }

    /// The effect that was left open, else a new one.
    pub(super) async fn effect(&self, left: Option<&Intent>, new: impl FnOnce() -> Intent) -> Result<OpenEffect, ApplyError> {
        if let Some(left) = left {
            return Ok(OpenEffect::left(left));
        }
        let intent = new();
        self.context.open(vec![intent.clone()]).await?;
        Ok(OpenEffect::new(intent))
    }

    /// Calls, with as many attempts as the policy gives, until there is an answer.
    pub(super) async fn call<T, Answer>(&mut self, effect: &mut OpenEffect, call: impl Fn() -> Answer) -> Result<T, ApplyError>
    where
        Answer: Future<Output = Result<T, EndpointError>>,
    {
        let mut attempts = self.context.options.retry.begin();
        loop {
            self.attempts.made += 1;
            let error = match self.answered(effect, call().await).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            self.attempt_failed(&error);
            let Some(wait) = attempts.next_wait(&error) else { return Err(self.given_up(&[&*effect], error).await) };
            tokio::time::sleep(wait).await;
        }
    }

    /// An operation ends without an outcome. Where no call of any of its effects can have arrived, its intents end: they say
    /// nothing about what the sink holds. Where one may have, all stay open.
    pub(super) async fn given_up(&self, effects: &[&OpenEffect], error: ApplyError) -> ApplyError {
        if effects.iter().any(|effect| effect.unanswered || effect.done) {
            return error;
        }
        for effect in effects {
            if let Err(error) = self.context.state.intent_refuse(effect.path(), Plane::of(effect.intent.planned.effect)).await {
                return error.into();
            }
        }
        error
    }

    /// Handles one call's answer. A definite refusal ends the intent: that call had no effect. An earlier unanswered call may
    /// have had the effect, and only a ledger could show it: the paths that it names become unconfirmed. After any other
    /// failure the intent stays open for the next attempt.
    pub(super) async fn answered<T>(&mut self, effect: &mut OpenEffect, answer: Result<T, EndpointError>) -> Result<T, ApplyError> {
        self.attempts.called = Some(Called::from(&effect.intent));
        let error = match answer {
            Ok(answer) => {
                effect.done = true;
                failpoint::reach(failpoint::BETWEEN_CALL_AND_OUTCOME).await;
                return Ok(answer);
            }
            Err(error) => error,
        };
        if !error.is_refusal() {
            effect.unanswered |= error.effect == EffectCertainty::Unknown;
            return Err(error.into());
        }
        if effect.unanswered && !mutant::is("a_refusal_after_no_answer_is_final") {
            self.context.state.intents_abandon(effect.path()).await?;
        } else {
            self.context.state.intent_refuse(effect.path(), Plane::of(effect.intent.planned.effect)).await?;
        }
        Err(error.into())
    }
}
