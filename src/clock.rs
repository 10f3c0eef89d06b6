//! The current time, for timestamps and retry times. It never decides which of two observations is newer.

use jiff::Timestamp;
use std::fmt;

/// A clock: that of the system, or of a test.
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
