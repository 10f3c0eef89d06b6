//! The time limits of one attempt. `retry.rs` limits all attempts together.

use std::time::Duration;

/// The limits of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// The limit of a call without content, from connecting to the last byte of the response.
    pub small_call: Duration,
    /// The limit of a call with content, to which the time for its size at `body_min_bytes_per_sec` is added.
    pub body_base: Duration,
    /// The lowest accepted average rate of content.
    pub body_min_bytes_per_sec: u64,
    /// The longest time without a byte in either direction, while content is sent.
    pub idle: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            small_call: Duration::from_secs(30),
            body_base: Duration::from_mins(1),
            // The default concurrency of 64 uploads on a line of 8 Mbit/s. `idle` detects a hanging attempt much earlier.
            body_min_bytes_per_sec: 16 * 1024,
            idle: Duration::from_mins(1),
        }
    }
}

impl Deadlines {
    /// The limit of an attempt with `size` bytes of content.
    pub fn for_body(&self, size: u64) -> Duration {
        self.body_base.saturating_add(Duration::from_secs(size / self.body_min_bytes_per_sec.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_body_may_take_longer() {
        let deadlines = Deadlines { body_base: Duration::from_mins(1), body_min_bytes_per_sec: 1000, ..Deadlines::default() };
        for (size, expected_secs) in [(0, 60), (999, 60), (1000, 61), (3_600_000, 3660)] {
            assert_eq!(deadlines.for_body(size), Duration::from_secs(expected_secs), "{size}");
        }
        let no_rate = Deadlines { body_min_bytes_per_sec: 0, ..Deadlines::default() };
        assert!(no_rate.for_body(u64::MAX) > no_rate.body_base);
    }
}
