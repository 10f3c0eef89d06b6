//! Polling: receives the events of the queues and the feed into the inbox, before a run does its own work.

use super::flow::Flow;
use crate::apply::ApplyError;
use crate::events::decode::Scope;
use crate::events::feed::{self, FeedReader, PollError};
use crate::events::queue::{EventQueue, InboxLimits, QueueReader, StepError};
use crate::record::EventChannel;
use crate::run::Drained;
use futures::future;
use std::sync::Arc;

impl Flow {
    /// Receives the events of all queues and of the feed. If one of them fails, the run continues without it and the report names it.
    pub(super) async fn receive_events(&self) -> Result<(), ApplyError> {
        future::try_join_all(self.endpoints.queues.iter().map(|queue| self.drain(queue))).await?;
        self.read_feed().await
    }

    async fn drain(&self, queue: &Arc<dyn EventQueue>) -> Result<(), ApplyError> {
        let inbox = InboxLimits { scope: self.scope(), max_events: self.options.inbox_max, clock: self.clock.clone() };
        let reader = QueueReader::new(queue.clone(), EventChannel::Sqs, self.state.clone(), inbox);
        let drained = reader.drain(self.options.retry, &self.stop_signal.token()).await;
        self.counters.drained(Drained { status: reader.status().borrow().clone(), emptied: matches!(drained, Ok(true)) });
        match drained {
            Ok(_) => {}
            Err(StepError::Queue(error)) => {
                tracing::warn!(%error, "a queue cannot be read: the run goes on without it");
                self.counters.queue_failed(error.to_string(), error.hint());
            }
            Err(StepError::State(error)) => return Err(error.into()),
        }
        Ok(())
    }

    async fn read_feed(&self) -> Result<(), ApplyError> {
        let Some(feed) = &self.endpoints.feed else { return Ok(()) };
        let reader = FeedReader {
            feed: feed.clone(),
            scope: self.scope(),
            retry: self.options.retry,
            inbox_max: self.options.inbox_max,
            clock: self.clock.clone(),
        };
        let polled = tokio::select! {
            biased;
            polled = reader.poll(&self.state) => polled,
            () = self.stop_signal.stopped() => return Ok(()),
        };
        match polled {
            Ok(polled) => self.counters.polled(&polled),
            Err(PollError::Feed(error)) => {
                tracing::warn!(%error, "the feed cannot be read: the cycle goes on without it");
                self.counters.feed_failed(error.to_string(), feed::hint(&error));
            }
            Err(PollError::State(error)) => return Err(error.into()),
        }
        Ok(())
    }

    fn scope(&self) -> Scope {
        Scope::new(&self.options.bucket, &self.options.prefix)
    }
}
