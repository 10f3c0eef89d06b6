//! Why a message or record cannot be decoded: a name for programs, a sentence for people.

use crate::record::Escaped;
use std::fmt;

/// Why a message or record cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Not UTF-8.
    NotUtf8,
    /// Not JSON; the parser's message.
    BadJson(String),
    /// Longer than any message.
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Deeper nested than any message.
    TooDeep,
    /// More records than any message has.
    TooManyRecords {
        /// Their number.
        records: usize,
    },
    /// JSON of an unknown format; the expected part.
    UnknownShape(&'static str),
    /// Not version 2.
    UnknownVersion(String),
    /// About another bucket than the configured one.
    ForeignBucket(String),
    /// A key that does not decode to UTF-8.
    BadKey(String),
    /// No key, or only a `/`.
    EmptyPath,
    /// A rename or move without a target.
    NoNewPath,
    /// An unknown event type of the feed.
    UnknownType(String),
}

impl DecodeError {
    /// A short, stable name.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::BadJson(_) => "bad_json",
            Self::TooLarge { .. } => "too_large",
            Self::TooDeep => "too_deep",
            Self::TooManyRecords { .. } => "too_many_records",
            Self::UnknownShape(_) => "unknown_shape",
            Self::UnknownVersion(_) => "unknown_version",
            Self::ForeignBucket(_) => "foreign_bucket",
            Self::BadKey(_) => "bad_key",
            Self::EmptyPath => "empty_path",
            Self::NoNewPath => "no_new_path",
            Self::UnknownType(_) => "unknown_type",
        }
    }
}

/// Text from outside is cut and escaped.
impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("the message is not UTF-8"),
            Self::BadJson(why) => write!(f, "the message is not JSON: {}", Short(why)),
            Self::TooLarge { bytes } => write!(f, "the message has {bytes} bytes: no notification is that long"),
            Self::TooDeep => f.write_str("the message nests deeper than any notification"),
            Self::TooManyRecords { records } => write!(f, "the message has {records} records: no notification has that many"),
            Self::UnknownShape(wanted) => write!(f, "unknown event format: {wanted}"),
            Self::UnknownVersion(version) => write!(f, "the record has version {}: only version 2 is known", Short(version)),
            Self::ForeignBucket(bucket) => {
                write!(f, "it is about the bucket {}, which is not the configured one (CUSTOMER_S3_BUCKET)", Short(bucket))
            }
            Self::BadKey(key) => write!(f, "the key {} does not decode to UTF-8", Short(key)),
            Self::EmptyPath => f.write_str("it names no object"),
            Self::NoNewPath => f.write_str("a rename or move without a target"),
            Self::UnknownType(name) => write!(f, "unknown event_type {}", Short(name)),
        }
    }
}

/// The beginning of a text from outside.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_CHARS: usize = 120;
        match self.0.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => write!(f, "{}…", Escaped(&self.0[..end])),
            None => Escaped(self.0).fmt(f),
        }
    }
}
