//! The stop signal of a run, with its cause and time. Each module decides how it reacts.

use super::error_summary::ErrorSummary;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The signal to end a run early. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct StopSignal {
    token: CancellationToken,
    cause: Arc<Mutex<Option<ErrorSummary>>>,
    since: Arc<OnceLock<Instant>>,
    /// The stop times of the outer signals.
    outer_since: Vec<Arc<OnceLock<Instant>>>,
}

impl StopSignal {
    /// Creates an inner signal for one run. It stops with this signal; stopping the inner one does not stop this one.
    #[must_use]
    pub fn for_one_run(&self) -> Self {
        let outer_since = self.outer_since.iter().chain([&self.since]).cloned().collect();
        Self { token: self.token.child_token(), outer_since, ..Self::default() }
    }

    /// Sends the signal. The first cause is kept. No cause means that the operator requested the stop.
    pub fn stop(&self, cause: Option<ErrorSummary>) {
        let mut first_cause = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cause) = cause
            && first_cause.is_none()
            && !self.token.is_cancelled()
        {
            *first_cause = Some(cause);
        }
        self.since.get_or_init(Instant::now);
        self.token.cancel();
    }

    /// True if the signal was sent.
    pub fn is_stopped(&self) -> bool {
        self.token.is_cancelled()
    }

    /// The cancellation token, for a component that must not depend on this type.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Waits for the signal.
    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    /// Waits for the signal, and then until `grace` has passed since the signal was sent. Several waits in sequence take no longer than
    /// one.
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

/// The stop signal of one sink in a run. Stopping a sink does not stop the others. When the last sink is stopped, the run is stopped.
#[derive(Clone, Debug)]
pub struct SinkStopSignal {
    own: StopSignal,
    run: StopSignal,
    /// True once the sink was stopped alone: it counts once, however many of its operations fail at the same time.
    is_counted: Arc<AtomicBool>,
    /// The number of sinks that were not stopped alone.
    running_sinks: Arc<AtomicUsize>,
}

impl SinkStopSignal {
    /// Creates the signals of the `sinks` sinks of a run.
    pub fn of_run(run: &StopSignal, sinks: usize) -> Vec<Self> {
        let running_sinks = Arc::new(AtomicUsize::new(sinks));
        let signal = || Self { own: run.for_one_run(), run: run.clone(), is_counted: Arc::default(), running_sinks: running_sinks.clone() };
        std::iter::repeat_with(signal).take(sinks).collect()
    }

    /// Stops the sink.
    pub fn stop_sink(&self, cause: ErrorSummary) {
        if self.own.is_stopped() || self.is_counted.swap(true, Ordering::SeqCst) {
            return;
        }
        self.own.stop(Some(cause.clone()));
        if self.running_sinks.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.run.stop(Some(cause));
        }
    }

    /// Stops the run and all of its sinks.
    pub fn stop_run(&self, cause: ErrorSummary) {
        self.run.stop(Some(cause));
    }

    /// The cause if the sink was stopped alone; `None` = it was not.
    pub fn cause(&self) -> Option<ErrorSummary> {
        self.own.cause()
    }

    /// True if the sink or the run was stopped.
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
    use std::sync::Barrier;

    #[tokio::test(start_paused = true)]
    async fn stopping_the_program_stops_a_run_but_not_the_reverse() {
        let program = StopSignal::default();
        let (one, other) = (program.for_one_run(), program.for_one_run());
        one.stop(None);
        assert!(one.is_stopped() && !other.is_stopped() && !program.is_stopped());
        program.stop(None);
        assert!(other.is_stopped());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_in_sequence_share_one_grace_period() {
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
    async fn stopping_a_sink_stops_no_other_and_stopping_the_last_stops_the_run() {
        let run = StopSignal::default().for_one_run();
        let sinks = SinkStopSignal::of_run(&run, 2);
        sinks[0].stop_sink(down());
        sinks[0].stop_sink(down());
        assert!(sinks[0].is_stopped() && !sinks[1].is_stopped() && !run.is_stopped(), "stopped twice, it counts once");
        sinks[1].stop_sink(down());
        assert!(run.is_stopped() && run.cause() == Some(down()));
    }

    /// Two operations of one sink that failed at the same moment counted as two sinks: the run and the other sink were stopped.
    #[test]
    fn a_sink_counts_once_when_two_of_its_operations_fail_at_the_same_moment() {
        let barrier = Barrier::new(2);
        let rounds: Vec<_> = (0..20_000).map(|_| StopSignal::default()).map(|run| (SinkStopSignal::of_run(&run, 2), run)).collect();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for (sinks, _) in &rounds {
                        barrier.wait();
                        sinks[0].stop_sink(down());
                    }
                });
            }
        });
        let stopped = rounds.iter().filter(|(sinks, run)| run.is_stopped() || sinks[1].is_stopped()).count();
        assert_eq!(stopped, 0);
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
