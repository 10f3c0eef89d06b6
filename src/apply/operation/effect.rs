//! Sends one effect whose intent is open, with the attempts of the retry policy and always with the same idempotency key. Only this module
//! decides what a refusal means after an unanswered call.

use super::reconcile_path::Operation;
use crate::apply::error::ApplyError;
use crate::endpoint::{EffectCertainty, EndpointError};
use crate::record::ObjectKey;
use crate::state::{AttemptFailure, Called, Intent, IntentKind, NotOpened, WorkItem};
use crate::{failpoint, mutant};
use uuid::Uuid;

/// An effect whose intent is committed and that has no outcome yet.
pub(super) struct OpenEffect {
    /// The intent. Every call of this effect sends it.
    pub(super) intent: Intent,
    /// True if an unanswered call may have had the effect.
    unanswered: bool,
    /// True if a call succeeded whose outcome is not recorded yet.
    done: bool,
}

impl OpenEffect {
    /// The effect of an intent that has just been committed: no call was sent.
    pub(super) fn new(intent: Intent) -> Self {
        Self { intent, unanswered: false, done: false }
    }

    /// The effect of an intent that an earlier run or process left open: a call may have been sent.
    pub(super) fn resumed(intent: &Intent) -> Self {
        Self { intent: intent.clone(), unanswered: true, done: false }
    }

    /// The path of the intent.
    pub(super) fn path(&self) -> &ObjectKey {
        &self.intent.path
    }

    /// True if an unanswered call may have had the effect. A refusal then closes every intent of the path.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.unanswered
    }

    /// The idempotency key of all calls of this effect.
    pub(super) fn key(&self) -> Uuid {
        self.intent.idempotency_key
    }
}

impl Operation<'_> {
    /// Records the failure of an attempt.
    pub(super) fn record_failed_attempt(&mut self, error: &ApplyError) {
        self.attempts.failed = Some(AttemptFailure { reason: error.reason(), message: error.to_string() });
    }

    /// Returns the effect of the open intent `open_intent`; if there is none, commits the intent `new` and returns its effect.
    pub(super) async fn open_effect(
        &self,
        work: &WorkItem,
        open_intent: Option<&Intent>,
        new: impl FnOnce() -> Intent,
    ) -> Result<Result<OpenEffect, NotOpened>, ApplyError> {
        if let Some(open_intent) = open_intent {
            return Ok(Ok(OpenEffect::resumed(open_intent)));
        }
        let intent = new();
        let opened = self.context.open(work.into(), vec![intent.clone()]).await?;
        Ok(opened.map(|()| OpenEffect::new(intent)))
    }

    /// Sends the effect, with the attempts of the retry policy, until the sink answers.
    pub(super) async fn call<T, Answer>(&mut self, effect: &mut OpenEffect, call: impl Fn() -> Answer) -> Result<T, ApplyError>
    where
        Answer: Future<Output = Result<T, EndpointError>>,
    {
        let mut attempts = self.context.options.retry.begin();
        loop {
            self.attempts.made += 1;
            let error = match self.handle_answer(effect, call().await).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            self.record_failed_attempt(&error);
            let Some(wait) = attempts.next_wait(&error) else { return Err(self.give_up(&[&*effect], error).await) };
            tokio::time::sleep(wait).await;
        }
    }

    /// Ends an operation without an outcome. If no call of its effects can have reached the sink, it closes their intents. If one may have,
    /// or has a checkpoint that the next run resumes from, all intents stay open.
    pub(super) async fn give_up(&self, effects: &[&OpenEffect], error: ApplyError) -> ApplyError {
        if effects.iter().any(|effect| effect.unanswered || effect.done || effect.intent.resume.is_some()) {
            return error;
        }
        for effect in effects {
            if let Err(error) = self.context.state.intent_refuse(effect.path(), IntentKind::of(effect.intent.planned.effect)).await {
                return error.into();
            }
        }
        error
    }

    /// Handles the answer to one call. A refusal closes the intent, because the refused call had no effect. If an earlier call was not
    /// answered, it may have had the effect: then all paths of the intent become unconfirmed, too. After any other failure the intent stays
    /// open for the next attempt.
    pub(super) async fn handle_answer<T>(&mut self, effect: &mut OpenEffect, answer: Result<T, EndpointError>) -> Result<T, ApplyError> {
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
            self.context.state.intent_refuse(effect.path(), IntentKind::of(effect.intent.planned.effect)).await?;
        }
        Err(error.into())
    }
}
