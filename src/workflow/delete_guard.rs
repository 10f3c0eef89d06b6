//! The guard over deletes, in a run: reads the counts, compares them with the limit of `plan::guard`, stores the held deletes.

use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::mutant;
use crate::plan::guard::{Allowance, Guard};
use crate::state::DeletesInQuestion;

/// Deletes that the guard has released.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReleasedDeletes {
    /// The last place in the queue. Later rows were not judged: another sink's operations may have found more keys gone.
    pub(super) up_to: i64,
    /// The number of deletes that may be sent in this run.
    allowed: u64,
    /// The sink's deletes of this run before the verdict: they had passed the guard of an earlier run.
    sent_before: u64,
}

impl SinkRun<'_> {
    fn allowance(&self) -> Allowance {
        Allowance { max_delete: self.flow.options.max_delete, for_this_run: self.flow.options.allow_deletes }
    }

    /// Releases the sink's deletes, or holds them (`None`).
    pub(super) async fn judge_deletes(&self, guard: Guard) -> Result<Option<ReleasedDeletes>, ApplyError> {
        let rows = self.state.applied_rows().await?;
        let DeletesInQuestion { deletes, up_to } = self.state.deletes_in_question(guard.held_too).await?;
        let allowed = guard.allowed(rows, self.allowance());
        if deletes <= allowed || mutant::is("the_guard_is_off") {
            if guard.held_too {
                self.state.deletes_release().await?;
            }
            self.state.listing_judged().await?;
            return Ok(Some(ReleasedDeletes { up_to, allowed, sent_before: self.sent_deletes() }));
        }
        let DeletesInQuestion { deletes, .. } = self.state.deletes_in_question(true).await?;
        let held = guard.hold(deletes, rows, self.state.deletes_held().await?);
        let sink = self.state.name();
        tracing::warn!(%sink, deletes, allowed, rows = held.of_rows, "deletes are held: --allow-deletes {deletes} sends them");
        self.tally.held(deletes);
        self.state.absences_drop_unapplied().await?;
        self.state.deletes_hold(held).await?;
        self.state.listing_judged().await?;
        Ok(None)
    }

    /// True if the deletes that became due since may be sent too, together with those of the same run. Otherwise the next run judges them.
    pub(super) async fn release_more_deletes(&self, released: &mut ReleasedDeletes) -> Result<bool, ApplyError> {
        let DeletesInQuestion { deletes, up_to } = self.state.deletes_in_question(false).await?;
        released.up_to = up_to;
        Ok(self.sent_deletes() - released.sent_before + deletes <= released.allowed || mutant::is("the_guard_is_off"))
    }

    /// The number of confirmed deletes of this run.
    fn sent_deletes(&self) -> u64 {
        self.flow.tally.totals().sink(self.state.name()).deleted
    }

    /// The guard of a cycle.
    pub(super) async fn guard_of_cycle(&self) -> Result<Guard, ApplyError> {
        let (held, unjudged) = (self.state.deletes_held().await?, self.state.rows_before_unjudged_listing().await?);
        Ok(Guard::of_cycle(held, unjudged, self.allowance()))
    }

    /// True if held deletes must be judged again. That is work even if nothing is due and nothing was reported.
    pub(super) async fn has_held_deletes_to_judge(&self, guard: Guard) -> Result<bool, ApplyError> {
        Ok(guard.held_too && self.state.deletes_in_question(true).await?.deletes > 0)
    }
}
