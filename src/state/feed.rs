//! How far a feed was read: which of its events were received, or its cursor, and whether events may have been missed.
//!
//! **Invariant:** an answer that serves what the last one served writes nothing.

use super::dead_letters::Poisoned;
use super::inbox::{self, Receipt, ReceiveCounts, Received};
use super::looks::time;
use super::runs::{delete_meta, read_meta, write_meta};
use super::{State, StateError};
use crate::mutant;
use crate::record::{Event, SourceName};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// How long an event is known that the feed no longer serves: should it come back, it is no new one.
pub const FEED_RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Names of rows of `meta`: whose answer was stored last, where to go on, when events may have been missed.
const ADDRESS: &str = "feed_address";
const CURSOR: &str = "feed_cursor";
const GAP: &str = "feed_gap";

/// What tells two events of a feed apart that has no ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedIdentity {
    /// SHA-256 of the event's JSON in canonical form.
    pub hash: [u8; 32],
    /// Which of those that are equal in one answer, counted from 0.
    pub occurrence: u32,
}

/// One event of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// What it is known by.
    pub identity: FeedIdentity,
    /// What it came to; `None` = there is nothing to do about it.
    pub outcome: Option<Result<Event, Poisoned>>,
}

/// One answer of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedAnswer {
    /// The feed's address: what is known of another one's answers says nothing about this one.
    pub address: String,
    /// Its events, in the order in which they happened.
    pub items: Vec<FeedItem>,
    /// Whether as many came as were asked for, so that there may be more.
    pub full: bool,
    /// The cursor that it was asked with.
    pub asked_with: Option<String>,
    /// Where the next answer begins, if the feed has such a thing.
    pub next_cursor: Option<String>,
}

/// What an answer came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedCounts {
    /// What was stored.
    pub received: ReceiveCounts,
    /// The places of the items that were new; the others were brought by an earlier answer.
    pub fresh: Vec<usize>,
    /// Whether events may have been missed before this answer.
    pub gap: bool,
}

impl State {
    /// Where the feed of this address goes on; `None` = it has no cursor, or was never read.
    pub async fn feed_cursor(&self, address: &str) -> Result<Option<String>, StateError> {
        let address = address.to_owned();
        self.writer.call(move |connection| if is_last(connection, &address)? { read_meta(connection, CURSOR) } else { Ok(None) }).await
    }

    /// Stores what is new in an answer, and that it was received: one transaction.
    pub async fn receive_feed(&self, answer: FeedAnswer, now: Timestamp) -> Result<FeedCounts, StateError> {
        let receipt = self.receipt(now);
        self.writer
            .call(move |connection| match &answer.next_cursor {
                Some(cursor) => store_page(connection, &answer, cursor, receipt),
                None => store_list(connection, &answer, receipt),
            })
            .await
    }

    /// The feed does not know its cursor any more: it is read from its beginning, and events may have been missed.
    pub async fn forget_feed_cursor(&self, now: Timestamp) -> Result<(), StateError> {
        self.writer
            .call(move |connection| {
                delete_meta(connection, CURSOR)?;
                note_gap(connection, now)
            })
            .await
    }

    /// Events may have been missed: the feed's, or those of a queue that nobody listened to for too long.
    pub async fn note_feed_gap(&self, now: Timestamp) -> Result<(), StateError> {
        self.writer.call(move |connection| note_gap(connection, now)).await
    }

    /// Forgets events that no answer has served for [`FEED_RETENTION`], also where no feed is read any more. Returns how many.
    pub async fn prune_feed(&self, now: Timestamp) -> Result<u64, StateError> {
        self.writer.call(move |connection| prune(connection, now)).await
    }

    /// When events may have been missed; `None` = since the last reconcile they were not.
    pub async fn feed_gap(&self) -> Result<Option<Timestamp>, StateError> {
        self.writer.call(gap).await
    }
}

/// A listing that began at `listed_since` has found what was missed before it.
pub(super) fn clear_gap(connection: &Connection, listed_since: Timestamp, now: Timestamp) -> Result<(), StateError> {
    match gap(connection)? {
        Some(noted) if noted <= listed_since => delete_meta(connection, GAP),
        // The clock was ahead when it was noted: the next listing is surely a later one.
        Some(noted) if noted > now => note_gap(connection, now),
        _ => Ok(()),
    }
}

pub(super) fn gap(connection: &Connection) -> Result<Option<Timestamp>, StateError> {
    Ok(read_meta(connection, GAP)?.and_then(|text| text.parse().ok()).and_then(time))
}

pub(super) fn note_gap(connection: &Connection, now: Timestamp) -> Result<(), StateError> {
    write_meta(connection, GAP, &now.as_microsecond().to_string())
}

fn is_last(connection: &Connection, address: &str) -> Result<bool, StateError> {
    Ok(read_meta(connection, ADDRESS)?.is_some_and(|last| last == address))
}

/// A page of a feed with a cursor: the cursor says what is new, and everything on the page is.
fn store_page(connection: &Connection, answer: &FeedAnswer, cursor: &str, receipt: Receipt) -> Result<FeedCounts, StateError> {
    if !is_last(connection, &answer.address)? {
        write_meta(connection, ADDRESS, &answer.address)?;
    }
    if read_meta(connection, CURSOR)?.as_deref() != Some(cursor) {
        write_meta(connection, CURSOR, cursor)?;
    }
    store_fresh(connection, answer, (0..answer.items.len()).collect(), receipt)
}

/// A list without a cursor: it may be the same for ever, so what is new is what was not received before.
fn store_list(connection: &Connection, answer: &FeedAnswer, receipt: Receipt) -> Result<FeedCounts, StateError> {
    let standings = answer.items.iter().map(|item| standing(connection, item.identity)).collect::<Result<Vec<_>, _>>()?;
    let served = standings.iter().filter(|standing| **standing == Standing::Served).count();
    let follows = is_last(connection, &answer.address)?;
    // A page that was asked for by a cursor goes on where the last one ended, whatever it shares with it.
    let gap = answer.full && served == 0 && answer.asked_with.is_none() && read_meta(connection, ADDRESS)?.is_some();
    if !(follows && served == answer.items.len() && served == served_before(connection)?) {
        remember(connection, answer, receipt.at)?;
    }
    if gap {
        note_gap(connection, receipt.at)?;
    }
    prune(connection, receipt.at)?;
    let fresh = (0..answer.items.len()).filter(|place| standings[*place] == Standing::New).collect();
    Ok(FeedCounts { gap, ..store_fresh(connection, answer, fresh, receipt)? })
}

fn store_fresh(connection: &Connection, answer: &FeedAnswer, fresh: Vec<usize>, receipt: Receipt) -> Result<FeedCounts, StateError> {
    let outcomes = fresh.iter().filter_map(|place| answer.items[*place].outcome.clone());
    let batch: Vec<_> = outcomes.map(|outcome| Received { source: SourceName::Feed, outcome }).collect();
    Ok(FeedCounts { received: inbox::store(connection, &batch, receipt)?, fresh, gap: false })
}

/// What is known of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    New,
    /// The last answer served it.
    Served,
    /// An earlier one did.
    Left,
}

fn standing(connection: &Connection, identity: FeedIdentity) -> Result<Standing, StateError> {
    let mut statement = connection.prepare_cached("SELECT left_at IS NULL FROM feed_identities WHERE hash = ?1 AND occurrence = ?2")?;
    let served: Option<bool> = statement.query_row(params![identity.hash, identity.occurrence], |row| row.get(0)).optional()?;
    Ok(match served {
        _ if mutant::is("the_feed_is_heard_again") => Standing::New,
        None => Standing::New,
        Some(true) => Standing::Served,
        Some(false) => Standing::Left,
    })
}

/// How many events the last answer served: never more than one answer holds.
fn served_before(connection: &Connection) -> Result<usize, StateError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM feed_identities WHERE left_at IS NULL")?;
    let served: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(served).unwrap_or_default())
}

/// This answer is the last one now.
fn remember(connection: &Connection, answer: &FeedAnswer, now: Timestamp) -> Result<(), StateError> {
    write_meta(connection, ADDRESS, &answer.address)?;
    // The last page may come without a cursor: the feed goes on where that page began.
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
