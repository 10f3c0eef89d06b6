//! The queue of orders. It bounds itself: equal orders that wait are one, and few differ.

use super::{RunRequest, RunResult, RunTrigger};
use crate::apply::Tally;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Orders that differ and wait at the same time. Schedules give three; the others are people.
const MAX_WAITING: usize = 16;

/// How far an order has come.
#[derive(Clone, Debug)]
pub enum Stage {
    /// In the queue.
    Waiting,
    /// Its run is under way.
    Running(Arc<Tally>),
    /// Its run has ended.
    Ended(Arc<RunResult>),
}

/// Why an order was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunRejected {
    /// Too many wait.
    #[error("too many different requests wait for the daemon: try again later")]
    TooMany,
    /// The daemon comes to its end.
    #[error("the daemon is stopping")]
    Stopping,
}

/// Orders that wait, oldest first.
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

/// An order that waits, or that its taker works on.
#[derive(Debug)]
pub(super) struct QueuedRun {
    /// What is wanted.
    pub(super) request: RunRequest,
    /// Tells everybody who waits for it. Dropped, it tells them that nothing will come of it.
    pub(super) stage: watch::Sender<Stage>,
}

/// What whoever gave an order holds: to wait for its end, or to drop.
#[derive(Clone, Debug)]
pub struct RunHandle(watch::Receiver<Stage>);

impl RunQueue {
    /// Gives an order. An equal one that waits already is the same one.
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

    /// Takes the oldest order, or waits for one. From here on an equal one is another one.
    pub(super) async fn next(&self) -> QueuedRun {
        loop {
            let arrived = self.arrived.notified();
            if let Some(waiting) = self.lock().waiting.pop_front() {
                return waiting;
            }
            arrived.await;
        }
    }

    /// Takes no more orders, and tells those that wait that nothing comes of theirs.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.waiting.clear();
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// A queue of orders is one whatever a panicking thread did.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunHandle {
    /// How far it has come.
    pub fn stage(&mut self) -> Stage {
        self.0.borrow_and_update().clone()
    }

    /// Waits until it has come further; `false` = nothing more will come of it.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }

    /// Waits for the end; `None` = it will not come: the daemon stops.
    pub async fn ended(mut self) -> Option<Arc<RunResult>> {
        let ended = self.0.wait_for(|stage| matches!(stage, Stage::Ended(_))).await.ok()?;
        match &*ended {
            Stage::Ended(run_result) => Some(run_result.clone()),
            Stage::Waiting | Stage::Running(_) => None,
        }
    }
}
