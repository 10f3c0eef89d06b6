//! The reading position of a feed: its received events or its cursor, and whether there may be an event gap.
//!
//! **Invariant:** a response with the same events as the last one writes nothing.

use crate::record::Event;
use crate::record::EventChannel;
use crate::state::database::meta::{delete_meta, read_meta, write_meta};
use crate::state::error::StateError;
use crate::state::handle::{Inbox, Maintenance};
use crate::state::tables::dead_letters::Poisoned;
use crate::state::tables::feed_events::{self, ADDRESS, FeedIdentity, FeedItemState};
use crate::state::tables::gap;
use crate::state::tables::inbox::ReceivedAt;
use crate::state::transactions::receive::{self, ReceiveCounts, Received};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

/// How long an event is remembered after the feed stops serving it: if it reappears, it is not new.
pub const FEED_RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

const CURSOR: &str = "feed_cursor";
/// One event of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// The event's key.
    pub identity: FeedIdentity,
    /// The decoded event; `None` = no action is needed.
    pub outcome: Option<Result<Event, Poisoned>>,
}

/// One response of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedAnswer {
    /// The feed's address: responses of another feed are not compared with those of this one.
    pub address: String,
    /// Its events, in the order in which they happened.
    pub items: Vec<FeedItem>,
    /// True if the response holds as many events as were requested, so that there may be more.
    pub full: bool,
    /// The cursor of the request.
    pub asked_with: Option<String>,
    /// The cursor of the next request, if the feed has cursors.
    pub next_cursor: Option<String>,
}

/// The result of storing a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedCounts {
    /// The stored events.
    pub received: ReceiveCounts,
    /// The indices of the items that were new.
    pub fresh: Vec<usize>,
    /// True if events before this response may have been missed.
    pub gap: bool,
}

impl Inbox {
    /// The cursor for the next request to the feed at this address; `None` = it has no cursor, or was never read.
    pub async fn feed_cursor(&self, address: &str) -> Result<Option<String>, StateError> {
        let address = address.to_owned();
        self.state
            .writer
            .call(move |connection| if feed_events::is_last(connection, &address)? { read_meta(connection, CURSOR) } else { Ok(None) })
            .await
    }

    /// Stores the new events of a response and the reading position, in one transaction.
    pub async fn feed_receive(&self, answer: FeedAnswer, now: Timestamp) -> Result<FeedCounts, StateError> {
        let receipt = self.receipt(now);
        self.state
            .store(move |connection| match &answer.next_cursor {
                Some(cursor) => store_page(connection, &answer, cursor, receipt),
                None => store_list(connection, &answer, receipt),
            })
            .await
    }

    /// The feed has rejected its cursor: it is read from its beginning, and events may have been missed.
    pub async fn feed_cursor_forget(&self, now: Timestamp) -> Result<(), StateError> {
        self.state
            .writer
            .call(move |connection| {
                delete_meta(connection, CURSOR)?;
                gap::note_gap(connection, now)
            })
            .await
    }

    /// Notes an event gap: of the feed, or of a queue that was not polled for too long.
    pub async fn gap_note(&self, now: Timestamp) -> Result<(), StateError> {
        self.state.writer.call(move |connection| gap::note_gap(connection, now)).await
    }

    /// The time of a possible event gap; `None` = none since the last reconcile.
    pub async fn gap(&self) -> Result<Option<Timestamp>, StateError> {
        self.state.writer.call(gap::gap).await
    }
}

impl Maintenance {
    /// Forgets events that no response has served for [`FEED_RETENTION`], even if the feed is no longer read. Returns how many.
    pub async fn feed_prune(&self, now: Timestamp) -> Result<u64, StateError> {
        self.state.writer.call(move |connection| prune(connection, now)).await
    }
}

/// Stores a page of a feed with a cursor: every event on it is new, unless the page is stored already.
fn store_page(connection: &Connection, answer: &FeedAnswer, cursor: &str, receipt: ReceivedAt) -> Result<FeedCounts, StateError> {
    let follows = feed_events::is_last(connection, &answer.address)?;
    let is_read = read_meta(connection, CURSOR)?.as_deref() == Some(cursor);
    if follows && is_read && answer.asked_with.as_deref() != Some(cursor) {
        return Ok(FeedCounts::default());
    }
    if !follows {
        write_meta(connection, ADDRESS, &answer.address)?;
    }
    if !is_read {
        write_meta(connection, CURSOR, cursor)?;
    }
    store_fresh(connection, answer, (0..answer.items.len()).collect(), receipt)
}

/// Stores a list without a cursor, which may never change: new is what was not received before.
fn store_list(connection: &Connection, answer: &FeedAnswer, receipt: ReceivedAt) -> Result<FeedCounts, StateError> {
    let states = answer.items.iter().map(|item| feed_events::item_state(connection, item.identity)).collect::<Result<Vec<_>, _>>()?;
    let served = states.iter().filter(|item_state| **item_state == FeedItemState::Served).count();
    let follows = feed_events::is_last(connection, &answer.address)?;
    // A page that was requested with a cursor continues the last one, so it need not share an event with it.
    let gap = answer.full && served == 0 && answer.asked_with.is_none() && read_meta(connection, ADDRESS)?.is_some();
    if !(follows && served == answer.items.len() && served == feed_events::served_before(connection)?) {
        remember(connection, answer, receipt.at)?;
    }
    if gap {
        gap::note_gap(connection, receipt.at)?;
    }
    prune(connection, receipt.at)?;
    let fresh = (0..answer.items.len()).filter(|place| states[*place] == FeedItemState::New).collect();
    Ok(FeedCounts { gap, ..store_fresh(connection, answer, fresh, receipt)? })
}

fn store_fresh(connection: &Connection, answer: &FeedAnswer, fresh: Vec<usize>, receipt: ReceivedAt) -> Result<FeedCounts, StateError> {
    let outcomes = fresh.iter().filter_map(|place| answer.items[*place].outcome.clone());
    let batch: Vec<_> = outcomes.map(|outcome| Received { source: EventChannel::Feed, outcome }).collect();
    Ok(FeedCounts { received: receive::store(connection, &batch, receipt)?, fresh, gap: false })
}

/// Stores the reading position after this response.
fn remember(connection: &Connection, answer: &FeedAnswer, now: Timestamp) -> Result<(), StateError> {
    write_meta(connection, ADDRESS, &answer.address)?;
    // The last page may lack a cursor. The next request repeats the cursor of this one.
    if answer.asked_with.is_none() {
        delete_meta(connection, CURSOR)?;
    }
    connection.prepare_cached("UPDATE feed_identities SET left_at = ?1 WHERE left_at IS NULL")?.execute([now.as_microsecond()])?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO feed_identities (hash, occurrence) VALUES (?1, ?2) ON CONFLICT (hash, occurrence) DO UPDATE SET left_at = NULL",
    )?;
    for FeedItem { identity, .. } in &answer.items {
        statement.execute(params![identity.hash, identity.occurrence])?;
    }
    Ok(())
}

/// Forgets events that the feed has not served for [`FEED_RETENTION`]. Writes nothing if there are none.
fn prune(connection: &Connection, now: Timestamp) -> Result<u64, StateError> {
    let before = now.checked_sub(FEED_RETENTION).unwrap_or(Timestamp::MIN);
    Ok(connection.prepare_cached("DELETE FROM feed_identities WHERE left_at < ?1")?.execute([before.as_microsecond()])? as u64)
}
