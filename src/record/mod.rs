//! The domain types: keys, object metadata, observations, events, permissions. No I/O, no clock, no async.

mod channel;
mod checksum;
mod escape;
mod event;
mod file;
mod key;
mod key_encoding;
mod object_metadata;
mod observation;
mod raw_json;
mod row;
mod sequencer;
mod path_state;
mod sink_name;
mod event_permissions;

pub use channel::EventChannel;
pub use checksum::{Checksum, ChecksumAlgorithm, Hasher};
pub use escape::{Escaped, escape_json};
pub use event::{Event, EventKind, OtherSpellings};
pub use event_permissions::{EventPermissions, Outdated, ReportedField};
pub use file::{FileRecord, Permissions};
pub use key::{EmptyKey, ObjectKey};
pub use key_encoding::{KeyEncoding, KnownEncodings, WrittenKeys, readings};
pub use object_metadata::ObjectMetadata;
pub use observation::{Observation, Page, PageCounts, PageCursor, UnorderedPage, just_after_all_that_begin_with};
pub use path_state::{Applied, Observed, PathState};
pub use raw_json::{RawJson, RawJsonError, without_byte_order_mark};
pub use row::FileRow;
pub use sequencer::Sequencer;
pub use sink_name::{InvalidSinkName, SinkName};

use serde::{Deserialize, Serialize};
use std::fmt;

/// An entity tag, without the quotes around it. Compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ETag(String);

impl ETag {
    /// Parses `"abc"`, `abc` or `W/"abc"`; `None` = empty tag.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::bare(raw).map(|bare| Self(bare.to_owned()))
    }

    /// As [`ETag::parse`], but borrows the text.
    pub fn bare(raw: &str) -> Option<&str> {
        let strong = raw.strip_prefix("W/").unwrap_or(raw);
        let bare = strong.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(strong);
        (!bare.is_empty()).then_some(bare)
    }

    /// The tag of a text without quotes around it; `None` = empty tag.
    pub fn of_bare(bare: &str) -> Option<Self> {
        (!bare.is_empty()).then(|| Self(bare.to_owned()))
    }

    /// The tag without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag for an `If-Match` header.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

/// ETag and size: objects with equal fingerprints have the same content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The object's entity tag.
    pub etag: ETag,
    /// Length in bytes.
    pub size: u64,
}

/// The metadata of an object, from a row of a listing or from the headers of a HEAD or a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Length in bytes.
    pub size: u64,
    /// The entity tag; `None` = the listing has no ETags.
    pub etag: Option<ETag>,
    /// When the object was last written, by the server's clock. Never used to order observations.
    pub last_modified: Option<jiff::Timestamp>,
    /// `STANDARD`, `GLACIER`, …; `None` = the server named none.
    pub storage_class: Option<String>,
    /// Only on versioned buckets.
    pub version_id: Option<String>,
}

impl ObjectFacts {
    /// ETag and size; `None` = the ETag is unknown.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.etag.clone().map(|etag| Fingerprint { etag, size: self.size })
    }
}

/// The sequence number of an observation. The engine takes it from one local counter before it sends the request. Of two observations of a
/// key, the one with the greater number began later. No clock decides which is newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationSeq(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_kept_without_its_quotes() {
        for (raw, expected) in [("\"ab-2\"", Some("ab-2")), ("ab", Some("ab")), ("W/\"x\"", Some("x")), ("", None), ("\"\"", None)] {
            assert_eq!(ETag::parse(raw).as_ref().map(ETag::as_str), expected, "{raw}");
        }
    }
}
