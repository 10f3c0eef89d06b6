//! Listeners for queues of notifications: each receives one queue, wakes the daemon for new events, and reports when it cannot receive.

use super::engine::Engine;
use super::outcome::Refusal;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::daemon::{Listener, ListenerContext};
use crate::events::decode::Scope;
use crate::events::queue::{self, InboxLimits, QueueReader, SourceStatus};
use crate::report::PassedOver;
use crate::state::EventChannel;
use async_trait::async_trait;
use std::future::pending;
use std::sync::Arc;

/// The name of the listener in `status`. If there are several queues, the address follows.
const SQS: &str = "sqs";

/// The listener of one queue.
struct Queue {
    name: String,
    reader: QueueReader,
}

/// Creates the listeners of all configured queues.
pub(crate) async fn listeners(settings: &Settings, engine: &Engine) -> Result<Vec<Box<dyn Listener>>, Refusal> {
    let queues = engine.queues().await?;
    let max_events = u64::try_from(settings.inbox_max.get()).unwrap_or(u64::MAX);
    let inbox = InboxLimits { scope: Scope::new(engine.bucket(), &settings.source.prefix), max_events, clock: Arc::new(SystemClock) };
    let alone = queues.len() == 1;
    let task = |queue: Arc<dyn queue::EventQueue>| -> Box<dyn Listener> {
        let name = if alone { SQS.to_owned() } else { format!("{SQS} {}", queue.address()) };
        Box::new(Queue { name, reader: QueueReader::new(queue, EventChannel::Sqs, engine.state(), inbox.clone()) })
    };
    Ok(queues.into_iter().map(task).collect())
}

#[async_trait]
impl Listener for Queue {
    fn name(&self) -> &str {
        &self.name
    }

    async fn run(&self, context: &ListenerContext) -> Result<(), String> {
        let mut status = self.reader.status();
        let report_status = async {
            let mut seen = (0, 0);
            while status.changed().await.is_ok() {
                let now = status.borrow_and_update().clone();
                // The reader counts only committed events, so the run that follows finds them in the inbox.
                let report_status = (now.events, now.gaps);
                if std::mem::replace(&mut seen, report_status) != report_status {
                    context.wake.call();
                }
                if now.unreachable.is_some() || now.last_polled_at.is_some() {
                    context.set_reachability(now.unreachable.as_ref().map(|(reason, _)| reason.clone()));
                }
                context.set_result(result_sentence(&now));
                context.set_problem(problem(&now));
            }
            pending::<()>().await;
        };
        let stop = context.stop_signal.token();
        tokio::select! {
            // The reader ends after it has stored or released every received message.
            () = self.reader.run(&stop) => Ok(()),
            () = report_status => Ok(()),
        }
    }
}

fn result_sentence(status: &SourceStatus) -> String {
    let ignored = PassedOver::from(status.ignored.clone()).to_string();
    let ignored = if ignored.is_empty() { ignored } else { format!("; ignored: {ignored}") };
    format!("{} messages: {} events, {} dead letters{ignored}", status.messages, status.events, status.dead_letters)
}

fn problem(status: &SourceStatus) -> Option<String> {
    let unreachable = status.unreachable.as_ref().map(|(reason, since)| format!("the queue is unreachable since {since}: {reason}"));
    unreachable.or_else(|| {
        status.inbox_full.then(|| "the inbox is full (INBOX_MAX): nothing is received until a cycle has used some of it up".to_owned())
    })
}
