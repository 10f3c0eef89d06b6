//! The received events of a feed without a cursor.

use crate::mutant;
use crate::state::database::meta::read_meta;
use crate::state::error::StateError;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Names of rows of `meta`: whose answer was stored last, where to go on, when events may have been missed.
pub(crate) const ADDRESS: &str = "feed_address";

/// The key that distinguishes two events of a feed without ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedIdentity {
    /// SHA-256 of the event's JSON in canonical form.
    pub hash: [u8; 32],
    /// The number among equal events of one answer, counted from 0.
    pub occurrence: u32,
}

pub(crate) fn is_last(connection: &Connection, address: &str) -> Result<bool, StateError> {
    Ok(read_meta(connection, ADDRESS)?.is_some_and(|last| last == address))
}

/// The known facts of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedItemState {
    New,
    /// The last answer served it.
    Served,
    /// An earlier one did.
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

/// The number of events that the last answer served: never more than one answer holds.
pub(crate) fn served_before(connection: &Connection) -> Result<usize, StateError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM feed_identities WHERE left_at IS NULL")?;
    let served: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(served).unwrap_or_default())
}
