//! The queue of run requests. Equal requests that wait are merged, and their number is bounded.

use super::{RunRequest, RunResult, RunTrigger};
use crate::apply::RunCounters;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Different requests that wait at the same time. Schedules make three; the others come from commands.
const MAX_WAITING: usize = 16;

/// The progress of a request.
#[derive(Clone, Debug)]
pub enum Stage {
    /// In the queue.
    Waiting,
    /// Its run is active.
    Running(Arc<RunCounters>),
    /// Its run has ended.
    Ended(Arc<RunResult>),
}

/// Why a request was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunRejected {
    /// Too many wait.
    #[error("too many different requests wait for the daemon: try again later")]
    TooMany,
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopping,
}

/// Requests that wait, oldest first.
#[derive(Debug, Default)]
pub struct RunQueue {
    queue: Mutex<Inner>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<QueuedRun>,
    closed: bool,
}

/// A request that waits, or that the run loop has taken.
#[derive(Debug)]
pub(super) struct QueuedRun {
    /// The request.
    pub(super) request: RunRequest,
    /// Notifies the handles. If it is dropped, no result will come.
    pub(super) stage: watch::Sender<Stage>,
}

/// The requester's handle, to wait for the result; it may be dropped.
#[derive(Clone, Debug)]
pub struct RunHandle(watch::Receiver<Stage>);

impl RunQueue {
    /// Queues a request. It is merged with an equal one that waits already.
    pub fn submit(&self, request: RunRequest) -> Result<RunHandle, RunRejected> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(RunRejected::Stopping);
        }
        if let Some(same) = queue.waiting.iter_mut().find(|waiting| request.is_same_as(&waiting.request)) {
            if request.trigger == RunTrigger::Requested {
                same.request.trigger = RunTrigger::Requested;
            }
            return Ok(RunHandle(same.stage.subscribe()));
        }
        if queue.waiting.len() >= MAX_WAITING {
            return Err(RunRejected::TooMany);
        }
        let (stage, handle) = watch::channel(Stage::Waiting);
        queue.waiting.push_back(QueuedRun { request, stage });
        drop(queue);
        self.arrived.notify_one();
        Ok(RunHandle(handle))
    }

    /// Takes the oldest request, or waits for one. From now on an equal request is queued again.
    pub(super) async fn next(&self) -> QueuedRun {
        loop {
            let arrived = self.arrived.notified();
            if let Some(waiting) = self.lock().waiting.pop_front() {
                return waiting;
            }
            arrived.await;
        }
    }

    /// Rejects further requests and drops those that wait.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.waiting.clear();
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// The queue is consistent even after a thread panicked.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunHandle {
    /// The current stage.
    pub fn stage(&mut self) -> Stage {
        self.0.borrow_and_update().clone()
    }

    /// Waits for the next change; `false` = there will be none.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }

    /// Waits for the result; `None` = the daemon stops first.
    pub async fn ended(mut self) -> Option<Arc<RunResult>> {
        let ended = self.0.wait_for(|stage| matches!(stage, Stage::Ended(_))).await.ok()?;
        match &*ended {
            Stage::Ended(run_result) => Some(run_result.clone()),
            Stage::Waiting | Stage::Running(_) => None,
        }
    }
}
