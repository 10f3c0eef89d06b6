//! Running the sinks of a run side by side. A sink that does not answer delays the others and the next run for a bounded time only:
//! then the run probes it, and stops it if it does not answer the probe either.

use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::mutant;
use futures::future;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;

/// The time that a sink, for which others wait, may go on without a successful operation. Then it is probed, and again after as long.
const WITHOUT_SUCCESS: Duration = Duration::from_mins(1);

/// Does a part of the work of each sink, all at the same time; `None` = the sink could not do it, and is stopped.
///
/// Each call has its deadline. But a hanging sink uses it up for each attempt at each path, and the run goes on only when the last sink
/// has done its part.
pub(super) async fn side_by_side<'s, 'f: 's, T, Part>(parts: impl IntoIterator<Item = (&'s SinkRun<'f>, Part)>) -> Vec<Option<T>>
where
    Part: Future<Output = Result<T, ApplyError>>,
{
    let one_waits = watch::Sender::new(false);
    let parts = parts.into_iter().map(|(sink, part)| {
        let one_waits = &one_waits;
        async move {
            let mut part = pin!(sink.attempt(part));
            let done = tokio::select! {
                biased;
                done = &mut part => done,
                () = sink.stop_when_it_stalls(one_waits.subscribe()) => part.await,
            };
            one_waits.send_replace(true);
            done
        }
    });
    future::join_all(parts).await
}

impl SinkRun<'_> {
    /// Returns when the sink is stopped, because another one waits for it and it does not answer.
    async fn stop_when_it_stalls(&self, mut one_waits: watch::Receiver<bool>) {
        if one_waits.wait_for(|waits| *waits).await.is_err() || mutant::is("a_sink_that_hangs_is_waited_for") {
            return std::future::pending().await;
        }
        let done = || self.flow.tally.totals().sink(self.state.name()).done();
        loop {
            let before = done();
            tokio::time::sleep(WITHOUT_SUCCESS).await;
            // A large object may rightly take longer. Then the sink answers the probe.
            if done() == before && !self.executor.sink_answers().await {
                return;
            }
        }
    }
}
