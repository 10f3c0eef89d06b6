//! The events API's list, read into the inbox. It is asked once a cycle and serves, perhaps, the same for ever: what is new in it,
//! the state knows.

use super::decode::{self, Scope};
use super::receive::dead_letter;
use crate::clock::Clock;
use crate::file_manager::{FEED_EVENTS_MAX, FeedPage, FileManagerError, FileManagerErrorKind, ReadFeed};
use crate::record::EventChannel;
use crate::retry::RetryPolicy;
use crate::run::IgnoredEvents;
use crate::state::{FeedAnswer, FeedIdentity, FeedItem, State, StateError};
use crate::telemetry;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

pub use crate::run::Polled;

/// Pages of a feed with a cursor that one poll reads at the most: what is left comes with the next one.
const PAGES_MAX: usize = 1000;
/// For one answer, all attempts together.
const PAGE_TIMEOUT: Duration = Duration::from_secs(20);

/// A feed, and how it is read.
#[derive(Clone)]
pub struct FeedReader {
    /// Where the events are.
    pub feed: Arc<dyn ReadFeed>,
    /// Which of them are ours.
    pub scope: Scope,
    /// How often a page is asked for.
    pub retry: RetryPolicy,
    /// While the inbox holds as many events, no more are read.
    pub inbox_max: u64,
    /// For what carries no time of its own.
    pub clock: Arc<dyn Clock>,
}

/// Why a poll failed; what came before it is stored.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FileManagerError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
}

impl FeedReader {
    /// Reads what is new into the inbox: one answer, or as many pages as there are. May be dropped at any moment.
    pub async fn poll(&self, state: &State) -> Result<Polled, PollError> {
        let address = self.feed.address();
        let mut cursor = state.feed_cursor(&address).await?;
        let mut polled = Polled { left_unread: true, ..Polled::default() };
        for _ in 0..PAGES_MAX {
            if state.inbox_len().await? >= self.inbox_max {
                break;
            }
            let page = match self.page(cursor.as_deref()).await {
                Ok(page) => page,
                Err(error) if cursor.is_some() && rejects_the_cursor(&error) => {
                    tracing::warn!(%error, "the feed does not know its own cursor any more: it is read from its beginning");
                    state.forget_feed_cursor(self.clock.now()).await?;
                    (cursor, polled.gap) = (None, true);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let next = page.next_cursor.clone();
            if has_restarted(cursor.as_deref(), next.as_deref()) {
                tracing::warn!("the feed has begun anew: it is read from its beginning");
                state.forget_feed_cursor(self.clock.now()).await?;
                (cursor, polled.gap) = (None, true);
                continue;
            }
            let ended = page.events.is_empty() || next.is_none() || next == cursor;
            self.store(state, (address.clone(), cursor), &page, &mut polled).await?;
            if ended {
                polled.left_unread = false;
                break;
            }
            cursor = next;
        }
        Ok(polled)
    }

    /// One answer, within a time in which a run can wait for it: what else there is to do comes after it.
    async fn page(&self, cursor: Option<&str>) -> Result<FeedPage, FileManagerError> {
        let answered = timeout(PAGE_TIMEOUT, self.retry.run(|| self.feed.read_feed(cursor))).await;
        answered.unwrap_or_else(|_| {
            let message = format!("no usable answer within {} s", PAGE_TIMEOUT.as_secs());
            Err(FileManagerError { call: "pubSubFullList", subject: self.feed.address(), kind: FileManagerErrorKind::Timeout, message })
        })
    }

    async fn store(
        &self,
        state: &State,
        (address, asked_with): (String, Option<String>),
        page: &FeedPage,
        polled: &mut Polled,
    ) -> Result<(), StateError> {
        let now = self.clock.now();
        let (items, ignored): (Vec<_>, Vec<_>) = decoded(&page.events, &self.scope, now).into_iter().unzip();
        let all = items.len();
        let full = all >= FEED_EVENTS_MAX;
        let counts =
            state.receive_feed(FeedAnswer { address, items, full, asked_with, next_cursor: page.next_cursor.clone() }, now).await?;
        polled.received += counts.received.events;
        telemetry::metrics().events(EventChannel::Feed.as_str(), counts.received.events);
        polled.dead += counts.received.dead;
        polled.duplicates += u64::try_from(all - counts.fresh.len()).unwrap_or_default();
        polled.gap |= counts.gap;
        let before = std::mem::take(&mut polled.passed_over);
        polled.passed_over = counts.fresh.iter().fold(before, |sum, place| sum.and(ignored[*place].clone()));
        Ok(())
    }
}

/// What an operator can do about a feed that cannot be read.
pub fn hint(error: &FileManagerError) -> &'static str {
    match error.kind {
        FileManagerErrorKind::Timeout | FileManagerErrorKind::Busy { status: ..=500 | 502..=504, .. } => {
            "the events API is overloaded or failing; the next run asks it again"
        }
        ref kind => kind.hint(),
    }
}

/// A feed that counts its events holds fewer than we have heard: it was begun anew. Cursors that are no numbers say nothing of the kind.
fn has_restarted(cursor: Option<&str>, next: Option<&str>) -> bool {
    let number = |cursor: &str| cursor.parse::<u64>().ok();
    cursor.and_then(number).zip(next.and_then(number)).is_some_and(|(cursor, next)| next < cursor)
}

/// A definite refusal of what was accepted before.
fn rejects_the_cursor(error: &FileManagerError) -> bool {
    matches!(error.kind, FileManagerErrorKind::Refused { status: 400 | 404 | 410 | 422 })
}

/// The events of an answer in the order in which they happened: by their time, then by their place. One without a time counts as
/// happening now.
fn decoded(events: &[String], scope: &Scope, now: Timestamp) -> Vec<(FeedItem, IgnoredEvents)> {
    let mut seen: HashMap<[u8; 32], u32> = HashMap::new();
    let mut items: Vec<_> = events
        .iter()
        .map(|text| {
            let event = decode::feed_event(text, scope);
            let before = seen.entry(event.hash).or_default();
            let identity = FeedIdentity { hash: event.hash, occurrence: *before };
            *before += 1;
            let outcome = event.outcome.map_err(|error| dead_letter(&error, text.clone().into_bytes())).transpose();
            (FeedItem { identity, outcome }, event.ignored)
        })
        .collect();
    items.sort_by_key(|(item, _)| match &item.outcome {
        Some(Ok(event)) => event.time.unwrap_or(now),
        _ => now,
    });
    items
}

#[cfg(test)]
mod tests;
