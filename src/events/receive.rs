//! From a message to what the state receives. Where messages come from, and who is told that they arrived, is each source's concern.

use super::decode::{self, Poison, Scope};
use crate::record::SourceName;
use crate::run::PassedOver;
use crate::state::{Poisoned, Received};

/// What a message amounts to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notified {
    /// Events and dead letters; empty when there is nothing to do about it.
    pub batch: Vec<Received>,
    /// What was passed over.
    pub passed_over: PassedOver,
}

/// Decodes an S3 notification, whichever way it came.
pub fn notified(source: SourceName, message: &[u8], scope: &Scope) -> Notified {
    let decoded = decode::notification(message, scope);
    let events = decoded.events.into_iter().map(Ok);
    let outcomes = events.chain(decoded.poisoned.into_iter().map(|poisoned| Err(dead(&poisoned.poison, poisoned.raw))));
    Notified { batch: outcomes.map(|outcome| Received { source, outcome }).collect(), passed_over: decoded.passed_over }
}

/// What cannot be used, as the state keeps it.
pub(super) fn dead(poison: &Poison, raw: Vec<u8>) -> Poisoned {
    Poisoned { reason: poison.reason().to_owned(), message: poison.to_string(), raw }
}
