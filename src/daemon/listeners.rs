//! Where tasks live that hear of changes: each is kept alive, shows its status, and can wake the daemon.

use super::status::{Health, Tasks};
use super::{ProbeResult, Shared, Wake, endpoint_status};
use crate::apply::Halt;
use async_trait::async_trait;
use std::time::Duration;
use tokio::time::Instant;

/// The first wait before a source that failed is begun anew; it doubles with each failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// No wait is longer.
const MAX_WAIT: Duration = Duration::from_mins(1);
/// A source that worked so long begins with the first wait again.
const STABLE_AFTER: Duration = Duration::from_mins(2);

/// A task that hears of changes, such as the consumer of a queue.
#[async_trait]
pub trait Listener: Send + Sync {
    /// Its name in `status`: no other task has it.
    fn name(&self) -> &str;
    /// Works until the daemon stops. An error is told in `status`, and it is begun anew after a wait.
    async fn run(&self, context: &ListenerContext) -> Result<(), String>;
}

/// What a source is given.
#[derive(Clone, Debug)]
pub struct ListenerContext {
    name: String,
    tasks: Tasks,
    /// To be called after what was heard is stored.
    pub wake: Wake,
    /// When to stop: what was received and not stored is handed back.
    pub halt: Halt,
}

impl ListenerContext {
    /// Tells what came of it so far, in one sentence.
    pub fn set_result(&self, result: String) {
        self.tasks.set_result(&self.name, result);
    }

    /// Tells whether the door to what it listens to opens; if not, why.
    pub fn set_reachability(&self, unreachable: Option<String>) {
        endpoint_status::record(&self.tasks, &ProbeResult { name: self.name.clone(), unreachable, awaited: false });
    }

    /// Tells why nothing is heard at this moment; `None` = all is well again.
    pub fn set_problem(&self, problem: Option<String>) {
        self.tasks.set_problem(&self.name, problem.map(|problem| (Health::Degraded, format!("{}: {problem}", self.name))));
    }
}

/// Keeps one source alive.
pub(super) async fn supervise(shared: Shared, listener: Box<dyn Listener>) {
    let name = listener.name();
    shared.tasks.add(name, None);
    let context =
        ListenerContext { name: name.to_owned(), tasks: shared.tasks.clone(), wake: shared.wake.clone(), halt: shared.halt.clone() };
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
        if context.halt.is_stopped() {
            return;
        }
        wait = if began.elapsed() >= STABLE_AFTER { FIRST_WAIT } else { wait };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = context.halt.stopped() => return,
        }
        wait = (wait * 2).min(MAX_WAIT);
    }
}
