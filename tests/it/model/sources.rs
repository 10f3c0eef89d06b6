//! The simulated feed and notification queue, which serve published events as often as requested.

use super::file_manager::{Api, without_effect};
use super::world::World;
use async_trait::async_trait;
use jiff::SignedDuration;
use s3_sync::events::decode::Scope;
use s3_sync::events::queue::{EventQueue, InboxLimits, Message, MessageReceipt, QueueError, QueueReader};
use s3_sync::file_manager::{FeedPage, FileManagerError, MAX_FEED_EVENTS, ReadFeed};
use s3_sync::state::{EventChannel, State};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Messages in one response.
const MESSAGES: usize = 2;

#[async_trait]
impl ReadFeed for Api {
    fn address(&self) -> String {
        "model".to_owned()
    }

    async fn read_feed(&self, cursor: Option<&str>) -> Result<FeedPage, FileManagerError> {
        self.read(&format!("feed after {cursor:?}"), || Ok(page(&self.world, cursor))).await
    }
}

fn page(world: &World, cursor: Option<&str>) -> FeedPage {
    let inner = world.lock();
    let all: Vec<_> = inner.published.feed.iter().map(|event| event.clone().into_bytes()).collect();
    if !world.setup.cursor {
        return FeedPage { events: all[all.len().saturating_sub(MAX_FEED_EVENTS)..].to_vec(), next_cursor: None };
    }
    let from = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0_usize).min(all.len());
    let to = (from + 5).min(all.len());
    FeedPage { events: all[from..to].to_vec(), next_cursor: Some(to.to_string()) }
}

/// The queue.
pub(crate) struct Queue(pub(crate) Arc<World>, pub(crate) CancellationToken);

#[async_trait]
impl EventQueue for Queue {
    fn address(&self) -> &'static str {
        "the model's"
    }

    async fn receive(&self, _: Duration) -> Result<Vec<Message>, QueueError> {
        self.0.point().await;
        let message = |(number, body): &(u64, String)| Message { receipt: MessageReceipt(number.to_string()), body: body.clone() };
        let messages: Vec<_> = self.0.lock().published.queue.iter().take(MESSAGES).map(message).collect();
        if messages.is_empty() {
            self.1.cancel();
        }
        self.0.lock().note(format_args!("     queue: {} messages", messages.len()));
        Ok(messages)
    }

    async fn acknowledge(&self, receipts: Vec<MessageReceipt>) -> Result<Vec<MessageReceipt>, QueueError> {
        self.0.point().await;
        let mut inner = self.0.lock();
        // Another API call could also have met this trouble: a queue fails in the same ways.
        let trouble = inner.api_trouble.pop_front();
        if trouble.and_then(without_effect).is_none() {
            inner.published.queue.retain(|(number, _)| !receipts.contains(&MessageReceipt(number.to_string())));
        }
        inner.note(format_args!("     queue: {} acknowledged, {trouble:?}", receipts.len()));
        let lost = |trouble| QueueError { call: "acknowledge", address: self.address().to_owned(), message: format!("{trouble:?}") };
        trouble.map_or(Ok(Vec::new()), |trouble| Err(lost(trouble)))
    }

    async fn release(&self, _: Vec<MessageReceipt>) -> Result<(), QueueError> {
        Ok(())
    }

    async fn retention(&self) -> Option<SignedDuration> {
        None
    }
}

/// Receives the waiting notifications, two at a time, as the daemon does.
pub(crate) async fn receive(world: &Arc<World>, state: &State) {
    let stop = CancellationToken::new();
    let inbox = InboxLimits { scope: Scope::new("model", world.setup.prefix), max_events: 1000, clock: world.clone() };
    let reader = QueueReader::new(Arc::new(Queue(world.clone(), stop.clone())), EventChannel::Sqs, state.clone(), inbox);
    reader.run(&stop).await;
}
