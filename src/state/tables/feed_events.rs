//! The received events of a feed without a cursor.

use crate::mutant;
use crate::state::database::meta::read_meta;
use crate::state::error::StateError;
use rusqlite::{Connection, OptionalExtension as _, params};

/// A row of `meta`: the address of the feed whose response was stored last.
pub(crate) const ADDRESS: &str = "feed_address";

/// The key that distinguishes two events of a feed without ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedIdentity {
    /// SHA-256 of the event's JSON in canonical form.
    pub hash: [u8; 32],
    /// The index among equal events of one response, counted from 0.
    pub occurrence: u32,
}

pub(crate) fn is_last(connection: &Connection, address: &str) -> Result<bool, StateError> {
    Ok(read_meta(connection, ADDRESS)?.is_some_and(|last| last == address))
}

/// Whether an event was received before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedItemState {
    New,
    /// The last response served it.
    Served,
    /// An earlier response served it.
    Left,
}

pub(crate) fn item_state(connection: &Connection, identity: FeedIdentity) -> Result<FeedItemState, StateError> {
    let mut statement = connection.prepare_cached("SELECT left_at IS NULL FROM feed_identities WHERE hash = ?1 AND occurrence = ?2")?;
    let served: Option<bool> = statement.query_row(params![identity.hash, identity.occurrence], |row| row.get(0)).optional()?;
    Ok(match served {
        _ if mutant::is("the_feed_is_heard_again") => FeedItemState::New,
        None => FeedItemState::New,
        Some(true) => FeedItemState::Served,
        Some(false) => FeedItemState::Left,
    })
}

/// The number of events that the last response served: never more than one response holds.
pub(crate) fn served_before(connection: &Connection) -> Result<usize, StateError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM feed_identities WHERE left_at IS NULL")?;
    let served: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(served).unwrap_or_default())
}
