//! Runs the sinks of a run concurrently. A sink that does not answer delays the other sinks for a bounded time: then the run probes it, and
//! stops it if the probe fails.

use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::mutant;
use futures::future;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;

/// If other sinks wait for a sink, the run probes it after each interval of this length without a successful operation.
const PROBE_INTERVAL: Duration = Duration::from_mins(1);

/// Runs one part per sink, all concurrently. The result of a sink is `None` if its part failed; the sink or the run was then stopped.
///
/// Each call has a timeout, but a hanging sink takes the full timeout for each attempt at each path, and the run continues only after the
/// last sink has ended its part.
pub(super) async fn run_concurrently<'s, 'f: 's, T, Part>(parts: impl IntoIterator<Item = (&'s SinkRun<'f>, Part)>) -> Vec<Option<T>>
where
    Part: Future<Output = Result<T, ApplyError>>,
{
    let another_waits = watch::Sender::new(false);
    let parts = parts.into_iter().map(|(sink, part)| {
        let another_waits = &another_waits;
        async move {
            let mut part = pin!(sink.attempt(part));
            let done = tokio::select! {
                biased;
                done = &mut part => done,
                () = sink.stop_if_stalled(another_waits.subscribe()) => part.await,
            };
            another_waits.send_replace(true);
            done
        }
    });
    future::join_all(parts).await
}

impl SinkRun<'_> {
    /// Waits until another sink waits for this one, then probes this sink whenever it makes no progress. Returns after a probe has failed
    /// and stopped the sink.
    async fn stop_if_stalled(&self, mut another_waits: watch::Receiver<bool>) {
        if another_waits.wait_for(|waits| *waits).await.is_err() || mutant::is("a_sink_that_hangs_is_waited_for") {
            return std::future::pending().await;
        }
        let done = || self.flow.counters.totals().sink(self.state.name()).done();
        loop {
            let before = done();
            tokio::time::sleep(PROBE_INTERVAL).await;
            // A large object may take longer than the interval. Then the sink answers the probe.
            if done() == before && !self.executor.probe_sink().await {
                return;
            }
        }
    }
}
