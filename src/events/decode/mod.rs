//! From what arrived to events: pure, and total over every sequence of bytes. Where the bytes come from is not its concern.
//!
//! **Invariant:** nothing that arrives ends in a panic or stops what stands beside it: it is an event, it is passed over and counted,
//! or it is [`Poison`] with a reason.

mod canonical;
mod event_bridge;
mod feed;
mod form;
mod json;
mod notification;
mod error;
mod record;
mod time;

pub use error::DecodeError;
pub use feed::{FeedEvent, feed_event};
pub use notification::notification;

use crate::record::{Event, EventKind, ObjectKey};
use crate::run::IgnoredEvents;

/// What is ours: the events of one bucket, below one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `None` = its name is not known: the bucket is reached through an access point.
    bucket: Option<String>,
    prefix: String,
}

/// What a message came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// In the order of the message.
    pub events: Vec<Event>,
    /// What cannot be used.
    pub undecodable: Vec<Undecodable>,
    /// What there is nothing to do about.
    pub ignored: IgnoredEvents,
}

/// What cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecodable {
    /// Why.
    pub error: DecodeError,
    /// The record alone where there are several in a message, else what arrived.
    pub raw: Vec<u8>,
}

impl Scope {
    /// The bucket as it is configured (a name, or the ARN of an access point), and the prefix.
    pub fn new(bucket: &str, prefix: &str) -> Self {
        Self { bucket: (!bucket.starts_with("arn:")).then(|| bucket.to_owned()), prefix: prefix.to_owned() }
    }

    fn is_own_bucket(&self, name: &str) -> bool {
        self.bucket.as_ref().is_none_or(|own| own == name)
    }

    fn covers(&self, key: &ObjectKey) -> bool {
        key.as_str().starts_with(&self.prefix)
    }

    /// The event as far as it is about what is ours: a rename over the edge of the prefix comes to one half of itself. What lies outside
    /// is passed over, and counted.
    fn own(&self, event: Event, ignored: &mut IgnoredEvents) -> Option<Event> {
        let to_here = event.new_path.as_ref().map(|target| self.covers(target));
        match (self.covers(&event.path), to_here) {
            (true, None | Some(true)) => Some(event),
            (true, Some(false)) => Some(Event { kind: EventKind::Delete, new_path: None, ..event }),
            (false, Some(true)) => {
                let path = event.new_path.unwrap_or(event.path);
                Some(Event { kind: EventKind::Create, path, new_path: None, ..event })
            }
            (false, None | Some(false)) => {
                ignored.outside_prefix += 1;
                ignored.outside_example.get_or_insert(event.path);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
