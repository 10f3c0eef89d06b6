//! The delete guard in a run: reads the counts, compares them with the limit of `plan::guard`, and stores which deletes are held.

use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::mutant;
use crate::plan::guard::{Allowance, Guard};
use crate::state::DeletesInQuestion;

/// Deletes that the guard has released.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReleasedDeletes {
    /// The last released position in the queue. The guard has not judged later rows: another sink's operations may have found more keys
    /// gone.
    pub(super) up_to: i64,
    /// The maximum number of deletes in this run.
    allowed: u64,
    /// The number of deletes that this run sent before the decision. The guard of an earlier run had released them.
    sent_before: u64,
}

impl SinkRun<'_> {
    fn allowance(&self) -> Allowance {
        Allowance { max_delete: self.flow.options.max_delete, for_this_run: self.flow.options.allow_deletes }
    }

    /// Releases the sink's deletes, or holds all of them and returns `None`.
    pub(super) async fn judge_deletes(&self, guard: Guard) -> Result<Option<ReleasedDeletes>, ApplyError> {
        let rows = self.state.applied_rows().await?;
        let allowed = guard.allowed(rows, self.allowance());
        let mut question = self.state.deletes_in_question(guard.judge_held_again).await?;
        if question.deletes > allowed && self.flow.counters.totals().listing_ended && !self.stop_signal.is_stopped() {
            // If the listing missed some of these keys, the operator must know before he allows the deletes.
            self.executor.sample_deletes().await?;
            question = self.state.deletes_in_question(guard.judge_held_again).await?;
        }
        let DeletesInQuestion { deletes, up_to } = question;
        if deletes <= allowed || mutant::is("the_guard_is_off") {
            if guard.judge_held_again {
                self.state.deletes_release().await?;
            } else {
                self.state.listing_judged().await?;
            }
            return Ok(Some(ReleasedDeletes { up_to, allowed, sent_before: self.sent_deletes() }));
        }
        let DeletesInQuestion { deletes, .. } = self.state.deletes_in_question(true).await?;
        let held = guard.hold(deletes, rows, self.state.deletes_held().await?);
        let sink = self.state.name();
        tracing::warn!(%sink, deletes, allowed, rows = held.rows_when_held, "deletes are held: --allow-deletes {deletes} sends them");
        self.counters.held(deletes);
        self.state.absences_drop_unapplied().await?;
        self.state.deletes_hold(held).await?;
        Ok(None)
    }

    /// Releases the deletes that became due since the last release, if the run's total stays within the limit. Returns false if not; the
    /// next run then judges them.
    pub(super) async fn release_more_deletes(&self, released: &mut ReleasedDeletes) -> Result<bool, ApplyError> {
        let DeletesInQuestion { deletes, up_to } = self.state.deletes_in_question(false).await?;
        released.up_to = up_to;
        Ok(self.sent_deletes() - released.sent_before + deletes <= released.allowed || mutant::is("the_guard_is_off"))
    }

    /// The number of deletes that the sink confirmed in this run.
    fn sent_deletes(&self) -> u64 {
        self.flow.counters.totals().sink(self.state.name()).deleted
    }

    /// The guard of an incremental sync.
    pub(super) async fn guard_of_cycle(&self) -> Result<Guard, ApplyError> {
        let (held, unjudged) = (self.state.deletes_held().await?, self.state.rows_before_unjudged_listing().await?);
        Ok(Guard::of_cycle(held, unjudged, self.allowance()))
    }

    /// True if the guard must judge held deletes again. Then the run has work even if nothing is due and no event arrived.
    pub(super) async fn has_held_deletes_to_judge(&self, guard: Guard) -> Result<bool, ApplyError> {
        Ok(guard.judge_held_again && self.state.deletes_in_question(true).await?.deletes > 0)
    }
}
