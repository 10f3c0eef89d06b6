//! From what is known to what the sink has: moves first, then content and permissions, deletes last and under the guard.
//! How it became known is no concern of this file.

use super::Flow;
use crate::apply::{ApplyError, Executor};
use crate::mutant;
use crate::state::Lane;
use tokio::sync::watch;

/// How often what was found absent is gone through.
const ABSENCE_PASSES: usize = 5;

impl Flow {
    /// Brings the sink to where the looks and the feed say it should be. `allowed` deletes may be sent; the sink has `rows`.
    pub(super) async fn settle(&self, executor: &Executor, allowed: u64, rows: u64) -> Result<(), ApplyError> {
        self.state.pair_by_content().await?;
        executor.drain_moves().await?;
        let (_, nothing_more) = watch::channel(false);
        let (small, large) =
            tokio::join!(executor.drain(Lane::Small, nothing_more.clone()), executor.drain(Lane::Large, nothing_more.clone()));
        small?;
        large?;
        if self.halt.is_stopped() {
            return Ok(());
        }
        let deletes = self.state.deletes_in_question().await?;
        if deletes > allowed && !mutant::is("the_guard_is_off") {
            tracing::warn!(deletes, allowed, rows, "deletes are held: --allow-deletes {deletes} sends them");
            self.tally.held(deletes);
            self.state.forget_idle_absences().await?;
            return Ok(self.state.hold_deletes().await?);
        }
        self.state.let_deletes_go().await?;
        // What a look at an absent key shows (it is back, it was in doubt) is work for the other lanes, and theirs for this
        // one. A bucket that changes its mind more often than this is left to the next run.
        for _ in 0..ABSENCE_PASSES {
            let mut taken = 0;
            for lane in [Lane::Absent, Lane::Small, Lane::Large] {
                taken += executor.drain(lane, nothing_more.clone()).await?;
            }
            if taken == 0 {
                break;
            }
        }
        Ok(())
    }

    /// How many deletes the guard lets go, when the sink has so many rows.
    pub(super) fn allowed_deletes(&self, rows: u64) -> u64 {
        self.options.max_delete.limit(rows).max(self.allowed_by_operator())
    }

    /// What somebody said for this run alone. (An empty bucket is more often a mistake than a wish.)
    pub(super) fn allowed_by_operator(&self) -> u64 {
        self.options.allow_deletes.unwrap_or(0)
    }
}
