//! The status of a queue: its present condition and its counts so far.

use super::counts::IgnoredEvents;
use jiff::Timestamp;

/// The status of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStatus {
    /// The reason that nothing can be received, and its start; `None` = the queue is reachable.
    pub shut: Option<(String, Timestamp)>,
    /// True if nothing is received because the inbox is full.
    pub inbox_full: bool,
    /// Messages so far.
    pub messages: u64,
    /// The events of these messages.
    pub events: u64,
    /// The messages that could not be parsed.
    pub dead: u64,
    /// The events that needed no action.
    pub passed_over: IgnoredEvents,
    /// The number of silences longer than the queue keeps a message. Messages may be lost then, and the state records that.
    pub gaps: u64,
    /// The time of the queue's last answer.
    pub last_heard_at: Option<Timestamp>,
    /// The time of the last message.
    pub last_message_at: Option<Timestamp>,
}

/// The result of a run for a queue that it had to empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// The status at the end.
    pub status: SourceStatus,
    /// True if the queue was found empty at the end.
    pub emptied: bool,
}
