//! The daemon: one loop that executes run requests one at a time, and the tasks that submit them: schedules, wake-ups by listeners, and the
//! control socket. `workflow` implements the runs; `app` connects the worker to its endpoints.
//!
//! **Invariant:** requests wait in one queue, which merges equal requests, and a request leaves the queue when its run begins. So two runs
//! never overlap, slow runs do not accumulate requests, and every requester gets a run that begins after its request.

mod run_queue;
mod run_loop;
mod startup;
mod schedule;
mod debounce;
mod endpoint_status;
mod listeners;
mod housekeeping;
mod backlog;
mod status;
mod dead_letter_messages;
mod protocol;
mod socket;
mod control;
#[cfg(test)]
mod tests;

pub use dead_letter_messages::{DeadLettersAction, DeadLettersMessage, KeptDeadLetter};
pub use debounce::Wake;
pub use endpoint_status::{EVENTS_API, EndpointRole, EndpointStatus, ProbeResult, sink_endpoint};
pub use housekeeping::MaintenanceTask;
pub use listeners::{Listener, ListenerContext};
pub use protocol::{ClientIdentity, Envelope, MAX_LINE_BYTES, Reply, Request, RunMessage, RunProgress, VERSION, read_line, write_line};
pub use run_queue::{RunHandle, RunPhase, RunQueue, RunRejected};
pub use schedule::{NeverFires, Schedule};
pub use socket::{ControlSocket, SocketError, connect};
pub use status::{Health, Running, ServiceStatus, Task, Tasks};

use crate::apply::{RunCounters, StopSignal};
use crate::clock::Clock;
use crate::events::dead_letters::{Retried, Which};
use crate::report::Report;
use crate::run::ErrorSummary;
use crate::state::{Identity, OperatorAnswer, RunKind, RunOutcome};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};

/// The time that each shutdown layer leaves to the layer around it for storing and reporting its outcome; at most a quarter of its own
/// time.
const SHUTDOWN_RESERVE: Duration = Duration::from_secs(2);

/// The shutdown time of the inner layer, if the outer layer has `time`.
pub fn minus_shutdown_reserve(time: Duration) -> Duration {
    time.saturating_sub(SHUTDOWN_RESERVE.min(time / 4))
}

/// A request for one run. The queue merges equal waiting requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// The kind of the run.
    pub kind: RunKind,
    /// The number of deletes that the operator allows in this run.
    pub allow_deletes: Option<u64>,
    /// The operator's flags for a state of another bucket or file manager.
    pub answer: OperatorAnswer,
    /// The origin of the request.
    pub trigger: RunTrigger,
}

/// The origin of a run request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunTrigger {
    /// A command or a schedule requested the run.
    Requested,
    /// Events that a listener received requested the run.
    Event,
}

impl RunRequest {
    /// A request without allowed deletes and flags.
    pub fn of(kind: RunKind) -> Self {
        Self { kind, allow_deletes: None, answer: OperatorAnswer::default(), trigger: RunTrigger::Requested }
    }

    /// True if one run satisfies both requests.
    fn is_same_as(&self, other: &Self) -> bool {
        (self.kind, self.allow_deletes, &self.answer) == (other.kind, other.allow_deletes, &other.answer)
    }
}

/// The result of a run request.
#[derive(Clone, Debug)]
pub enum RunResult {
    /// The run took place.
    Ended {
        /// The exit code of a command that requested the run.
        exit_code: u8,
        /// The outcome, as stored in the state.
        outcome: RunOutcome,
        /// The report of the run.
        report: Box<Report>,
    },
    /// The run did not begin, or its end could not be stored.
    NotRun {
        /// The exit code of a command that requested the run.
        exit_code: u8,
        /// The reason, in a sentence.
        message: String,
    },
}

/// Executes the work; the daemon decides when. It is shared, because several tasks use it, some of them during a run.
#[async_trait]
pub trait Worker: Send + Sync {
    /// Probes every endpoint except those of the listeners.
    async fn probe_endpoints(&self) -> Vec<ProbeResult>;
    /// True if an initial sync has ever completed.
    async fn initial_completed(&self) -> Result<bool, String>;
    /// True if a listing is needed because events may have been missed, for example because a queue was not polled for longer than it keeps
    /// messages. A completed listing resets it.
    async fn listing_is_due(&self) -> Result<bool, String>;
    /// Executes a run request to its end, or until the stop signal arrives.
    async fn run(&self, request: RunRequest, counters: Arc<RunCounters>, stop_signal: StopSignal) -> RunResult;
    /// Decodes dead letters again and stores their events in the inbox. May be called during a run.
    async fn retry_dead_letters(&self, which: Which) -> Result<Retried, String>;
    /// Deletes dead letters and returns their number. May be called during a run.
    async fn drop_dead_letters(&self, which: Which) -> Result<u64, String>;
    /// The problem of the dead letters that exist, in a sentence; `None` = there are none. May be called during a run.
    async fn dead_letters_problem(&self) -> Result<Option<String>, String>;
    /// Records the backlog gauges. May be called during a run.
    async fn record_backlog(&self);
    /// Executes one maintenance task, after the active run has ended. Returns a sentence about the result.
    async fn run_maintenance(&self, task: MaintenanceTask) -> Result<String, String>;
}

/// The parts of a daemon that is ready to start.
pub struct Daemon {
    /// Executes the runs.
    pub worker: Arc<dyn Worker>,
    /// The schedule of incremental syncs.
    pub cycle: Schedule,
    /// The schedule of reconciles; `None` = never.
    pub reconcile: Option<Schedule>,
    /// The listeners, which receive events and wake the daemon.
    pub listeners: Vec<Box<dyn Listener>>,
    /// The source and sinks of the state. A request for others is refused.
    pub identity: Identity,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The stop signal.
    pub stop_signal: StopSignal,
    /// The time limit for the whole shutdown.
    pub grace: Duration,
}

/// The data that the tasks of a running daemon share.
#[derive(Clone)]
struct Shared {
    worker: Arc<dyn Worker>,
    run_queue: Arc<RunQueue>,
    tasks: Tasks,
    stop_signal: StopSignal,
    /// Notified after a failed run, for example because an endpoint was unreachable. `startup` then probes the endpoints.
    run_failed: Arc<Notify>,
    /// Notified after a run that stopped sinks and served others. `startup` then probes the endpoints until those sinks are reachable.
    sink_stopped: Arc<Notify>,
    /// Called after a listener has stored events.
    wake: Wake,
}

impl Daemon {
    /// Runs until the stop signal arrives and the shutdown has ended. Returns the error that stopped the daemon, if one did: another process has
    /// taken over the state.
    pub async fn run(self, socket: ControlSocket) -> Option<ErrorSummary> {
        let shared = Shared {
            worker: self.worker,
            run_queue: Arc::default(),
            tasks: Tasks::new(self.clock),
            stop_signal: self.stop_signal,
            run_failed: Arc::default(),
            sink_stopped: Arc::default(),
            wake: Wake::default(),
        };
        let (listener, socket) = socket.into_parts();
        let (mut server, mut runner) = (JoinSet::new(), JoinSet::new());
        server.spawn(control::serve(listener, shared.clone(), Arc::new(self.identity)));
        runner.spawn(run_loop::run(shared.clone()));
        let (begun, may_begin) = watch::channel(false);
        let mut background = JoinSet::new();
        background.spawn(startup::run(shared.clone(), begun));
        background.spawn(schedule::run(shared.clone(), (status::CYCLE, self.cycle), RunKind::Incremental, may_begin.clone()));
        if let Some(reconcile) = self.reconcile {
            background.spawn(schedule::run(shared.clone(), (status::RECONCILE, reconcile), RunKind::Reconcile, may_begin.clone()));
        }
        background.spawn(debounce::run(shared.clone(), may_begin.clone()));
        background.spawn(housekeeping::run(shared.clone(), may_begin));
        background.spawn(backlog::run(shared.clone()));
        let mut listening = JoinSet::new();
        for listener in self.listeners {
            listening.spawn(listeners::supervise(shared.clone(), listener));
        }
        tracing::info!("the daemon is running");
        let panicked = tokio::select! {
            () = shared.stop_signal.stopped() => None,
            panicked = first_panic(&mut runner) => Some(panicked),
            panicked = first_panic(&mut server) => Some(panicked),
            panicked = first_panic(&mut background) => Some(panicked),
            panicked = first_panic(&mut listening) => Some(panicked),
        };
        if let Some(panicked) = panicked {
            // A panic is a bug. The whole process ends, as after a crash, because a daemon without one of its tasks would still appear to
            // run.
            std::panic::resume_unwind(panicked.into_panic());
        }
        background.shutdown().await;
        tokio::select! {
            biased;
            _ = async { tokio::join!(join_all(&mut runner), join_all(&mut listening)) } => {}
            () = shared.stop_signal.out_of_grace(minus_shutdown_reserve(self.grace)) => {
                tracing::warn!("the active run did not end in time: the next start resumes it");
            }
        }
        tokio::join!(runner.shutdown(), listening.shutdown());
        shared.run_queue.close();
        // The server has the reserved time to send results to the clients that wait for a run.
        tokio::select! {
            _ = tokio::time::timeout(SHUTDOWN_RESERVE, join_all(&mut server)) => {}
            () = shared.stop_signal.out_of_grace(self.grace) => {}
        }
        server.shutdown().await;
        drop(socket);
        tracing::info!("the daemon has stopped");
        shared.stop_signal.cause()
    }
}

/// Waits until all of these tasks have ended. A panic is ignored, because it was already printed.
async fn join_all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Waits until one of these tasks panics. A task that returns is ignored.
async fn first_panic(tasks: &mut JoinSet<()>) -> JoinError {
    loop {
        match tasks.join_next().await {
            Some(Err(panicked)) => return panicked,
            Some(Ok(())) => {}
            None => std::future::pending().await,
        }
    }
}
