//! Moments at which a daemon is killed, each awaited as an event: a failpoint, a request at the doubles, or a line of output.

use crate::crash::process::{Process, Vain};
use crate::crash::random::Random;
use crate::crash::scene::Scene;
use mock_api::{Call, CallName, CallState};
use s3_sync::failpoint::{BETWEEN_CALL_AND_OUTCOME, BETWEEN_INTENT_AND_CALL};

/// All work is done: no other moment can follow.
const RUN_ENDED: &str = "a run ended";
const ENDPOINTS_UNREACHABLE: &str = "waiting for unreachable endpoints";
const HELD: &str = "failpoint ";

#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// It was just started.
    Started,
    /// It probes its endpoints.
    EndpointProbed,
    /// It reads the feed.
    FeedAsked,
    /// It looks up the nth path.
    PathLookedUp(usize),
    /// It requests the nth object.
    ObjectAsked(usize),
    /// The file manager has received the head of the nth call about a file.
    CallArrived(usize),
    /// The nth effect has happened.
    EffectDone(usize),
    /// The nth call about a file was answered, or its connection was closed.
    CallEnded(usize),
    /// The nth intent is stored; its call has not been sent.
    Intent(usize),
    /// The nth effect has happened and is not stored.
    Outcome(usize),
    /// It posts its report.
    ReportArrives,
    /// Its run has ended.
    RunEnded,
}

/// What the doubles had received before.
pub(super) struct Since {
    /// Calls that were ordered to hang, and whose process is gone.
    pub(super) released: usize,
    pages: u64,
    lookups: u64,
    objects: u64,
}

/// How a wait for a moment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The moment happened.
    Itself,
    /// The run ended first.
    RunEnded,
    /// A call hangs.
    Hanging,
}

impl Moment {
    pub(super) fn draw(random: &mut Random) -> Self {
        let nth = 1 + random.below(3);
        match random.below(20) {
            0 => Self::Started,
            1 => Self::EndpointProbed,
            2 => Self::FeedAsked,
            3 | 4 => Self::PathLookedUp(nth),
            5 | 6 => Self::ObjectAsked(nth),
            7 | 8 => Self::CallArrived(nth + 1),
            9..=11 => Self::EffectDone(nth),
            12 | 13 => Self::CallEnded(nth + 1),
            14 | 15 => Self::Intent(nth),
            16 | 17 => Self::Outcome(nth),
            18 => Self::ReportArrives,
            _ => Self::RunEnded,
        }
    }

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Started => "just started",
            Self::EndpointProbed => "while it probes its endpoints",
            Self::FeedAsked => "while it reads the feed",
            Self::PathLookedUp(_) => "while it looks up a path",
            Self::ObjectAsked(_) => "while an object is asked for",
            Self::CallArrived(_) => "while a call is on its way",
            Self::EffectDone(_) => "when an effect happened",
            Self::CallEnded(_) => "when a call was answered",
            Self::Intent(_) => "between intent and call",
            Self::Outcome(_) => "between call and outcome",
            Self::ReportArrives => "while it reports",
            Self::RunEnded => "when a run ended",
        }
    }

    /// The failpoint for this moment, as the program's setting.
    pub(super) fn fail_point(self) -> Option<String> {
        match self {
            Self::Intent(nth) => Some(format!("{BETWEEN_INTENT_AND_CALL}:{nth}")),
            Self::Outcome(nth) => Some(format!("{BETWEEN_CALL_AND_OUTCOME}:{nth}")),
            _ => None,
        }
    }

    /// Waits for the moment, or for what ends the wait: without remaining work it never happens.
    pub(super) async fn come(self, scene: &Scene, process: &mut Process, since: &Since) -> Result<Came, Vain> {
        let hangs = |calls: &[Call]| hanging(calls) > since.released;
        let said = tokio::select! {
            biased;
            said = process.says_or(&[HELD, RUN_ENDED, ENDPOINTS_UNREACHABLE], self.happens(scene, since)) => said?,
            () = scene.file_manager().wait_for_calls(hangs) => return Ok(Came::Hanging),
        };
        let itself = match self {
            Self::RunEnded => said == Some(RUN_ENDED),
            _ => said.is_none() || said == Some(HELD),
        };
        Ok(if itself { Came::Itself } else { Came::RunEnded })
    }

    async fn happens(self, scene: &Scene, since: &Since) {
        let (bucket, file_manager) = (scene.bucket(), scene.file_manager());
        let about_files = |calls: &[Call], which: fn(&Call) -> bool| {
            calls.iter().filter(|call| matches!(call.call, CallName::SaveToDisk | CallName::UpdatePermissions) && which(call)).count()
        };
        match self {
            Self::Started => {}
            Self::EndpointProbed => bucket.seen("ListObjectsV2", since.pages + 1).await,
            Self::FeedAsked => file_manager.wait_for_calls(|calls| calls.iter().any(|call| call.call == CallName::PubSubFullList)).await,
            Self::PathLookedUp(nth) => bucket.seen("HeadObject", since.lookups + nth as u64).await,
            Self::ObjectAsked(nth) => bucket.seen("GetObject", since.objects + nth as u64).await,
            Self::CallArrived(nth) => file_manager.wait_for_calls(|calls| about_files(calls, |_| true) >= nth).await,
            Self::EffectDone(nth) => file_manager.wait_for_calls(|calls| about_files(calls, |call| call.effect) >= nth).await,
            Self::CallEnded(nth) => {
                let ended = |call: &Call| matches!(call.state, CallState::Answered | CallState::Unanswered);
                file_manager.wait_for_calls(|calls| about_files(calls, ended) >= nth).await;
            }
            Self::ReportArrives => {
                file_manager.wait_for_calls(|calls| calls.iter().any(|call| call.call == CallName::ReportResults)).await;
            }
            Self::Intent(_) | Self::Outcome(_) | Self::RunEnded => std::future::pending().await,
        }
    }
}

pub(super) fn hanging(calls: &[Call]) -> usize {
    calls.iter().filter(|call| call.state == CallState::Hanging).count()
}

impl Since {
    /// The counts at this time.
    pub(super) fn now(scene: &Scene) -> Self {
        let operations = scene.bucket().counters().operations;
        let seen = |operation: &str| operations.get(operation).copied().unwrap_or_default();
        scene.file_manager().reset_calls();
        Self { released: 0, pages: seen("ListObjectsV2"), lookups: seen("HeadObject"), objects: seen("GetObject") }
    }
}
