//! The guard over deletes: by what the deletes of one run are judged, and whether they may go or are held.

use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::mutant;
use crate::state::{DeletesInQuestion, HeldDeletes};

/// By what one run's deletes are judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    /// So many files the sink had before a listing: what the same listing brought must not let all the old ones go. Where each delete
    /// was told by itself, the files that the sink has by then count.
    rows_before: Option<u64>,
    /// The listing that they come from showed nothing at all.
    nothing_listed: bool,
    /// What an earlier run held is judged anew; else it stays held, and what came since is judged by itself.
    held_too: bool,
}

/// Deletes that the guard has let go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    /// The last place in the queue. What comes after it was not judged: another sink's operations may have found more keys gone.
    pub(super) up_to: i64,
    /// So many may go in this run.
    allowed: u64,
    /// So many had gone before: they had passed the guard of an earlier run.
    gone_before: u64,
}

impl SinkRun<'_> {
    /// Lets deletes go, or holds them (`None`).
    pub(super) async fn deletes_may_go(&self, guard: Guard) -> Result<Option<Judged>, ApplyError> {
        let Guard { rows_before, nothing_listed, held_too } = guard;
        let rows = match rows_before {
            Some(rows) => rows,
            None => self.state.applied_rows().await?,
        };
        // An empty bucket is more often a mistake than a wish: then only what somebody said for this run alone counts.
        let said = self.flow.options.allow_deletes.unwrap_or(0);
        let allowed = if nothing_listed { said } else { self.flow.options.max_delete.limit(rows).max(said) };
        let DeletesInQuestion { deletes, up_to } = self.state.deletes_in_question(held_too).await?;
        if deletes <= allowed || mutant::is("the_guard_is_off") {
            if held_too {
                self.state.let_deletes_go().await?;
            }
            self.state.listing_was_judged().await?;
            return Ok(Some(Judged { up_to, allowed, gone_before: self.deletes_gone() }));
        }
        let before = self.state.held_deletes().await?.filter(|_| !held_too);
        let DeletesInQuestion { deletes, .. } = self.state.deletes_in_question(true).await?;
        tracing::warn!(sink = %self.state.name(), deletes, allowed, rows, "deletes are held: --allow-deletes {deletes} sends them");
        self.tally.held(deletes);
        self.state.forget_idle_absences().await?;
        let of_rows = before.map_or(rows, |before| before.of_rows.min(rows));
        let nothing_listed = nothing_listed || before.is_some_and(|before| before.nothing_listed);
        self.state.hold_deletes(HeldDeletes { deletes, of_rows, nothing_listed }).await?;
        self.state.listing_was_judged().await?;
        Ok(None)
    }

    /// Whether the deletes that are due by now may go as well, beside those of the same run. If not, the next run judges them.
    pub(super) async fn more_deletes_may_go(&self, judged: &mut Judged) -> Result<bool, ApplyError> {
        let DeletesInQuestion { deletes, up_to } = self.state.deletes_in_question(false).await?;
        judged.up_to = up_to;
        Ok(self.deletes_gone() - judged.gone_before + deletes <= judged.allowed || mutant::is("the_guard_is_off"))
    }

    /// How many deletes of this run are confirmed.
    fn deletes_gone(&self) -> u64 {
        self.flow.tally.totals().sink(self.state.name()).deleted
    }

    /// The guard of a run that has listed, when the sink had so many rows before.
    pub(super) fn guard_of_listing(rows: u64, nothing_listed: bool) -> Guard {
        Guard { rows_before: Some(rows), nothing_listed, held_too: true }
    }

    /// The guard of a cycle. What is held waits for a listing that shows less of it, for somebody's word, or for another setting.
    pub(super) async fn guard_of_cycle(&self) -> Result<Guard, ApplyError> {
        let held = self.state.held_deletes().await?;
        let raised = held.is_some_and(|held| !held.nothing_listed && self.flow.options.max_delete.limit(held.of_rows) >= held.deletes);
        let held_too = raised || self.flow.options.allow_deletes.is_some();
        // What a listing found gone is still a share of the files that were there before it, whether it held that or was cut off
        // before it could.
        let held_of = held.filter(|_| held_too).map(|held| held.of_rows);
        let rows_before = [held_of, self.state.rows_before_unjudged_listing().await?].into_iter().flatten().min();
        Ok(Guard { rows_before, nothing_listed: held_too && held.is_some_and(|held| held.nothing_listed), held_too })
    }

    /// Whether deletes that are held may go now: that is something to do, though nothing is due and nothing was told.
    pub(super) async fn judges_held(&self, guard: Guard) -> Result<bool, ApplyError> {
        Ok(guard.held_too && self.state.deletes_in_question(true).await?.deletes > 0)
    }
}
