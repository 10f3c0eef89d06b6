//! When things run: one loop that takes one order at a time, whoever gives it (a schedule, a wake-up, a command through the
//! control socket), and the tasks around it. What a run does is the workflow's concern; how a worker comes by its endpoints is `app`'s.
//!
//! **Invariant:** orders wait in one queue in which equal ones are one, and an order leaves it when its run begins. So two runs
//! are never under way at once, runs that overrun do not pile up, and whoever asks gets a run that begins after the request.

mod run_queue;
mod run_loop;
mod startup;
mod schedule;
mod debounce;
mod endpoint_status;
mod listeners;
mod housekeeping;
mod backlog_metrics;
mod status;
mod dead_letter_messages;
mod protocol;
mod socket;
mod control;
#[cfg(test)]
mod tests;

pub use dead_letter_messages::{DeadLettersAction, DeadLettersMessage, KeptDeadLetter};
pub use debounce::Wake;
pub use endpoint_status::{EVENTS_API, EndpointStatus, ProbeResult};
pub use housekeeping::MaintenanceTask;
pub use listeners::{Listener, ListenerContext};
pub use protocol::{ClientIdentity, Envelope, MAX_LINE_BYTES, Progress, Reply, Request, RunMessage, VERSION, read_line, write_line};
pub use run_queue::{RunHandle, RunQueue, RunRejected, Stage};
pub use schedule::{NeverFires, Schedule};
pub use socket::{ControlSocket, SocketError, connect};
pub use status::{Health, Running, ServiceStatus, Task, Tasks};

use crate::apply::{Halt, Tally};
use crate::clock::Clock;
use crate::events::dead_letters::{Retried, Which};
use crate::report::Report;
use crate::state::{Answer, Identity, RunKind, RunOutcome};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};

/// What each part of the end leaves of its time to the one around it, at most a quarter: to write down and to tell how it ended.
const SHUTDOWN_RESERVE: Duration = Duration::from_secs(2);

/// The time of the part inside, when so much is left until the end.
pub fn minus_shutdown_reserve(time: Duration) -> Duration {
    time.saturating_sub(SHUTDOWN_RESERVE.min(time / 4))
}

/// One run, as somebody wants it. Equal orders that wait are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// Which flow.
    pub kind: RunKind,
    /// What the operator allows for this run alone.
    pub allow_deletes: Option<u64>,
    /// What the operator says about a state that describes something else.
    pub answer: Answer,
    /// Who wants it.
    pub trigger: RunTrigger,
}

/// Who wants a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunTrigger {
    /// A person, or the clock.
    Requested,
    /// An event that a source heard of: nobody else.
    Event,
}

impl RunRequest {
    /// One that needs no word of an operator.
    pub fn of(kind: RunKind) -> Self {
        Self { kind, allow_deletes: None, answer: Answer::default(), trigger: RunTrigger::Requested }
    }

    /// Whether one run does for both.
    fn is_same_as(&self, other: &Self) -> bool {
        (self.kind, self.allow_deletes, self.answer) == (other.kind, other.allow_deletes, other.answer)
    }
}

/// How an order ended.
#[derive(Clone, Debug)]
pub enum RunResult {
    /// There was a run, and this is what it came to.
    Ended {
        /// What a command that asked for it ends with.
        exit_code: u8,
        /// As it is remembered.
        outcome: RunOutcome,
        /// As it is told.
        report: Box<Report>,
    },
    /// It could not begin, or not be brought to an end that could be written down.
    Refused {
        /// What a command that asked for it ends with.
        exit_code: u8,
        /// Why.
        message: String,
    },
}

/// What does the work; the daemon says when. Shared, because doors are also looked at while nothing runs.
#[async_trait]
pub trait Worker: Send + Sync {
    /// Tries every door that no source tries by itself.
    async fn probe_endpoints(&self) -> Vec<ProbeResult>;
    /// Whether an initial sync has ever come to its end.
    async fn initial_completed(&self) -> Result<bool, String>;
    /// Whether events may have been missed, because nobody has listened for longer than a queue keeps its messages, for example:
    /// until a listing has found what they were about.
    async fn listing_is_due(&self) -> Result<bool, String>;
    /// Runs an order to its end, or until `halt` stops it.
    async fn run(&self, request: RunRequest, tally: Arc<Tally>, halt: Halt) -> RunResult;
    /// Decodes dead letters again, also beside a run: what can be used goes into the inbox.
    async fn retry_dead_letters(&self, which: Which) -> Result<Retried, String>;
    /// Forgets dead letters, also beside a run; how many there were.
    async fn drop_dead_letters(&self, which: Which) -> Result<u64, String>;
    /// Tells how much waits to whoever measures, also beside a run.
    async fn record_backlog(&self);
    /// Throws away what nobody needs any more of one kind; never beside a run. A sentence about what it did.
    async fn run_maintenance(&self, task: MaintenanceTask) -> Result<String, String>;
}

/// A daemon, ready to start.
pub struct Daemon {
    /// What does the work.
    pub worker: Arc<dyn Worker>,
    /// When cycles begin.
    pub cycle: Schedule,
    /// When everything is listed again; `None` = never.
    pub reconcile: Option<Schedule>,
    /// What tells it of changes, and wakes it.
    pub listeners: Vec<Box<dyn Listener>>,
    /// What the state describes: a request for something else is refused.
    pub identity: Identity,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Stops it.
    pub halt: Halt,
    /// How long its whole end may take then.
    pub grace: Duration,
}

/// What the parts of a running daemon share.
#[derive(Clone)]
struct Shared {
    worker: Arc<dyn Worker>,
    run_queue: Arc<RunQueue>,
    tasks: Tasks,
    halt: Halt,
    /// A run ended because a door was shut.
    failed: Arc<Notify>,
    /// Somebody knows of events that wait.
    wake: Wake,
}

impl Daemon {
    /// Runs until it is told to stop.
    pub async fn run(self, socket: ControlSocket) {
        let shared = Shared {
            worker: self.worker,
            run_queue: Arc::default(),
            tasks: Tasks::new(self.clock),
            halt: self.halt,
            failed: Arc::default(),
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
        background.spawn(backlog_metrics::run(shared.clone()));
        let mut listening = JoinSet::new();
        for listener in self.listeners {
            listening.spawn(listeners::supervise(shared.clone(), listener));
        }
        tracing::info!("the daemon works");
        let panicked = tokio::select! {
            () = shared.halt.stopped() => None,
            panicked = first_panic(&mut runner) => Some(panicked),
            panicked = first_panic(&mut server) => Some(panicked),
            panicked = first_panic(&mut background) => Some(panicked),
            panicked = first_panic(&mut listening) => Some(panicked),
        };
        if let Some(panicked) = panicked {
            // A part that panicked is a bug; half a daemon would look alive, so all of it ends, as it would after a crash.
            std::panic::resume_unwind(panicked.into_panic());
        }
        background.shutdown().await;
        tokio::select! {
            biased;
            _ = async { tokio::join!(join_all(&mut runner), join_all(&mut listening)) } => {}
            () = shared.halt.out_of_grace(minus_shutdown_reserve(self.grace)) => {
                tracing::warn!("what was in hand did not end in time: the next start goes on with it");
            }
        }
        tokio::join!(runner.shutdown(), listening.shutdown());
        shared.run_queue.close();
        // Those who wait for a run hear how it ended; whoever does not listen is not waited for.
        tokio::select! {
            _ = tokio::time::timeout(SHUTDOWN_RESERVE, join_all(&mut server)) => {}
            () = shared.halt.out_of_grace(self.grace) => {}
        }
        server.shutdown().await;
        drop(socket);
        tracing::info!("the daemon has stopped");
    }
}

/// Waits until all of these tasks have ended, however they did: what panicked has been printed.
async fn join_all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Waits until one of these tasks panics; that one ends by itself is nothing.
async fn first_panic(tasks: &mut JoinSet<()>) -> JoinError {
    loop {
        match tasks.join_next().await {
            Some(Err(panicked)) => return panicked,
            Some(Ok(())) => {}
            None => std::future::pending().await,
        }
    }
}
