//! Observing by a listing: the initial sync and the reconcile. A page is one transaction with its last key, so that a run which
//! was killed goes on after it. Nothing here knows whether this is the first run, a resumed one or the hundredth: what differs is
//! work, what does not is none.

use super::options::Options;
use super::run::{Flow, Run, SnapshotsLeft};
use super::snapshots;
use crate::apply::{ApplyError, Executor};
use crate::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind, EndpointFailure, EndpointId};
use crate::failpoint;
use crate::record::{ObjectKey, Page};
use crate::retry::Disposition;
use crate::run::RunKind;
use crate::source::PageCursor;
use crate::state::{Lane, Listed};
use tokio::sync::watch;

impl Flow {
    pub(super) async fn observe_by_listing(&self, run: Run) -> Result<SnapshotsLeft, ApplyError> {
        snapshots::write_old(&self.state, self.kept(), (run.number, run.began)).await?;
        // Everything is looked at anyway: what failed or was left out before is tried at once.
        self.state.release_all().await?;
        self.state.heed_settings(self.options.that_operations_depend_on()).await?;
        if run.kind == RunKind::Reconcile {
            // What it is to find may have happened after the first pages of a listing that was broken off.
            self.state.forget_listing().await?;
        }
        let from_the_start = self.state.listed().await? == Listed::Nothing;
        let rows = if from_the_start { self.state.applied_rows().await? } else { self.state.rows_before_listing().await? };
        let executor = self.executor(run.number);
        if rows > 0 {
            // What was told of known files comes first: without it a renamed one would be a new one and one that is gone.
            self.hear().await?;
            if let Err(error) = self.catch_up(&executor).await {
                self.stop(&error);
                return Ok(SnapshotsLeft::New);
            }
        }
        let began = self.clock.now();
        if let Err(error) = self.list_and_apply(&executor, rows).await {
            self.stop(&error);
        }
        if self.tally.totals().listing_ended {
            if run.kind == RunKind::Initial || self.state.initial_completed_by().await?.is_none() {
                self.state.complete_initial(run.number).await?;
            }
            if from_the_start {
                self.state.listed_everything(run.number, began).await?;
            }
            let rows = self.state.rows_before_listing().await?;
            let guard = Self::guard_of_listing(rows, !self.state.listing_saw_files().await?);
            if let Err(error) = self.settle(&executor, guard).await {
                self.stop(&error);
            }
        }
        Ok(SnapshotsLeft::New)
    }

    /// Lists. Where the sink had no `rows` when the listing began, what the pages bring is applied while the listing goes on;
    /// elsewhere a new key may be the other half of a move, and that shows only when all keys have been seen.
    async fn list_and_apply(&self, executor: &Executor, rows: u64) -> Result<(), ApplyError> {
        let (listing, more_may_come) = watch::channel(true);
        if rows > 0 {
            return self.list(&listing).await;
        }
        let (listed, small, large) = tokio::join!(
            async {
                let listed = self.list(&listing).await;
                listing.send_replace(false);
                listed
            },
            executor.drain(Lane::Small, more_may_come.clone()),
            executor.drain(Lane::Large, more_may_come.clone()),
        );
        small?;
        large?;
        listed
    }

    async fn list(&self, progress: &watch::Sender<bool>) -> Result<(), ApplyError> {
        let Options { prefix, page_keys, retry, .. } = &self.options;
        let source = self.doors.source.as_ref();
        let listed = self.state.listed().await?;
        if listed != Listed::Nothing {
            self.tally.gone_on_with(self.state.overview().await?.paths("due"), listed == Listed::Everything);
        }
        let mut after = match listed {
            Listed::Nothing => None,
            Listed::UpTo(key) => Some(key),
            // Killed or stopped while it applied what the last pages brought: that is pending, and nothing is read again.
            Listed::Everything => return Ok(()),
        };
        loop {
            let look = self.state.next_look();
            let from = after.clone().map_or(PageCursor::Start, PageCursor::After);
            let page = tokio::select! {
                biased;
                page = retry.run(|| source.page(&from, *page_keys)) => page?,
                () = self.halt.stopped() => return Ok(()),
            };
            let up_to = page.next.map(|next| key_of(next, source.id())).transpose()?;
            if self.tally.totals().pages == 0 {
                failpoint::reach(failpoint::BEFORE_FIRST_COMMIT).await;
            }
            let counts =
                self.state.commit_page(Page { prefix: prefix.clone(), after, up_to: up_to.clone(), look, objects: page.objects }).await?;
            self.tally.page(counts, up_to.is_none());
            progress.send_replace(true);
            if up_to.is_none() {
                return Ok(());
            }
            after = up_to;
        }
    }
}

/// The key after which the next page begins. A page is stored as a range of keys: only a source that lists in their order has one.
fn key_of(next: PageCursor, source: &EndpointId) -> Result<ObjectKey, EndpointError> {
    if let PageCursor::After(key) = next {
        return Ok(key);
    }
    Err(EndpointError::from(EndpointFailure {
        endpoint: source.clone(),
        operation: "list",
        subject: source.to_string(),
        kind: EndpointErrorKind::Other,
        disposition: Disposition::Fail,
        effect: EffectCertainty::None,
        reason: format!("{}_error", source.protocol()).into(),
        hint: "see the message",
        message: "the source does not list in the order of its keys: it cannot be listed in parts".to_owned(),
    }))
}
