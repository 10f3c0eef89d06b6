//! Converts a message into the rows that the state stores.

use super::decode::{self, DecodeError, Scope};
use crate::record::EventChannel;
use crate::run::IgnoredEvents;
use crate::state::{Poisoned, Received};

/// The rows of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notified {
    /// The events and dead letters; empty if the message is ignored.
    pub batch: Vec<Received>,
    /// The counts of ignored events.
    pub ignored: IgnoredEvents,
}

/// Decodes an S3 notification that arrived on a channel.
pub fn notified(source: EventChannel, message: &[u8], scope: &Scope) -> Notified {
    let decoded = decode::notification(message, scope);
    let events = decoded.events.into_iter().map(Ok);
    let outcomes = events.chain(decoded.undecodable.into_iter().map(|undecodable| Err(dead_letter(&undecodable.error, undecodable.raw))));
    Notified { batch: outcomes.map(|outcome| Received { source, outcome }).collect(), ignored: decoded.ignored }
}

/// The dead letter of an undecodable message, as the state stores it.
pub(super) fn dead_letter(error: &DecodeError, raw: Vec<u8>) -> Poisoned {
    Poisoned { reason: error.reason().to_owned(), message: error.to_string(), raw }
}
