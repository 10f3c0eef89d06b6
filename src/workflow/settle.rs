//! From what is known to what the sink has: moves first, then content and permissions, deletes last and under the guard.
//! How it became known is no concern of this file.

use super::Flow;
use crate::apply::{ApplyError, Executor};
use crate::mutant;
use crate::state::{HeldDeletes, Lane};
use tokio::sync::watch;

/// How often what was found absent is gone through.
const ABSENCE_PASSES: usize = 5;

/// How many deletes one run may send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    /// So many, or none at all.
    allowed: u64,
    /// Of so many files that the sink has.
    rows: u64,
    /// The listing that they come from showed nothing at all.
    nothing_listed: bool,
    /// What an earlier run held is judged anew; else it stays held, and what came since is judged by itself.
    held_too: bool,
}

impl Flow {
    /// Brings the sink to where the looks and the feed say it should be.
    pub(super) async fn settle(&self, executor: &Executor, guard: Guard) -> Result<(), ApplyError> {
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
        if !self.deletes_may_go(guard).await? {
            return Ok(());
        }
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

    /// Lets deletes go, or holds them.
    async fn deletes_may_go(&self, guard: Guard) -> Result<bool, ApplyError> {
        let Guard { allowed, rows, nothing_listed, held_too } = guard;
        let deletes = self.state.deletes_in_question(held_too).await?;
        if deletes <= allowed || mutant::is("the_guard_is_off") {
            if held_too {
                self.state.let_deletes_go().await?;
            }
            return Ok(true);
        }
        let before = self.state.held_deletes().await?.filter(|_| !held_too);
        let deletes = self.state.deletes_in_question(true).await?;
        tracing::warn!(deletes, allowed, rows, "deletes are held: --allow-deletes {deletes} sends them");
        self.tally.held(deletes);
        self.state.forget_idle_absences().await?;
        let of_rows = before.map_or(rows, |before| before.of_rows.min(rows));
        let nothing_listed = nothing_listed || before.is_some_and(|before| before.nothing_listed);
        self.state.hold_deletes(HeldDeletes { deletes, of_rows, nothing_listed }).await?;
        Ok(false)
    }

    /// The guard of a run that has listed, when the sink has so many rows. An empty bucket is more often a mistake than a wish: then
    /// only what somebody said for this run alone counts.
    pub(super) fn guard(&self, rows: u64, nothing_listed: bool) -> Guard {
        let said = self.options.allow_deletes.unwrap_or(0);
        let allowed = if nothing_listed { said } else { self.options.max_delete.limit(rows).max(said) };
        Guard { allowed, rows, nothing_listed, held_too: true }
    }

    /// The guard of a cycle. What is held waits for a listing that shows less of it, for somebody's word, or for another setting.
    pub(super) async fn cycle_guard(&self) -> Result<Guard, ApplyError> {
        let held = self.state.held_deletes().await?;
        let raised = held.is_some_and(|held| !held.nothing_listed && self.options.max_delete.limit(held.of_rows) >= held.deletes);
        let held_too = raised || self.options.allow_deletes.is_some();
        let nothing_listed = held_too && held.is_some_and(|held| held.nothing_listed);
        Ok(Guard { held_too, ..self.guard(self.state.applied_rows().await?, nothing_listed) })
    }

    /// Whether deletes that are held may go now: that is something to do, though nothing is due and nothing was told.
    pub(super) async fn judges_held(&self, guard: Guard) -> Result<bool, ApplyError> {
        Ok(guard.held_too && self.state.deletes_in_question(true).await? > 0)
    }
}
