//! How long one attempt may take. The budget over all attempts is `retry.rs`' concern.

use std::time::Duration;

/// The bounds of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For a call without a body to speak of, from the connection to the last byte of the answer.
    pub small_call: Duration,
    /// For a call that carries content: this, and the time that its size takes at `body_min_bytes_per_sec`.
    pub body_base: Duration,
    /// The slowest that content may flow, on the average.
    pub body_min_bytes_per_sec: u64,
    /// While content is sent: how long no byte may move in either direction.
    pub idle: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            small_call: Duration::from_secs(30),
            body_base: Duration::from_mins(1),
            // Sixty-four uploads at once, as many as there are unless somebody says otherwise, share a line of 8 Mbit/s. What hangs is
            // found by `idle` long before.
            body_min_bytes_per_sec: 16 * 1024,
            idle: Duration::from_mins(1),
        }
    }
}

impl Deadlines {
    /// The bound of an attempt that carries `size` bytes.
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
