//! The initial sync and the reconcile: list the bucket, store the observations, and apply the resulting work to each sink. One transaction
//! stores a page and its last key, so a run that follows a killed one continues there. A first, a resumed and a later listing are the same
//! code: each key is compared with the state, and only a difference is work.

use super::flow::{Flow, RunInfo};
use super::options::Options;
use super::run_concurrently::run_concurrently;
use super::sink_run::SinkRun;
use crate::apply::ApplyError;
use crate::apply::sink::SinkHandle;
use crate::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind, EndpointFailure, EndpointId};
use crate::failpoint;
use crate::mutant;
use crate::plan::guard::Guard;
use crate::record::{Page, PageCounts, UnorderedPage};
use crate::retry::Disposition;
use crate::run::{OwnListing, RunKind};
use crate::source::{Coverage, KeyReader, NoProgress, SourcePage, Spelling, Walk};
use crate::state::{Lane, Listed};
use jiff::Timestamp;
use tokio::sync::watch;

/// Files of a sink in one question whether others changed them.
const FILES_AT_A_TIME: usize = 1000;

impl Flow {
    /// Lists the bucket and applies the differences to every sink. A sink without files applies each page while the listing continues. The
    /// other sinks wait for the end of the listing, because a new key may be the target of a move, which only the complete listing shows.
    pub(super) async fn run_listing(&self, run: RunInfo, own_listing: &OwnListing, sinks: &[SinkRun<'_>]) -> Result<(), ApplyError> {
        for sink in sinks {
            sink.write_old_snapshot().await?;
            // The listing observes every key anyway, so parked and skipped paths are tried now.
            sink.state.pending_unpark_all().await?;
            sink.state.pending_unpark_on_new_settings(self.options.relevant_settings(sink.state.policy())).await?;
        }
        if run.kind == RunKind::Reconcile {
            // An interrupted listing is not continued: a change may have happened in the pages that it has already listed.
            self.state.source().listing_restart().await?;
        }
        let from_the_start = self.state.source().listing_progress().await? == Listed::Nothing;
        let (mut empty, mut filled) = (Vec::new(), Vec::new());
        for sink in sinks {
            let rows = if from_the_start { sink.state.applied_rows().await? } else { sink.state.rows_before_listing().await? };
            if rows > 0 { filled.push(sink) } else { empty.push(sink) }
        }
        if !filled.is_empty() {
            // Receive the events about known files first. Without them a renamed file would appear as a new file and a deleted file.
            self.receive_events().await?;
            if let Err(error) = self.catch_up(&filled).await {
                self.stop(&error);
            }
            if self.stop_signal.is_stopped() {
                return Ok(());
            }
        }
        let (listing, more_may_come) = watch::channel(true);
        let began = self.clock.now();
        let observe = async {
            if let Err(error) = self.list(own_listing, &listing).await {
                self.stop(&error);
            }
            let noted = self.record_listing_end(run, from_the_start.then_some(began)).await;
            listing.send_replace(false);
            noted
        };
        let early = empty.iter().map(|sink| (*sink, true));
        let late = filled.iter().map(|sink| (*sink, false));
        let parts = early.chain(late).map(|(sink, is_empty)| (sink, sink.apply_listed(more_may_come.clone(), is_empty, from_the_start)));
        let (noted, _) = tokio::join!(observe, run_concurrently(parts));
        noted?;
        self.record_initial_complete(run, sinks).await
    }

    /// Records the end of a listing, if this run listed from the first key.
    async fn record_listing_end(&self, run: RunInfo, everything_since: Option<Timestamp>) -> Result<(), ApplyError> {
        match everything_since {
            Some(since) if self.counters.totals().listing_ended => Ok(self.state.source().listing_complete(run.number, since).await?),
            _ => Ok(()),
        }
    }

    /// Records that the initial sync is complete, if the listing has ended and no sink was stopped before it had applied the listing.
    async fn record_initial_complete(&self, run: RunInfo, sinks: &[SinkRun<'_>]) -> Result<(), ApplyError> {
        if !self.counters.totals().listing_ended || sinks.iter().any(|sink| sink.stop_signal.is_stopped()) {
            return Ok(());
        }
        if run.kind == RunKind::Initial || self.state.source().initial_completed_by().await?.is_none() {
            self.state.source().initial_complete(run.number).await?;
        }
        Ok(())
    }

    async fn list(&self, listing: &OwnListing, progress: &watch::Sender<bool>) -> Result<(), ApplyError> {
        let Options { prefix, page_keys, retry, .. } = &self.options;
        let source = self.endpoints.source.as_ref();
        let listed = self.state.source().listing_progress().await?;
        if listed != Listed::Nothing {
            self.counters.resumed(self.state.overview().await?.paths("due"), listed == Listed::Everything);
        }
        let mut walk = match listed {
            Listed::UpTo(key) if source.lists_in_key_order() => Walk::resumed(key),
            Listed::Nothing | Listed::UpTo(_) => Walk::from_start(),
            // An earlier run listed all pages and ended before it had applied them. Those paths are pending, and nothing is listed again.
            Listed::Everything => return Ok(()),
        };
        let mut reader = None;
        // Whether a page of this listing is stored, and the observation number of its first page.
        let (mut stored, mut listed_since) = (false, None);
        while let Some(from) = walk.next().cloned() {
            let seq = self.state.source().observation_next();
            let since = *listed_since.get_or_insert(seq);
            listing.begin(since);
            let page = async {
                let page = retry.run(|| source.page(&from, *page_keys)).await?;
                self.read_keys(&mut reader, page).await
            };
            let page = tokio::select! {
                biased;
                page = page => page?,
                () = self.stop_signal.stopped() => return Ok(()),
            };
            let Some(page) = page else {
                (walk, stored, listed_since) = (Walk::from_start(), false, None);
                continue;
            };
            self.counters.left_out(&page.left_out);
            let coverage = walk.take(&page).map_err(|reason| cannot_continue(source.id(), &reason))?;
            if self.counters.totals().pages == 0 {
                failpoint::reach(failpoint::BEFORE_FIRST_COMMIT).await;
            }
            let (prefix, objects, ended) = (prefix.clone(), page.objects, walk.next().is_none());
            let counts = match coverage {
                Coverage::Nothing => PageCounts::default(),
                Coverage::Range(after, up_to) => {
                    stored = true;
                    self.state.source().page_record(Page { prefix, after, up_to, seq, objects }).await?
                }
                Coverage::OutOfOrder => {
                    self.counters.out_of_order();
                    let (first, listed_since) = (!std::mem::replace(&mut stored, true), ended.then_some(since));
                    let page = UnorderedPage { prefix, first, seq, listed_since, objects };
                    self.state.source().unordered_page_record(page).await?
                }
                Coverage::StartsOver => {
                    (stored, listed_since) = (false, None);
                    self.state.source().listing_restart().await?;
                    PageCounts::default()
                }
            };
            self.counters.page(counts, ended);
            progress.send_replace(true);
        }
        Ok(())
    }

    /// Reads the keys of a page. `None` = the pages so far were read wrongly, and the listing starts over.
    async fn read_keys<'f>(&'f self, reader: &mut Option<KeyReader<'f>>, mut page: SourcePage) -> Result<Option<SourcePage>, ApplyError> {
        if page.written.is_none() || mutant::is("keys_are_read_as_a_page_declares_them") {
            return Ok(Some(page));
        }
        let source = self.state.source();
        let reader = match reader {
            Some(reader) => reader,
            None => reader.insert(KeyReader::new(self.endpoints.source.as_ref(), self.options.retry, source.key_encodings().await?)),
        };
        let ambiguous = reader.assume(&mut page);
        let doubted = source.not_found_of(ambiguous).await?;
        match reader.examine(&mut page, &doubted).await? {
            Spelling::Known => Ok(Some(page)),
            Spelling::Learned(known) => {
                source.key_encodings_record(known, false).await?;
                Ok(Some(page))
            }
            Spelling::Refuted(known) => {
                source.key_encodings_record(known, true).await?;
                Ok(None)
            }
        }
    }
}

/// The error of a listing that cannot be continued. Another attempt would get the same pages.
fn cannot_continue(source: &EndpointId, reason: &NoProgress) -> EndpointError {
    EndpointError::from(EndpointFailure {
        endpoint: source.clone(),
        operation: "list",
        subject: source.to_string(),
        kind: EndpointErrorKind::Other,
        disposition: Disposition::Fail,
        effect: EffectCertainty::None,
        reason: format!("{}_error", source.protocol()).into(),
        hint: "see the message",
        message: reason.to_string(),
    })
}

impl SinkRun<'_> {
    /// Applies the listing to one sink. A sink that had no files applies the pages while the listing continues.
    async fn apply_listed(&self, more_may_come: watch::Receiver<bool>, is_empty: bool, from_the_start: bool) -> Result<(), ApplyError> {
        if from_the_start && !is_empty {
            self.find_changed_files().await?;
        }
        if is_empty {
            let lane = |lane| self.executor.drain(lane, more_may_come.clone());
            let (small, large) = tokio::join!(lane(Lane::Small), lane(Lane::Large));
            small?;
            large?;
        }
        self.apply_after_listing(more_may_come).await
    }

    /// Finds the sink's files that others changed or deleted, and makes them unconfirmed: this run writes them again. No operation of the sink
    /// runs meanwhile.
    async fn find_changed_files(&self) -> Result<(), ApplyError> {
        let sink = self.flow.endpoints.sink(self.state.name());
        if !sink.capabilities().notices_changes {
            return Ok(());
        }
        let mut after = None;
        while !self.stop_signal.is_stopped() {
            let files = self.state.applied_after(after.take(), FILES_AT_A_TIME).await?;
            let files: Vec<_> = files.into_iter().map(|(path, handle)| (path, handle.map(SinkHandle))).collect();
            let Some((last, _)) = files.last() else { break };
            after = Some(last.clone());
            let changed = self.flow.options.retry.run(|| sink.changed(&files)).await?;
            for path in &changed {
                tracing::warn!(key = %path, sink = %self.state.name(), "others changed or deleted this file: it is written again");
            }
            self.counters.changed_by_others(changed.len() as u64);
            self.state.applied_unconfirm(changed).await?;
        }
        Ok(())
    }

    /// Waits for the end of the listing, then applies everything that is pending. Does nothing after an interrupted listing, because it
    /// cannot show that a key is gone.
    async fn apply_after_listing(&self, mut more_may_come: watch::Receiver<bool>) -> Result<(), ApplyError> {
        tokio::select! {
            biased;
            // The sender is dropped only after the end of the listing.
            _ = more_may_come.wait_for(|more| !more) => {}
            () = self.stop_signal.stopped() => return Ok(()),
        }
        if !self.flow.counters.totals().listing_ended {
            return Ok(());
        }
        let guard = Guard::of_listing(self.state.rows_before_listing().await?, !self.state.source().listing_saw_files().await?);
        self.settle(guard).await
    }
}
