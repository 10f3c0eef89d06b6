//! The status of a queue: its reachability and its counts.

use super::counts::IgnoredEvents;
use jiff::Timestamp;

/// The status of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStatus {
    /// Why the queue is unreachable, and since when; `None` = it is reachable.
    pub unreachable: Option<(String, Timestamp)>,
    /// True if the reader receives nothing because the inbox is full.
    pub inbox_full: bool,
    /// Received messages.
    pub messages: u64,
    /// The events in these messages.
    pub events: u64,
    /// The messages that became dead letters.
    pub dead_letters: u64,
    /// The ignored events.
    pub ignored: IgnoredEvents,
    /// How often the queue was not polled for longer than it keeps messages. Messages may be lost then; the state records each gap.
    pub gaps: u64,
    /// The time of the last successful poll.
    pub last_polled_at: Option<Timestamp>,
    /// The time of receipt of the last message.
    pub last_message_at: Option<Timestamp>,
}

/// The result of draining a queue in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// The status at the end.
    pub status: SourceStatus,
    /// True if the queue was found empty at the end.
    pub emptied: bool,
}
