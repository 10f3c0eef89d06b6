//! The current time, for timestamps and for retry times. Never used to decide which of two observations is newer.

use jiff::Timestamp;
use std::fmt;

/// A source of time: the system, or a test.
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
