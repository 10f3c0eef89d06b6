//! The feed reader: polls the events API's list once per run and stores new events in the inbox. The list may return the same events again;
//! the state knows which are new.

use super::decode::{self, Scope};
use super::receive::dead_letter;
use crate::clock::Clock;
use crate::file_manager::{FeedPage, FileManagerError, FileManagerErrorKind, MAX_FEED_EVENTS, ReadFeed};
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

/// The maximum number of pages that one poll reads from a feed with cursors. The next poll reads the rest.
const MAX_PAGES: usize = 1000;
/// The time limit for one page, retries included.
const PAGE_TIMEOUT: Duration = Duration::from_secs(20);

/// Reads one feed.
#[derive(Clone)]
pub struct FeedReader {
    /// The feed.
    pub feed: Arc<dyn ReadFeed>,
    /// Selects the events of the synced bucket and prefix.
    pub scope: Scope,
    /// The retry policy of one page.
    pub retry: RetryPolicy,
    /// The number of events in the inbox from which on none are read.
    pub inbox_max: u64,
    /// The clock, for events without a timestamp.
    pub clock: Arc<dyn Clock>,
}

/// The error of a poll. Events that were received before it are stored.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FileManagerError),
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl FeedReader {
    /// Reads the list, or all pages of a feed with cursors, and stores new events in the inbox. The future may be dropped at any time.
    pub async fn poll(&self, state: &State) -> Result<Polled, PollError> {
        let address = self.feed.address();
        let mut cursor = state.inbox().feed_cursor(&address).await?;
        let mut polled = Polled { left_unread: true, ..Polled::default() };
        for _ in 0..MAX_PAGES {
            if state.inbox().events_len().await? >= self.inbox_max {
                break;
            }
            let page = match self.page(cursor.as_deref()).await {
                Ok(page) => page,
                Err(error) if cursor.is_some() && rejects_the_cursor(&error) => {
                    tracing::warn!(%error, "the feed no longer knows its own cursor: it is read from its beginning");
                    state.inbox().feed_cursor_forget(self.clock.now()).await?;
                    (cursor, polled.gap) = (None, true);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let next = page.next_cursor.clone();
            if has_restarted(cursor.as_deref(), next.as_deref()) {
                tracing::warn!("the feed has restarted: it is read from its beginning");
                state.inbox().feed_cursor_forget(self.clock.now()).await?;
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

    /// Reads one page within `PAGE_TIMEOUT`, because the rest of the run waits for it.
    async fn page(&self, cursor: Option<&str>) -> Result<FeedPage, FileManagerError> {
        let answered = timeout(PAGE_TIMEOUT, self.retry.run(|| self.feed.read_feed(cursor))).await;
        answered.unwrap_or_else(|_| {
            let message = format!("no usable response within {} s", PAGE_TIMEOUT.as_secs());
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
        let full = all >= MAX_FEED_EVENTS;
        let counts =
            state.inbox().feed_receive(FeedAnswer { address, items, full, asked_with, next_cursor: page.next_cursor.clone() }, now).await?;
        polled.received += counts.received.events;
        telemetry::metrics().events(EventChannel::Feed.as_str(), counts.received.events);
        polled.dead_letters += counts.received.dead;
        polled.duplicates += u64::try_from(all - counts.fresh.len()).unwrap_or_default();
        polled.gap |= counts.gap;
        let before = std::mem::take(&mut polled.ignored);
        polled.ignored = counts.fresh.iter().fold(before, |sum, index| sum.and(ignored[*index].clone()));
        Ok(())
    }
}

/// The operator's hint for a feed that cannot be read.
pub fn hint(error: &FileManagerError) -> &'static str {
    match error.kind {
        FileManagerErrorKind::BadAnswer | FileManagerErrorKind::Busy { status: 501 | 505, .. } => {
            "the response is none of an events API: check EVENTS_API_URL, including its path"
        }
        FileManagerErrorKind::NotFound | FileManagerErrorKind::Refused { status: 404 | 405 } => {
            "the events API has no such call: check EVENTS_API_URL, including its path"
        }
        FileManagerErrorKind::Unauthorised { .. } => {
            "the events API does not accept the token: check FILE_MANAGER_API_TOKEN, its permissions, and EVENTS_API_URL"
        }
        FileManagerErrorKind::Refused { .. } | FileManagerErrorKind::Taken => "the events API refuses the request: its message says why",
        FileManagerErrorKind::Timeout | FileManagerErrorKind::Busy { .. } => {
            "the events API is overloaded or failing; the next run tries again"
        }
        FileManagerErrorKind::Unreachable => "check EVENTS_API_URL, and that the events API is running",
        FileManagerErrorKind::UntrustedCertificate => error.kind.hint(),
        FileManagerErrorKind::Interrupted | FileManagerErrorKind::BodyFailed => "the connection broke; the next run tries again",
        FileManagerErrorKind::TooLong => {
            "let the events API serve fewer events, or less metadata in each: until then only a reconcile finds what it reports"
        }
    }
}

/// True if a numeric cursor decreased: the feed has fewer events than were received, so it was restarted. Other cursors do not show a
/// restart.
fn has_restarted(cursor: Option<&str>, next: Option<&str>) -> bool {
    let number = |cursor: &str| cursor.parse::<u64>().ok();
    cursor.and_then(number).zip(next.and_then(number)).is_some_and(|(cursor, next)| next < cursor)
}

/// True if the feed refused a cursor that it returned itself.
fn rejects_the_cursor(error: &FileManagerError) -> bool {
    matches!(error.kind, FileManagerErrorKind::Refused { status: 400 | 404 | 410 | 422 })
}

/// Decodes the events of a page, and sorts them by time and then by position. An event without a time counts as happening now.
fn decoded(events: &[Vec<u8>], scope: &Scope, now: Timestamp) -> Vec<(FeedItem, IgnoredEvents)> {
    let mut seen: HashMap<[u8; 32], u32> = HashMap::new();
    let mut items: Vec<_> = events
        .iter()
        .map(|raw| {
            let event = decode::feed_event(raw, scope);
            let before = seen.entry(event.hash).or_default();
            let identity = FeedIdentity { hash: event.hash, occurrence: *before };
            *before += 1;
            let outcome = event.outcome.map_err(|error| dead_letter(&error, raw.clone())).transpose();
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
