//! What is told of a queue: how it stands, and what came of it so far.

use super::counts::IgnoredEvents;
use jiff::Timestamp;

/// How it stands with a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStatus {
    /// Why nothing can be received now, and since when; `None` = all is well.
    pub shut: Option<(String, Timestamp)>,
    /// Whether nothing is received because the inbox is full.
    pub inbox_full: bool,
    /// Messages so far.
    pub messages: u64,
    /// What came of them.
    pub events: u64,
    /// What could not be understood.
    pub dead: u64,
    /// What there was nothing to do about.
    pub passed_over: IgnoredEvents,
    /// How often it had not been heard for longer than it keeps a message: then some may be lost, and the state remembers that.
    pub gaps: u64,
    /// When it answered last.
    pub last_heard_at: Option<Timestamp>,
    /// When the last message came.
    pub last_message_at: Option<Timestamp>,
}

/// What a run made of a queue that it was to empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// What came of it.
    pub status: SourceStatus,
    /// Whether it was found empty at last.
    pub emptied: bool,
}
