//! Decodes messages into events. Pure, and total over every sequence of bytes. `notification.rs` chooses the decoder by the shape of a
//! message; `feed.rs` decodes the events of the feed.
//!
//! **Invariant:** no input causes a panic, and no record affects the other records of its message. A record becomes an event, is ignored
//! and counted, or is undecodable with a [`DecodeError`].

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

/// The endings of an access point's alias: at S3, on Outposts, of Object Lambda. No bucket of AWS may have such a name. Events name the
/// bucket behind the access point.
const ALIAS_ENDINGS: [&str; 3] = ["-s3alias", "--op-s3", "--ol-s3"];

/// The synced bucket and prefix. It selects the events to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The bucket's name; `None` = unknown, because the bucket is accessed through an access point.
    bucket: Option<String>,
    prefix: String,
}

/// A decoded message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The events, in the order of the message.
    pub events: Vec<Event>,
    /// The records that cannot be decoded.
    pub undecodable: Vec<Undecodable>,
    /// The counts of ignored events.
    pub ignored: IgnoredEvents,
}

/// A record or message that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecodable {
    /// The reason.
    pub error: DecodeError,
    /// The bytes: of the record, or of the whole message if it has no records or too many undecodable ones.
    pub raw: Vec<u8>,
}

impl Scope {
    /// The scope of a configured bucket (a name, or the ARN or alias of an access point) and prefix.
    pub fn new(bucket: &str, prefix: &str) -> Self {
        let is_access_point = bucket.starts_with("arn:") || ALIAS_ENDINGS.iter().any(|ending| bucket.ends_with(ending));
        Self { bucket: (!is_access_point).then(|| bucket.to_owned()), prefix: prefix.to_owned() }
    }

    /// Compares the bucket of an event. The bucket of a tenant (`tenant:bucket`) may be named without the tenant.
    fn is_own_bucket(&self, name: &str) -> bool {
        let Some(own) = &self.bucket else { return true };
        own == name || own.split_once(':').is_some_and(|(_, without_tenant)| without_tenant == name)
    }

    fn covers(&self, key: &ObjectKey) -> bool {
        key.as_str().starts_with(&self.prefix)
    }

    /// Returns the part of the event inside the scope: a rename across the prefix becomes a create or a delete. An event outside is ignored
    /// and counted.
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
