//! What time it is, for timestamps that people read and for when to try again. Never for which of two looks is newer.

use jiff::Timestamp;
use std::fmt;

/// Where the time comes from: the system, or a test.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time, UTC.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
