//! Moments at which a process can be killed, each awaited as an event: a failpoint, or a request at the doubles.

use super::Scene;
use crate::crash::process::{Process, Vain};
use mock_api::{Call, CallState};
use s3_sync::failpoint::{BEFORE_FIRST_COMMIT, BETWEEN_CALL_AND_OUTCOME, BETWEEN_INTENT_AND_CALL};

const FIRST_COMMIT: &str = "before the first commit";
const INTENT: &str = "between intent and call";
const OUTCOME: &str = "between call and outcome";

pub(super) const KINDS_WITH_A_FAIL_POINT: [&str; 3] = [FIRST_COMMIT, INTENT, OUTCOME];

#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// Its first page was read and is not stored.
    BeforeFirstCommit,
    /// The nth intent is stored; its call has not been sent.
    BetweenIntentAndCall { nth: usize },
    /// The nth effect has happened and is not stored.
    BetweenCallAndOutcome { nth: usize },
    /// It was just started.
    Started,
    /// It requests its first page.
    PageRequested,
    /// It requests its nth object.
    ObjectRequested { nth: usize },
    /// The file manager has received the head of the nth call of any kind.
    CallReceived { nth: usize },
    /// The file manager answers the nth create.
    FileCreated { nth: usize },
}

/// What the doubles had received before a process started.
#[derive(Clone, Copy)]
pub(super) struct Since {
    pages: u64,
    objects: u64,
    calls: u64,
    created: usize,
}

impl Moment {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::BeforeFirstCommit => FIRST_COMMIT,
            Self::BetweenIntentAndCall { .. } => INTENT,
            Self::BetweenCallAndOutcome { .. } => OUTCOME,
            Self::Started => "just started",
            Self::PageRequested => "while a page is asked for",
            Self::ObjectRequested { .. } => "while an object is asked for",
            Self::CallReceived { .. } => "while a call is on its way",
            Self::FileCreated { .. } => "while a create is answered",
        }
    }

    /// The failpoint for this moment, as the program's setting.
    pub(super) fn fail_point(self) -> Option<String> {
        let (name, nth) = self.place()?;
        Some(format!("{name}:{nth}"))
    }

    fn place(self) -> Option<(&'static str, usize)> {
        match self {
            Self::BeforeFirstCommit => Some((BEFORE_FIRST_COMMIT, 1)),
            Self::BetweenIntentAndCall { nth } => Some((BETWEEN_INTENT_AND_CALL, nth)),
            Self::BetweenCallAndOutcome { nth } => Some((BETWEEN_CALL_AND_OUTCOME, nth)),
            _ => None,
        }
    }

    /// Call before the process starts.
    pub(super) fn begin(self, scene: &Scene) -> Since {
        let operations = scene.bucket().counters().operations;
        let seen = |operation: &str| operations.get(operation).copied().unwrap_or_default();
        let created = if matches!(self, Self::FileCreated { .. }) { answered_creates(&scene.file_manager().calls()) } else { 0 };
        Since { pages: seen("ListObjectsV2"), objects: seen("GetObject"), calls: scene.file_manager().calls_in_all(), created }
    }

    /// Waits for the moment.
    pub(super) async fn come(self, scene: &Scene, process: &mut Process, since: Since) -> Result<(), Vain> {
        if let Some((name, _)) = self.place() {
            return process.says(&format!("failpoint {name}")).await;
        }
        let (bucket, file_manager) = (scene.bucket(), scene.file_manager());
        match self {
            Self::PageRequested => process.lives_until(bucket.seen("ListObjectsV2", since.pages + 1)).await,
            Self::ObjectRequested { nth } => process.lives_until(bucket.seen("GetObject", since.objects + nth as u64)).await,
            Self::CallReceived { nth } => process.lives_until(file_manager.wait_for_calls_in_all(since.calls + nth as u64)).await,
            Self::FileCreated { nth } => {
                let enough = |calls: &[Call]| answered_creates(calls) >= since.created + nth;
                process.lives_until(file_manager.wait_for_calls(enough)).await
            }
            Self::Started | Self::BeforeFirstCommit | Self::BetweenIntentAndCall { .. } | Self::BetweenCallAndOutcome { .. } => Ok(()),
        }
    }
}

fn answered_creates(calls: &[Call]) -> usize {
    calls.iter().filter(|call| call.operation.as_deref() == Some("create") && call.state == CallState::Answered).count()
}
