//! From a message to what the state receives. Where messages come from, and who is told that they arrived, is each source's concern.

use super::decode::{self, DecodeError, Scope};
use crate::record::EventChannel;
use crate::run::IgnoredEvents;
use crate::state::{Poisoned, Received};

/// What a message amounts to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notified {
    /// Events and dead letters; empty when there is nothing to do about it.
    pub batch: Vec<Received>,
    /// What was passed over.
    pub ignored: IgnoredEvents,
}

/// Decodes an S3 notification, whichever way it came.
pub fn notified(source: EventChannel, message: &[u8], scope: &Scope) -> Notified {
    let decoded = decode::notification(message, scope);
    let events = decoded.events.into_iter().map(Ok);
    let outcomes = events.chain(decoded.undecodable.into_iter().map(|undecodable| Err(dead_letter(&undecodable.error, undecodable.raw))));
    Notified { batch: outcomes.map(|outcome| Received { source, outcome }).collect(), ignored: decoded.ignored }
}

/// What cannot be used, as the state keeps it.
pub(super) fn dead_letter(error: &DecodeError, raw: Vec<u8>) -> Poisoned {
    Poisoned { reason: error.reason().to_owned(), message: error.to_string(), raw }
}
