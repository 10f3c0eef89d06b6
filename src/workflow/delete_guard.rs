//! The guard over deletes in a run: the counts that `plan::guard` judges by, and what its verdict means for the state.

use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::mutant;
use crate::plan::guard::{Allowance, Guard, GuardVerdict};

impl SinkRun<'_> {
    fn allowance(&self) -> Allowance {
        Allowance { max_delete: self.flow.options.max_delete, for_this_run: self.flow.options.allow_deletes }
    }

    /// Releases the sink's deletes, or holds them; says whether they may be sent.
    pub(super) async fn judge_deletes(&self, guard: Guard) -> Result<bool, ApplyError> {
        let rows = self.state.applied_rows().await?;
        let deletes = self.state.deletes_in_question(guard.held_too).await?;
        let verdict = guard.judge(deletes, rows, self.allowance());
        let GuardVerdict::Hold { allowed } = verdict else { return self.release_deletes(guard).await };
        if mutant::is("the_guard_is_off") {
            return self.release_deletes(guard).await;
        }
        let deletes = self.state.deletes_in_question(true).await?;
        let held = guard.hold(deletes, rows, self.state.held_deletes().await?);
        let sink = self.state.name();
        tracing::warn!(%sink, deletes, allowed, rows = held.of_rows, "deletes are held: --allow-deletes {deletes} sends them");
        self.tally.held(deletes);
        self.state.forget_idle_absences().await?;
        self.state.hold_deletes(held).await?;
        self.state.listing_was_judged().await?;
        Ok(false)
    }

    async fn release_deletes(&self, guard: Guard) -> Result<bool, ApplyError> {
        if guard.held_too {
            self.state.let_deletes_go().await?;
        }
        self.state.listing_was_judged().await?;
        Ok(true)
    }

    /// The guard of a cycle.
    pub(super) async fn guard_of_cycle(&self) -> Result<Guard, ApplyError> {
        let (held, unjudged) = (self.state.held_deletes().await?, self.state.rows_before_unjudged_listing().await?);
        Ok(Guard::of_cycle(held, unjudged, self.allowance()))
    }

    /// Whether deletes that are held are to be judged again: that is something to do, though nothing is due and nothing was reported.
    pub(super) async fn has_held_deletes_to_judge(&self, guard: Guard) -> Result<bool, ApplyError> {
        Ok(guard.held_too && self.state.deletes_in_question(true).await? > 0)
    }
}
