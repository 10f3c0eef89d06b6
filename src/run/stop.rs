//! Why a run stops taking work before there is none left, and since when. What is done about it is each stage's own concern.

use super::error_summary::ErrorSummary;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why a run stops taking work before there is none left.
#[derive(Clone, Debug, Default)]
pub struct Halt {
    token: CancellationToken,
    cause: Arc<Mutex<Option<ErrorSummary>>>,
    since: Arc<OnceLock<Instant>>,
    /// Of the halt that this one is a part of.
    outer_since: Option<Arc<OnceLock<Instant>>>,
}

impl Halt {
    /// One for a single run: it stops with this one, and what stops it stops nothing else.
    #[must_use]
    pub fn for_one_run(&self) -> Self {
        Self { token: self.token.child_token(), outer_since: Some(self.since.clone()), ..Self::default() }
    }

    /// Stops; the first cause is kept. Without one, somebody asked.
    pub fn stop(&self, cause: Option<ErrorSummary>) {
        let mut kept = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cause) = cause
            && kept.is_none()
            && !self.token.is_cancelled()
        {
            *kept = Some(cause);
        }
        self.since.get_or_init(Instant::now);
        self.token.cancel();
    }

    /// Whether to stop.
    pub fn is_stopped(&self) -> bool {
        self.token.is_cancelled()
    }

    /// For whoever is to stop with it and must not know of it.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Waits until somebody stops.
    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    /// Waits until somebody stops, and then as long as what is in hand may take, counted from that moment: however many
    /// wait one after the other, all of them together take no longer.
    pub async fn out_of_grace(&self, grace: Duration) {
        self.stopped().await;
        let outer = self.outer_since.as_ref().and_then(|since| since.get());
        let since = [self.since.get(), outer].into_iter().flatten().min().copied();
        tokio::time::sleep_until(since.unwrap_or_else(Instant::now) + grace).await;
    }

    /// The door that was shut, if that was it.
    pub fn cause(&self) -> Option<ErrorSummary> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_run_stops_with_the_program_and_not_the_program_with_a_run() {
        let program = Halt::default();
        let (one, other) = (program.for_one_run(), program.for_one_run());
        one.stop(None);
        assert!(one.is_stopped() && !other.is_stopped() && !program.is_stopped());
        program.stop(None);
        assert!(other.is_stopped());
    }

    #[tokio::test(start_paused = true)]
    async fn the_grace_is_one_for_all_who_wait_in_turn() {
        let program = Halt::default();
        let run = program.for_one_run();
        program.stop(None);
        let stopped = Instant::now();
        for _ in 0..3 {
            run.out_of_grace(Duration::from_secs(20)).await;
            assert_eq!(stopped.elapsed().as_secs(), 20);
        }
    }
}
