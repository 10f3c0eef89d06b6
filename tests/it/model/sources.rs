//! The feed and the queue of notifications, in a simulation: whatever is told, served as often as it is asked for.

use super::file_manager::Api;
use super::world::World;
use async_trait::async_trait;
use s3_sync::events::decode::Scope;
use s3_sync::events::notified;
use s3_sync::file_manager::{FEED_EVENTS_MAX, FeedPage, FileManagerError, ReadFeed};
use s3_sync::state::{SourceName, State, StateError};

/// Messages that are handed out together.
const MESSAGES: usize = 2;

#[async_trait]
impl ReadFeed for Api {
    fn address(&self) -> String {
        "model".to_owned()
    }

    async fn read_feed(&self, cursor: Option<&str>) -> Result<FeedPage, FileManagerError> {
        self.look(&format!("feed after {cursor:?}"), || Ok(page(&self.0, cursor))).await
    }
}

fn page(world: &World, cursor: Option<&str>) -> FeedPage {
    let inner = world.lock();
    let all = &inner.tellings.feed;
    if !world.setup.cursor {
        return FeedPage { events: all[all.len().saturating_sub(FEED_EVENTS_MAX)..].to_vec(), next_cursor: None };
    }
    let from = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0_usize).min(all.len());
    let to = (from + 5).min(all.len());
    FeedPage { events: all[from..to].to_vec(), next_cursor: Some(to.to_string()) }
}

/// Receives the notifications that wait, two at a time, and acknowledges them when they are stored.
pub(crate) async fn receive(world: &World, state: &State) -> Result<(), StateError> {
    let scope = Scope::new("model", world.setup.prefix);
    loop {
        world.point().await;
        let messages: Vec<_> = world.lock().tellings.queue.iter().take(MESSAGES).cloned().collect();
        if messages.is_empty() {
            return Ok(());
        }
        let notified = messages.iter().flat_map(|(_, body)| notified(SourceName::Sqs, body.as_bytes(), &scope).batch);
        let now = world.lock().now;
        state.receive(notified.collect(), now).await?;
        world.point().await;
        world.lock().tellings.queue.retain(|message| !messages.contains(message));
    }
}
