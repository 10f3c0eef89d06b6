//! The reading position of a feed: its received events or its cursor, and whether events may have been missed.
//!
//! **Invariant:** an answer that serves what the last one served writes nothing.

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

/// The time for which an event is remembered after the feed stops serving it: if it comes back, it is not new.
pub const FEED_RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

const CURSOR: &str = "feed_cursor";
/// One event of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// The event's key.
    pub identity: FeedIdentity,
    /// The event's result; `None` = there is nothing to do about it.
    pub outcome: Option<Result<Event, Poisoned>>,
}

/// One answer of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedAnswer {
    /// The feed's address: the answers of another feed prove nothing about this one.
    pub address: String,
    /// Its events, in the order in which they happened.
    pub items: Vec<FeedItem>,
    /// True if the answer holds as many events as were asked for, so that there may be more.
    pub full: bool,
    /// The cursor that it was asked with.
    pub asked_with: Option<String>,
    /// The start of the next answer, if the feed has cursors.
    pub next_cursor: Option<String>,
}

/// The result of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedCounts {
    /// The stored events.
    pub received: ReceiveCounts,
    /// The places of the items that were new; the others were brought by an earlier answer.
    pub fresh: Vec<usize>,
    /// True if events may have been missed before this answer.
    pub gap: bool,
}

impl Inbox {
    /// The cursor at which the feed of this address continues; `None` = it has no cursor, or was never read.
    pub async fn feed_cursor(&self, address: &str) -> Result<Option<String>, StateError> {
        let address = address.to_owned();
        self.state
            .writer
            .call(move |connection| if feed_events::is_last(connection, &address)? { read_meta(connection, CURSOR) } else { Ok(None) })
            .await
    }

    /// Stores what is new in an answer, and that it was received: one transaction.
    pub async fn feed_receive(&self, answer: FeedAnswer, now: Timestamp) -> Result<FeedCounts, StateError> {
        let receipt = self.receipt(now);
        self.state
            .store(move |connection| match &answer.next_cursor {
                Some(cursor) => store_page(connection, &answer, cursor, receipt),
                None => store_list(connection, &answer, receipt),
            })
            .await
    }

    /// The feed does not know its cursor any more: it is read from its beginning, and events may have been missed.
    pub async fn feed_cursor_forget(&self, now: Timestamp) -> Result<(), StateError> {
        self.state
            .writer
            .call(move |connection| {
                delete_meta(connection, CURSOR)?;
                gap::note_gap(connection, now)
            })
            .await
    }

    /// Events may have been missed: the feed's, or those of a queue without a listener for too long.
    pub async fn gap_note(&self, now: Timestamp) -> Result<(), StateError> {
        self.state.writer.call(move |connection| gap::note_gap(connection, now)).await
    }

    /// The time of a possible gap in the events; `None` = none since the last reconcile.
    pub async fn gap(&self) -> Result<Option<Timestamp>, StateError> {
        self.state.writer.call(gap::gap).await
    }
}

impl Maintenance {
    /// Forgets events that no answer has served for [`FEED_RETENTION`], also where no feed is read any more. Returns how many.
    pub async fn feed_prune(&self, now: Timestamp) -> Result<u64, StateError> {
        self.state.writer.call(move |connection| prune(connection, now)).await
    }
}

/// Stores a page of a feed with a cursor: everything on such a page is new.
fn store_page(connection: &Connection, answer: &FeedAnswer, cursor: &str, receipt: ReceivedAt) -> Result<FeedCounts, StateError> {
    if !feed_events::is_last(connection, &answer.address)? {
        write_meta(connection, ADDRESS, &answer.address)?;
    }
    if read_meta(connection, CURSOR)?.as_deref() != Some(cursor) {
        write_meta(connection, CURSOR, cursor)?;
    }
    store_fresh(connection, answer, (0..answer.items.len()).collect(), receipt)
}

/// A list without a cursor: it may be the same for ever, so what is new is what was not received before.
fn store_list(connection: &Connection, answer: &FeedAnswer, receipt: ReceivedAt) -> Result<FeedCounts, StateError> {
    let states = answer.items.iter().map(|item| feed_events::item_state(connection, item.identity)).collect::<Result<Vec<_>, _>>()?;
    let served = states.iter().filter(|item_state| **item_state == FeedItemState::Served).count();
    let follows = feed_events::is_last(connection, &answer.address)?;
    // A page that was asked for by a cursor continues the last one, whatever it shares with it.
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

/// This answer is the last one now.
fn remember(connection: &Connection, answer: &FeedAnswer, now: Timestamp) -> Result<(), StateError> {
    write_meta(connection, ADDRESS, &answer.address)?;
    // The last page may come without a cursor: the feed continues where that page began.
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

/// Forgets events that the feed has not served for long. Where there are none, nothing is written.
fn prune(connection: &Connection, now: Timestamp) -> Result<u64, StateError> {
    let before = now.checked_sub(FEED_RETENTION).unwrap_or(Timestamp::MIN);
    Ok(connection.prepare_cached("DELETE FROM feed_identities WHERE left_at < ?1")?.execute([before.as_microsecond()])? as u64)
}
