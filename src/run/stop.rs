//! The stop signal of a run: its cause and its time. Each stage decides how it reacts.

use super::error_summary::ErrorSummary;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The signal that makes a run stop taking work before none is left.
#[derive(Clone, Debug, Default)]
pub struct StopSignal {
    token: CancellationToken,
    cause: Arc<Mutex<Option<ErrorSummary>>>,
    since: Arc<OnceLock<Instant>>,
    /// The stop times of the signals that this one is a part of.
    outer_since: Vec<Arc<OnceLock<Instant>>>,
}

impl StopSignal {
    /// One for a single run: it stops with this one, and what stops it stops nothing else.
    #[must_use]
    pub fn for_one_run(&self) -> Self {
        let outer_since = self.outer_since.iter().chain([&self.since]).cloned().collect();
        Self { token: self.token.child_token(), outer_since, ..Self::default() }
    }

    /// Stops; the first cause is kept. Without a cause, the stop was requested.
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

    /// True if the run is to stop.
    pub fn is_stopped(&self) -> bool {
        self.token.is_cancelled()
    }

    /// The token for a component that stops with the run and must not depend on this type.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Waits until the run is stopped.
    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    /// Waits until the run is stopped, and then for the grace of the operations in flight, counted from that moment. Callers
    /// that wait one after the other take no longer together.
    pub async fn out_of_grace(&self, grace: Duration) {
        self.stopped().await;
        let since = self.outer_since.iter().chain([&self.since]).filter_map(|since| since.get()).min().copied();
        tokio::time::sleep_until(since.unwrap_or_else(Instant::now) + grace).await;
    }

    /// The error that caused the stop, if one did.
    pub fn cause(&self) -> Option<ErrorSummary> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The stop signal of one sink in a run: what stops the sink stops no other one. When the last sink has stopped, the run stops with it.
#[derive(Clone, Debug)]
pub struct SinkStopSignal {
    own: StopSignal,
    run: StopSignal,
    /// The number of sinks of the run that have not stopped on their own.
    going: Arc<AtomicUsize>,
}

impl SinkStopSignal {
    /// One for each of so many sinks of a run.
    pub fn of_run(run: &StopSignal, sinks: usize) -> Vec<Self> {
        let going = Arc::new(AtomicUsize::new(sinks));
        (0..sinks).map(|_| Self { own: run.for_one_run(), run: run.clone(), going: going.clone() }).collect()
    }

    /// Stops the sink, which cannot continue.
    pub fn stop_sink(&self, cause: ErrorSummary) {
        if self.own.is_stopped() {
            return;
        }
        self.own.stop(Some(cause.clone()));
        if self.going.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.run.stop(Some(cause));
        }
    }

    /// Stops the run: the source or the state failed, and nothing can continue.
    pub fn stop_run(&self, cause: ErrorSummary) {
        self.run.stop(Some(cause));
    }

    /// The cause of the sink's own stop; `None` = it did not stop on its own.
    pub fn cause(&self) -> Option<ErrorSummary> {
        self.own.cause()
    }

    /// True if the run is to stop, for any reason.
    pub fn is_stopped(&self) -> bool {
        self.own.is_stopped()
    }

    /// As [`StopSignal::stopped`].
    pub async fn stopped(&self) {
        self.own.stopped().await;
    }

    /// As [`StopSignal::out_of_grace`].
    pub async fn out_of_grace(&self, grace: Duration) {
        self.own.out_of_grace(grace).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_run_stops_with_the_program_and_not_the_program_with_a_run() {
        let program = StopSignal::default();
        let (one, other) = (program.for_one_run(), program.for_one_run());
        one.stop(None);
        assert!(one.is_stopped() && !other.is_stopped() && !program.is_stopped());
        program.stop(None);
        assert!(other.is_stopped());
    }

    #[tokio::test(start_paused = true)]
    async fn the_grace_is_one_for_all_who_wait_in_turn() {
        let program = StopSignal::default();
        let run = program.for_one_run();
        program.stop(None);
        let stopped = Instant::now();
        for _ in 0..3 {
            run.out_of_grace(Duration::from_secs(20)).await;
            assert_eq!(stopped.elapsed().as_secs(), 20);
        }
    }

    fn down() -> ErrorSummary {
        ErrorSummary { reason: "down".to_owned(), message: "it is down".to_owned(), hint: "" }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sink_that_stops_stops_no_other_and_the_last_one_stops_the_run() {
        let run = StopSignal::default().for_one_run();
        let sinks = SinkStopSignal::of_run(&run, 2);
        sinks[0].stop_sink(down());
        sinks[0].stop_sink(down());
        assert!(sinks[0].is_stopped() && !sinks[1].is_stopped() && !run.is_stopped(), "stopped twice, it counts once");
        sinks[1].stop_sink(down());
        assert!(run.is_stopped() && run.cause() == Some(down()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_run_is_no_failure_of_its_sinks() {
        let program = StopSignal::default();
        let run = program.for_one_run();
        let sinks = SinkStopSignal::of_run(&run, 2);
        sinks[0].stop_run(down());
        assert!(sinks.iter().all(|sink| sink.is_stopped() && sink.cause().is_none()));
        let other = SinkStopSignal::of_run(&program.for_one_run(), 1);
        program.stop(None);
        let stopped = Instant::now();
        other[0].out_of_grace(Duration::from_secs(20)).await;
        assert_eq!(stopped.elapsed().as_secs(), 20, "counted from when the program stopped");
    }
}
