//! Permissions: sets those that events reported, or asks the sink if none were reported.

use super::effect::OpenEffect;
use super::reconcile_path::{Operation, Step};
use crate::apply::context::ApplyContext;
use crate::apply::error::ApplyError;
use crate::apply::sink::{EffectKind, EffectRequest, FilePart, SinkHandle};
use crate::endpoint::EndpointErrorKind;
use crate::plan::{Effect, PermissionSupport, Planned};
use crate::record::{ObjectKey, Permissions};
use crate::run::PathOutcome;
use crate::state::{Intent, NotOpened, WorkItem};

impl Operation<'_> {
    /// Sets the permissions of a known file and sends no content. If the sink does not have the file, the path is planned again.
    pub(super) async fn change_permissions(&mut self, work: &WorkItem, planned: Planned) -> Result<Step, ApplyError> {
        match self.set_or_query_permissions(work, &planned.permissions).await {
            Ok(Ok(sent)) => {
                self.context.state.permissions_record(&work.path, &sent, self.attempts.clone()).await?;
                Ok(Step::Ended(PathOutcome::PermissionsSet))
            }
            Ok(Err(not_opened)) => Ok(not_opened.into()),
            Err(error) if error.kind() == Some(EndpointErrorKind::NotFound) => {
                self.context.state.intents_abandon(&work.path).await?;
                Ok(Step::PlanAgain)
            }
            Err(error) => Err(error),
        }
    }

    /// Sets the reported permissions, or asks the sink if none were reported, with the attempts of the retry policy. Returns the
    /// permissions that the file has.
    pub(super) async fn set_or_query_permissions(
        &mut self,
        work: &WorkItem,
        reported: &Permissions,
    ) -> Result<Result<Permissions, NotOpened>, ApplyError> {
        if reported.is_empty() && work.permissions_intent.is_none() {
            return self.context.options.retry.run(|| self.context.query_permissions(work)).await.map(Ok);
        }
        let new = || self.permissions_intent(&work.path, reported);
        let mut effect = match self.open_effect(work, work.permissions_intent.as_ref(), new).await? {
            Ok(effect) => effect,
            Err(not_opened) => return Ok(Err(not_opened)),
        };
        let (context, wanted, key) = (self.context, effect.intent.planned.permissions.clone(), effect.key());
        let handle = SinkHandle::of(&work.path_state);
        let request =
            || EffectRequest { kind: EffectKind::SetPermissions(&wanted), path: &work.path, handle: handle.as_ref(), idempotency_key: key };
        self.call(&mut effect, || context.sink.perform(request())).await?;
        Ok(Ok(wanted))
    }

    /// Makes one attempt: sets the permissions of the open intent, or asks the sink if there is no intent. The intent stays open until the
    /// caller records the outcome, which for new content is after the upload.
    pub(super) async fn attempt_permissions(
        &mut self,
        work: &WorkItem,
        effect: Option<&mut OpenEffect>,
    ) -> Result<Permissions, ApplyError> {
        let Some(effect) = effect else { return self.context.query_permissions(work).await };
        let (wanted, handle) = (effect.intent.planned.permissions.clone(), SinkHandle::of(&work.path_state));
        let kind = EffectKind::SetPermissions(&wanted);
        let request = EffectRequest { kind, path: &work.path, handle: handle.as_ref(), idempotency_key: effect.key() };
        let answer = self.context.sink.perform(request).await;
        self.handle_answer(effect, answer).await?;
        Ok(wanted)
    }

    /// A new intent to set these permissions.
    pub(super) fn permissions_intent(&self, path: &ObjectKey, reported: &Permissions) -> Intent {
        self.context.intent(path, Planned { effect: Effect::SetPermissions, content: None, permissions: reported.clone() })
    }
}

impl ApplyContext {
    /// Asks the sink once for the permissions at a path, if it can report permissions. A refusal counts as "no permissions".
    pub(super) async fn query_permissions(&self, work: &WorkItem) -> Result<Permissions, ApplyError> {
        if self.state.policy().permissions != PermissionSupport::SetAndAsk {
            return Ok(Permissions::default());
        }
        match self.sink.inspect(&work.path, SinkHandle::of(&work.path_state).as_ref(), FilePart::Permissions).await {
            Ok(held) => Ok(held.and_then(|held| held.permissions).unwrap_or_default()),
            Err(error) if error.is_refusal() => Ok(Permissions::default()),
            Err(error) => Err(error.into()),
        }
    }
}
