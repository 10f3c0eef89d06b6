//! The plane of permissions: setting what was told, or asking where nothing was.

use super::effect::OpenEffect;
use super::reconcile_path::{Operation, Step};
use crate::apply::context::FileManagerSink;
use crate::apply::error::ApplyError;
use crate::file_manager::FileManagerErrorKind;
use crate::plan::{Effect, PermissionPlane, Planned};
use crate::record::{ObjectKey, Permissions};
use crate::run::Ending;
use crate::state::{Intent, Work};

impl Operation<'_> {
    /// The permissions of a known file, and nothing else. `None` = the file manager does not know the file after all, and the
    /// path is to be decided anew.
    pub(super) async fn change_permissions(&mut self, work: &Work, planned: Planned) -> Result<Option<Step>, ApplyError> {
        let sent = self.with_permissions(work, &planned.permissions).await;
        match sent {
            Ok(sent) => {
                self.sink.state.permissions_set(&work.path, &sent, self.attempts.clone()).await?;
                Ok(Some(Step::Ended(Ending::PermissionsSet)))
            }
            Err(ApplyError::FileManager(error)) if error.kind == FileManagerErrorKind::NotFound => {
                self.sink.state.end_intents(&work.path).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sets what was told, or asks where nothing was, with as many attempts as the policy gives.
    pub(super) async fn with_permissions(&mut self, work: &Work, told: &Permissions) -> Result<Permissions, ApplyError> {
        if told.is_empty() && work.permissions_intent.is_none() {
            return self.sink.options.retry.run(|| self.sink.ask_permissions(&work.path)).await;
        }
        let mut effect = self.effect(work.permissions_intent.as_ref(), || self.permissions_intent(&work.path, told)).await?;
        let (sink, wanted, key) = (self.sink, effect.intent.planned.permissions.clone(), effect.key());
        self.call(&mut effect, || sink.file_manager.set_permissions(&work.path, &wanted, key)).await?;
        Ok(wanted)
    }

    /// One attempt: sets what the open intent says, or asks where there is none. The intent stays open until somebody keeps
    /// what was set: beside new content, until that is confirmed too.
    pub(super) async fn permissions(&mut self, path: &ObjectKey, effect: Option<&mut OpenEffect>) -> Result<Permissions, ApplyError> {
        let Some(effect) = effect else { return self.sink.ask_permissions(path).await };
        let wanted = effect.intent.planned.permissions.clone();
        let answer = self.sink.file_manager.set_permissions(path, &wanted, effect.key()).await;
        self.answered(effect, answer).await?;
        Ok(wanted)
    }

    /// What is meant by permissions that go with content.
    pub(super) fn permissions_intent(&self, path: &ObjectKey, told: &Permissions) -> Intent {
        self.sink.intent(path, Planned { effect: Effect::SetPermissions, content: None, permissions: told.clone() })
    }
}

impl FileManagerSink {
    /// Asks once, if it can be asked. A refusal is no reason to keep the content back.
    pub(super) async fn ask_permissions(&self, path: &ObjectKey) -> Result<Permissions, ApplyError> {
        if self.state.policy().permissions != PermissionPlane::SetAndAsk {
            return Ok(Permissions::default());
        }
        match self.file_manager.permissions(path).await {
            Ok(permissions) => Ok(permissions),
            Err(error) if error.kind.is_definite_refusal() => Ok(Permissions::default()),
            Err(error) => Err(error.into()),
        }
    }
}
