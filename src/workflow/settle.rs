//! Settling: brings a sink from its content to the known state: moves first, then content and permissions, deletes last and under
//! the guard. The observers own the known state.

use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::plan::guard::Guard;
use crate::state::Lane;
use tokio::sync::watch;

/// The number of passes over the absent keys.
const ABSENCE_PASSES: usize = 5;

impl SinkRun<'_> {
    /// Brings the sink to the state that the observations and the feed ask for.
    pub(super) async fn settle(&self, guard: Guard) -> Result<(), ApplyError> {
        let executor = &self.executor;
        self.state.moves_pair_by_content().await?;
        executor.drain_moves().await?;
        let (_, nothing_more) = watch::channel(false);
        let (small, large) =
            tokio::join!(executor.drain(Lane::Small, nothing_more.clone()), executor.drain(Lane::Large, nothing_more.clone()));
        small?;
        large?;
        if self.halt.is_stopped() {
            return Ok(());
        }
        let Some(mut released) = self.judge_deletes(guard).await? else { return Ok(()) };
        // A lookup at an absent key (it is back, it was in doubt) makes work for the other lanes, and their lookups make work for this
        // one. A bucket that changes more often than this is left to the next run.
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
