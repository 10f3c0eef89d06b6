//! The plane of permissions: setting what was told, or asking where nothing was.

use super::sink::{FileManagerSink, Step};
use super::{ApplyError, Ending};
use crate::failpoint;
use crate::file_manager::{FileManagerErrorKind, IdempotencyKey};
use crate::plan::{Effect, Planned};
use crate::record::Permissions;
use crate::state::{Intent, Plane, Work};

impl FileManagerSink {
    /// The permissions of a known file, and nothing else. `None` = the file manager does not know the file after all, and the
    /// path is to be decided anew.
    pub(super) async fn change_permissions(&self, work: &Work, planned: Planned) -> Result<Option<Step>, ApplyError> {
        let sent = self.with_permissions(work, &planned.permissions).await;
        match sent {
            Ok(sent) => {
                self.state.permissions_set(&work.path, &sent).await?;
                Ok(Some(Step::Ended(Ending::PermissionsSet)))
            }
            Err(ApplyError::FileManager(error)) if error.kind == FileManagerErrorKind::NotFound => {
                self.state.end_intents(&work.path).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sets what was told, or asks where nothing was, with as many attempts as the policy gives.
    pub(super) async fn with_permissions(&self, work: &Work, told: &Permissions) -> Result<Permissions, ApplyError> {
        let sent_before = work.permissions_intent.is_some();
        let mut work = work.clone();
        if !told.is_empty() && !sent_before {
            work.permissions_intent = self.open(vec![self.permissions_intent(&work, told)]).await?.pop();
        }
        let mut attempts = self.options.retry.begin();
        let mut answered = self.permissions(&work, sent_before).await;
        while let Err(error) = &answered {
            let Some(wait) = attempts.next_wait(error) else { break };
            tokio::time::sleep(wait).await;
            answered = self.permissions(&work, true).await;
        }
        answered
    }

    /// One attempt: sets what the open intent says, or asks where there is none. The intent stays open until somebody keeps
    /// what was set: beside new content, until that is confirmed too.
    pub(super) async fn permissions(&self, work: &Work, sent_before: bool) -> Result<Permissions, ApplyError> {
        let Some(intent) = &work.permissions_intent else { return self.ask(work).await };
        let (wanted, key) = (&intent.planned.permissions, IdempotencyKey(intent.idempotency_key));
        match self.file_manager.set_permissions(&work.path, wanted, key).await {
            Ok(_) => {
                failpoint::reach(failpoint::BETWEEN_CALL_AND_OUTCOME).await;
                Ok(wanted.clone())
            }
            Err(error) => Err(self.refused((&work.path, Plane::Permissions), sent_before, error).await),
        }
    }

    /// What is meant by permissions that go with content.
    pub(super) fn permissions_intent(&self, work: &Work, told: &Permissions) -> Intent {
        self.intent(&work.path, Planned { effect: Effect::SetPermissions, content: None, permissions: told.clone() })
    }

    /// Asks once. A refusal is no reason to keep the content back.
    async fn ask(&self, work: &Work) -> Result<Permissions, ApplyError> {
        match self.file_manager.permissions(&work.path).await {
            Ok(permissions) => Ok(permissions),
            Err(error) if error.kind.is_definite_refusal() => Ok(Permissions::default()),
            Err(error) => Err(error.into()),
        }
    }
}
