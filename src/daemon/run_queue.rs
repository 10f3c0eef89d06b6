//! The queue of run requests. It merges equal requests, and its length is limited.

use super::{RunRequest, RunResult, RunTrigger};
use crate::apply::RunCounters;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// The maximum number of waiting requests. Startup and schedules submit three; the others come from commands.
const MAX_WAITING: usize = 16;

/// The progress of a request.
#[derive(Clone, Debug)]
pub enum RunPhase {
    /// The request is in the queue.
    Waiting,
    /// The run is active.
    Running(Arc<RunCounters>),
    /// The run has ended.
    Ended(Arc<RunResult>),
}

/// The reason why the queue rejected a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunRejected {
    /// Too many requests wait.
    #[error("too many different requests wait for the daemon: try again later")]
    TooMany,
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopping,
}

/// The waiting requests, oldest first.
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

/// A request that waits, or that the run loop has taken from the queue.
#[derive(Debug)]
pub(super) struct QueuedRun {
    /// The request.
    pub(super) request: RunRequest,
    /// Sends the phase to the handles. If it is dropped, the run has no result.
    pub(super) phase: watch::Sender<RunPhase>,
}

/// The requester's handle on its run. Dropping it does not affect the run.
#[derive(Clone, Debug)]
pub struct RunHandle(watch::Receiver<RunPhase>);

impl RunQueue {
    /// Adds a request, or merges it with an equal waiting one.
    pub fn submit(&self, request: RunRequest) -> Result<RunHandle, RunRejected> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(RunRejected::Stopping);
        }
        if let Some(same) = queue.waiting.iter_mut().find(|waiting| request.is_same_as(&waiting.request)) {
            if request.trigger == RunTrigger::Requested {
                same.request.trigger = RunTrigger::Requested;
            }
            return Ok(RunHandle(same.phase.subscribe()));
        }
        if queue.waiting.len() >= MAX_WAITING {
            return Err(RunRejected::TooMany);
        }
        let (phase, handle) = watch::channel(RunPhase::Waiting);
        queue.waiting.push_back(QueuedRun { request, phase });
        drop(queue);
        self.arrived.notify_one();
        Ok(RunHandle(handle))
    }

    /// Removes and returns the oldest request, or waits for one. An equal request that is submitted after this waits for another run.
    pub(super) async fn next(&self) -> QueuedRun {
        loop {
            let arrived = self.arrived.notified();
            if let Some(waiting) = self.lock().waiting.pop_front() {
                return waiting;
            }
            arrived.await;
        }
    }

    /// Drops the waiting requests and rejects all further ones.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.waiting.clear();
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// A poisoned lock is usable: the queue is consistent at any time.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunHandle {
    /// The current phase.
    pub fn phase(&mut self) -> RunPhase {
        self.0.borrow_and_update().clone()
    }

    /// Waits for the next change of the phase; `false` = there will be none.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }

    /// Waits for the result; `None` = the daemon stopped first.
    pub async fn ended(mut self) -> Option<Arc<RunResult>> {
        let ended = self.0.wait_for(|phase| matches!(phase, RunPhase::Ended(_))).await.ok()?;
        match &*ended {
            RunPhase::Ended(run_result) => Some(run_result.clone()),
            RunPhase::Waiting | RunPhase::Running(_) => None,
        }
    }
}
