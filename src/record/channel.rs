//! The channels by which an event can arrive, and the word for each.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The channel that reported an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventChannel {
    /// The events API's list.
    Feed,
    /// A queue of S3 notifications.
    Sqs,
    /// Notifications posted to us.
    Webhook,
}

impl EventChannel {
    const ALL: [Self; 3] = [Self::Feed, Self::Sqs, Self::Webhook];

    /// The word in the state and in what people read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Sqs => "sqs",
            Self::Webhook => "webhook",
        }
    }

    /// The source of a word; `None` = the word names none.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }
}

impl fmt::Display for EventChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
