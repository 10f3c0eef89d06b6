//! Settling: applies the pending work of a sink: moves first, then content and permissions, and deletes last, if the guard releases them.

use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::plan::guard::Guard;
use crate::state::Lane;
use tokio::sync::watch;

/// The maximum number of passes over the keys that may be gone.
const ABSENCE_PASSES: usize = 5;

impl SinkRun<'_> {
    /// Applies everything that is pending for the sink.
    pub(super) async fn settle(&self, guard: Guard) -> Result<(), ApplyError> {
        let executor = &self.executor;
        self.state.moves_pair_by_content().await?;
        executor.drain_moves().await?;
        let (_, nothing_more) = watch::channel(false);
        let (small, large) =
            tokio::join!(executor.drain(Lane::Small, nothing_more.clone()), executor.drain(Lane::Large, nothing_more.clone()));
        small?;
        large?;
        if self.stop_signal.is_stopped() {
            return Ok(());
        }
        let Some(mut released) = self.judge_deletes(guard).await? else { return Ok(()) };
        // The lookup of a key may show that it exists, which is work for the other lanes; their lookups may show that a key is gone, which
        // is work for this lane. After the last pass, what is left waits for the next run.
        for _ in 0..ABSENCE_PASSES {
            let mut taken = executor.drain_deletes(released.up_to).await?;
            for lane in [Lane::Small, Lane::Large] {
                taken += executor.drain(lane, nothing_more.clone()).await?;
            }
            if taken == 0 || !self.release_more_deletes(&mut released).await? {
                break;
            }
        }
        Ok(())
    }
}
