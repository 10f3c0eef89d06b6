//! The channels on which events arrive, with their words.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The channel on which an event arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventChannel {
    /// The events API's list.
    Feed,
    /// A queue of S3 notifications.
    Sqs,
    /// Notifications that are posted to this service.
    Webhook,
}

impl EventChannel {
    const ALL: [Self; 3] = [Self::Feed, Self::Sqs, Self::Webhook];

    /// The word in the state and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Sqs => "sqs",
            Self::Webhook => "webhook",
        }
    }

    /// The channel of a word; `None` = unknown word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }
}

impl fmt::Display for EventChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
