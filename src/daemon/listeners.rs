//! Where tasks live that hear of changes: each is kept alive, shows its status, and can wake the daemon.

use super::status::{Health, Tasks};
use super::{Shared, Tried, Wake, endpoint_status};
use crate::apply::Halt;
use async_trait::async_trait;
use std::time::Duration;
use tokio::time::Instant;

/// The first wait before a source that failed is begun anew; it doubles with each failure.
const WAIT_FIRST: Duration = Duration::from_secs(1);
/// No wait is longer.
const WAIT_MOST: Duration = Duration::from_mins(1);
/// A source that worked so long begins with the first wait again.
const WORKED_WELL: Duration = Duration::from_mins(2);

/// A task that hears of changes, such as the consumer of a queue.
#[async_trait]
pub trait Source: Send + Sync {
    /// Its name in `status`: no other task has it.
    fn name(&self) -> &str;
    /// Works until the daemon stops. An error is told in `status`, and it is begun anew after a wait.
    async fn run(&self, context: &SourceContext) -> Result<(), String>;
}

/// What a source is given.
#[derive(Clone, Debug)]
pub struct SourceContext {
    name: String,
    tasks: Tasks,
    /// To be called after what was heard is stored.
    pub wake: Wake,
    /// When to stop: what was received and not stored is handed back.
    pub halt: Halt,
}

impl SourceContext {
    /// Tells what came of it so far, in one sentence.
    pub fn told(&self, result: String) {
        self.tasks.told(&self.name, result);
    }

    /// Tells whether the door to what it listens to opens; if not, why.
    pub fn door(&self, shut: Option<String>) {
        endpoint_status::tell(&self.tasks, &Tried { name: self.name.clone(), shut, awaited: false });
    }

    /// Tells why nothing is heard at this moment; `None` = all is well again.
    pub fn trouble(&self, problem: Option<String>) {
        self.tasks.trouble(&self.name, problem.map(|problem| (Health::Degraded, format!("{}: {problem}", self.name))));
    }
}

/// Keeps one source alive.
pub(super) async fn keep(shared: Shared, source: Box<dyn Source>) {
    let name = source.name();
    shared.tasks.add(name, None);
    let context =
        SourceContext { name: name.to_owned(), tasks: shared.tasks.clone(), wake: shared.wake.clone(), halt: shared.halt.clone() };
    let mut wait = WAIT_FIRST;
    loop {
        let began = Instant::now();
        shared.tasks.began(name);
        context.trouble(None);
        let Err(message) = source.run(&context).await else {
            return shared.tasks.ended(name, "ended".to_owned());
        };
        tracing::warn!(source = name, "{message}");
        shared.tasks.ended(name, message.clone());
        context.trouble(Some(message));
        if context.halt.is_stopped() {
            return;
        }
        wait = if began.elapsed() >= WORKED_WELL { WAIT_FIRST } else { wait };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = context.halt.stopped() => return,
        }
        wait = (wait * 2).min(WAIT_MOST);
    }
}
