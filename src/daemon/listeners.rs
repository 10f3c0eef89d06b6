//! Runs the listeners, which receive events: restarts each after a failure, shows its status, and lets it wake the daemon.

use super::status::{Health, Tasks};
use super::{EndpointRole, ProbeResult, Shared, Wake, endpoint_status};
use crate::apply::StopSignal;
use async_trait::async_trait;
use std::time::Duration;
use tokio::time::Instant;

/// The first wait before a failed listener is restarted. It doubles with each failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const MAX_WAIT: Duration = Duration::from_mins(1);
/// After this time without a failure, the next failure waits `FIRST_WAIT` again.
const STABLE_AFTER: Duration = Duration::from_mins(2);

/// A task that receives events, such as the reader of a queue.
#[async_trait]
pub trait Listener: Send + Sync {
    /// The name in `status`, unique among the tasks.
    fn name(&self) -> &str;
    /// Receives until the daemon stops. After an error, `status` shows it and the listener is restarted after a wait.
    async fn run(&self, context: &ListenerContext) -> Result<(), String>;
}

/// What a listener needs from the daemon.
#[derive(Clone, Debug)]
pub struct ListenerContext {
    name: String,
    tasks: Tasks,
    /// The listener calls it after it has stored events.
    pub wake: Wake,
    /// The stop signal. After it the listener stores or releases the messages that it has received.
    pub stop_signal: StopSignal,
}

impl ListenerContext {
    /// Shows the current result in `status`, in one sentence.
    pub fn set_result(&self, result: String) {
        self.tasks.set_result(&self.name, result);
    }

    /// Shows why the listener's endpoint is unreachable; `None` = it is reachable.
    pub fn set_reachability(&self, unreachable: Option<String>) {
        endpoint_status::record(&self.tasks, &ProbeResult { name: self.name.clone(), role: EndpointRole::Optional, unreachable });
    }

    /// Shows why the listener receives no events at the moment; `None` = it does.
    pub fn set_problem(&self, problem: Option<String>) {
        self.tasks.set_problem(&self.name, problem.map(|problem| (Health::Degraded, format!("{}: {problem}", self.name))));
    }
}

/// Runs one listener and restarts it after failures, until it ends or the daemon stops.
pub(super) async fn supervise(shared: Shared, listener: Box<dyn Listener>) {
    let name = listener.name();
    shared.tasks.add(name, None);
    let context = ListenerContext {
        name: name.to_owned(),
        tasks: shared.tasks.clone(),
        wake: shared.wake.clone(),
        stop_signal: shared.stop_signal.clone(),
    };
    let mut wait = FIRST_WAIT;
    loop {
        let began = Instant::now();
        shared.tasks.began(name);
        context.set_problem(None);
        let Err(message) = listener.run(&context).await else {
            return shared.tasks.ended(name, "ended".to_owned());
        };
        tracing::warn!(source = name, "{message}");
        shared.tasks.ended(name, message.clone());
        context.set_problem(Some(message));
        if context.stop_signal.is_stopped() {
            return;
        }
        wait = if began.elapsed() >= STABLE_AFTER { FIRST_WAIT } else { wait };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = context.stop_signal.stopped() => return,
        }
        wait = (wait * 2).min(MAX_WAIT);
    }
}
