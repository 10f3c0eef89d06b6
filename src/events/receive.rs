//! From a message to the rows that the state receives. Receiving and acknowledging messages is the queue reader's concern.

use super::decode::{self, DecodeError, Scope};
use crate::record::EventChannel;
use crate::run::IgnoredEvents;
use crate::state::{Poisoned, Received};

/// A decoded message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notified {
    /// Events and dead letters; empty when the message is ignored.
    pub batch: Vec<Received>,
    /// Counts of ignored events.
    pub ignored: IgnoredEvents,
}

/// Decodes an S3 notification of any channel.
pub fn notified(source: EventChannel, message: &[u8], scope: &Scope) -> Notified {
    let decoded = decode::notification(message, scope);
    let events = decoded.events.into_iter().map(Ok);
    let outcomes = events.chain(decoded.undecodable.into_iter().map(|undecodable| Err(dead_letter(&undecodable.error, undecodable.raw))));
    Notified { batch: outcomes.map(|outcome| Received { source, outcome }).collect(), ignored: decoded.ignored }
}

/// A dead letter, as the state keeps it.
pub(super) fn dead_letter(error: &DecodeError, raw: Vec<u8>) -> Poisoned {
    Poisoned { reason: error.reason().to_owned(), message: error.to_string(), raw }
}
