//! The queue of notifications as a task of the daemon: what it brings into the inbox wakes a cycle, and why it brings nothing is told.

use super::doors;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::daemon::{Source, SourceContext};
use crate::events::decode::Scope;
use crate::events::queue::{Inbox, QueueReader, SourceStatus};
use crate::report::PassedOver;
use crate::state::{SourceName, State};
use async_trait::async_trait;
use std::future::pending;
use std::sync::Arc;

/// The task.
struct Queue(QueueReader);

/// The queue that the settings name, if they do.
pub(super) async fn source(settings: &Settings, bucket: &str, state: State) -> Option<Box<dyn Source>> {
    let queue = doors::queue_source(settings).await?;
    let most = u64::try_from(settings.inbox_max.get()).unwrap_or(u64::MAX);
    let inbox = Inbox { scope: Scope::new(bucket, &settings.source.prefix), most, clock: Arc::new(SystemClock) };
    Some(Box::new(Queue(QueueReader::new(queue, SourceName::Sqs, state, inbox))))
}

#[async_trait]
impl Source for Queue {
    fn name(&self) -> &'static str {
        "sqs"
    }

    async fn run(&self, context: &SourceContext) -> Result<(), String> {
        let mut status = self.0.status();
        let told = async {
            let mut seen = (0, 0);
            while status.changed().await.is_ok() {
                let now = status.borrow_and_update().clone();
                // It counts what is committed: the cycle finds it.
                let told = (now.events, now.gaps);
                if std::mem::replace(&mut seen, told) != told {
                    context.wake.call();
                }
                if now.shut.is_some() || now.last_heard_at.is_some() {
                    context.door(now.shut.as_ref().map(|(why, _)| why.clone()));
                }
                context.told(came_of_it(&now));
                context.trouble(problem(&now));
            }
            pending::<()>().await;
        };
        let stop = context.halt.token();
        tokio::select! {
            // At the end, what was received is stored and acknowledged, or given back.
            () = self.0.run(&stop) => Ok(()),
            () = told => Ok(()),
        }
    }
}

fn came_of_it(status: &SourceStatus) -> String {
    let passed_over = PassedOver::from(status.passed_over.clone()).to_string();
    let passed_over = if passed_over.is_empty() { passed_over } else { format!("; passed over: {passed_over}") };
    format!("{} messages: {} events, {} dead letters{passed_over}", status.messages, status.events, status.dead)
}

fn problem(status: &SourceStatus) -> Option<String> {
    let shut = status.shut.as_ref().map(|(why, since)| format!("the queue is shut since {since}: {why}"));
    shut.or_else(|| {
        status.inbox_full.then(|| "the inbox is full (INBOX_MAX): nothing is received until a cycle has used some of it up".to_owned())
    })
}
