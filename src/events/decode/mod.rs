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

use crate::record::{Event, EventKind, ObjectKey, OtherSpellings};
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

    /// Returns the part inside the scope of an event about these spellings of a path and a new path: a rename across the prefix becomes a
    /// create or a delete. An event outside is ignored and counted.
    fn own(
        &self,
        kind: EventKind,
        (path, new_path): (Vec<ObjectKey>, Option<Vec<ObjectKey>>),
        ignored: &mut IgnoredEvents,
    ) -> Option<Event> {
        let example = path.first().cloned();
        let covered = |spellings: Vec<ObjectKey>| {
            let mut covered = spellings.into_iter().filter(|key| key.as_str().starts_with(&self.prefix));
            covered.next().map(|first| (first, covered.collect::<Vec<_>>()))
        };
        let is_move = new_path.is_some();
        let (kind, (path, others), new_path) = match (covered(path), new_path.and_then(covered)) {
            (Some(path), Some(new_path)) => (kind, path, Some(new_path)),
            (Some(path), None) => (if is_move { EventKind::Delete } else { kind }, path, None),
            (None, Some(new_path)) => (EventKind::Create, new_path, None),
            (None, None) => {
                ignored.outside_prefix += 1;
                ignored.outside_example = ignored.outside_example.take().or(example);
                return None;
            }
        };
        let (new_path, new_others) = new_path.unzip();
        let other_spellings = OtherSpellings { path: others, new_path: new_others.unwrap_or_default() };
        Some(Event { new_path, other_spellings, ..Event::new(kind, path) })
    }
}

#[cfg(test)]
mod tests;
