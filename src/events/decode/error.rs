//! The error of a message or record that cannot be decoded: a name for programs and a sentence for people.

use crate::record::Escaped;
use std::fmt;

/// The error of a message or record that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The message, or a text in it that is needed, is not UTF-8.
    NotUtf8,
    /// The message, or a text in it that is needed, is not JSON. Holds the parser's message.
    BadJson(String),
    /// The message is longer than the limit.
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// More records of the message than the limit cannot be decoded. They are one dead letter.
    TooManyRecords {
        /// Their number.
        records: usize,
    },
    /// SNS asks to confirm a subscription, and sends no event before.
    Unconfirmed,
    /// SNS confirms the end of a subscription, and sends no more events.
    Unsubscribed,
    /// The JSON has an unknown format. Holds what is missing or wrong.
    UnknownShape(&'static str),
    /// The record's version is not 2.
    UnknownVersion(String),
    /// The record is about another bucket than the configured one.
    ForeignBucket(String),
    /// The key does not decode to UTF-8.
    BadKey(String),
    /// The record names no key, or only `/`.
    EmptyPath,
    /// A rename or move has no target.
    NoNewPath,
    /// The feed event has an unknown type.
    UnknownType(String),
}

impl DecodeError {
    /// A short, stable name.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::BadJson(_) => "bad_json",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyRecords { .. } => "too_many_records",
            Self::Unconfirmed => "subscription_confirmation",
            Self::Unsubscribed => "unsubscribe_confirmation",
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

/// Cuts and escapes text from outside.
impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("the message is not UTF-8"),
            Self::BadJson(why) => write!(f, "the message is not JSON: {}", Short(why)),
            Self::TooLarge { bytes } => write!(f, "the message has {bytes} bytes: no notification is that long"),
            Self::TooManyRecords { records } => {
                write!(f, "{records} records of the message cannot be decoded: it is kept as one dead letter")
            }
            Self::Unconfirmed => {
                f.write_str("the SNS subscription waits for its confirmation: open the SubscribeURL in this dead letter, then drop it")
            }
            Self::Unsubscribed => f.write_str(
                "the SNS subscription was ended: open the SubscribeURL in this dead letter if events are to arrive again, then drop it",
            ),
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

/// The beginning of a text from outside, escaped.
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
