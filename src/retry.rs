//! Decides if and when a failed call is retried. The only user of `backon`. The number of attempts comes from `RETRY_ATTEMPTS`
//! (`config/table/work.rs`); `app/endpoints.rs` applies it.

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// How a failure is handled. Every error of an endpoint has a disposition, decided in `s3/error.rs` and `file_manager/error.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The failure is transient: retry, but not before `after`.
    Retry {
        /// The wait that the server requested with `Retry-After`.
        after: Option<Duration>,
    },
    /// The failure concerns this object only: the object fails, and the others continue.
    Fail,
    /// The endpoint is unusable for every object (no such bucket, wrong credentials, connection refused): the sink or the run stops.
    Stop {
        /// True if the endpoint may recover by itself (connection refused), so the call is retried first; false if it needs the operator
        /// (wrong credentials).
        transient: bool,
    },
}

/// An error with a disposition.
pub trait Disposed {
    /// How the failure is handled.
    fn disposition(&self) -> Disposition;
}

/// The limits of retrying: attempts, growing waits with jitter, and a time budget.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// The maximum number of attempts, including the first.
    pub attempts: usize,
    /// The first wait, before jitter. It doubles with each wait.
    pub base: Duration,
    /// The maximum of a wait, before jitter, unless the server requested a longer one.
    pub max_wait: Duration,
    /// The time after the first failure within which attempts may start.
    pub budget: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, base: Duration::from_millis(250), max_wait: Duration::from_secs(20), budget: Duration::from_mins(2) }
    }
}

impl RetryPolicy {
    /// Begins the attempts at one call.
    pub fn begin(&self) -> RetryAttempts {
        let waits = ExponentialBuilder::default()
            .with_min_delay(self.base)
            .with_max_delay(self.max_wait)
            .with_max_times(self.attempts.saturating_sub(1))
            .with_jitter()
            .build();
        RetryAttempts { waits, budget: self.budget, deadline: None }
    }

    /// Calls `attempt` until it succeeds, fails permanently, or no attempt or time is left. Returns the last error.
    pub async fn run<T, E, F, Fut>(&self, mut attempt: F) -> Result<T, E>
    where
        E: Disposed,
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let mut attempts = self.begin();
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => match attempts.next_wait(&error) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(error),
                },
            }
        }
    }
}

/// The attempts at one call: the wait after each failure, and when to give up.
#[derive(Debug)]
pub struct RetryAttempts {
    waits: ExponentialBackoff,
    budget: Duration,
    /// The end of the budget, counted from the first failure, so that a long transfer that fails gets another attempt.
    deadline: Option<Instant>,
}

impl RetryAttempts {
    /// The wait before the next attempt; `None` = give up.
    pub fn next_wait(&mut self, error: &impl Disposed) -> Option<Duration> {
        let asked = match error.disposition() {
            Disposition::Retry { after } => after,
            Disposition::Stop { transient: true } => None,
            Disposition::Fail | Disposition::Stop { transient: false } => return None,
        };
        let own = self.waits.next()?;
        let wait = asked.map_or(own, |asked| asked.max(own));
        let now = Instant::now();
        let deadline = *self.deadline.get_or_insert(now + self.budget);
        (now + wait < deadline).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Debug)]
    struct Failure(Disposition);
    impl Disposed for Failure {
        fn disposition(&self) -> Disposition {
            self.0
        }
    }

    async fn attempts_until_given_up(policy: RetryPolicy, disposition: Disposition) -> usize {
        let count = AtomicUsize::new(0);
        let outcome: Result<(), Failure> = policy
            .run(|| async {
                count.fetch_add(1, Ordering::Relaxed);
                Err(Failure(disposition))
            })
            .await;
        assert!(outcome.is_err());
        count.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn a_transient_failure_is_retried_and_a_permanent_one_is_not() {
        let policy = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
        assert_eq!(attempts_until_given_up(policy, Disposition::Retry { after: None }).await, 3);
        assert_eq!(attempts_until_given_up(policy, Disposition::Stop { transient: true }).await, 3);
        assert_eq!(attempts_until_given_up(policy, Disposition::Fail).await, 1);
        assert_eq!(attempts_until_given_up(policy, Disposition::Stop { transient: false }).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_requested_wait_is_respected_within_the_budget() {
        let policy = RetryPolicy { attempts: 10, budget: Duration::from_secs(25), ..RetryPolicy::default() };
        let begun = Instant::now();
        assert_eq!(attempts_until_given_up(policy, Disposition::Retry { after: Some(Duration::from_secs(10)) }).await, 3);
        assert!(begun.elapsed() >= Duration::from_secs(20));
    }
}
