//! The initial sync: observe by listing the bucket, apply while the listing goes on, then what the listing proved absent.
//!
//! A page is one transaction with its last key, so that a run which was killed goes on after it. Nothing here knows
//! whether this is the first run, a resumed one or the hundredth: what differs is work, what does not is none.

use super::{Doors, snapshots};
use crate::apply::{ApplyError, Bounds, Executor, FileManagerSink, Halt, SinkOptions, Tally, Totals};
use crate::clock::Clock;
use crate::config::MaxDelete;
use crate::failpoint;
use crate::listing::Scan;
use crate::plan::Limits;
use crate::record::ObjectKey;
use crate::report::{Frame, Report};
use crate::retry::RetryPolicy;
use crate::s3::{S3Error, S3ErrorKind};
use crate::state::{InstanceLock, Lane, Listed, Page, RunKind, RunOutcome, State, StateError};
use jiff::Timestamp;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often what was found absent is gone through.
const ABSENCE_PASSES: usize = 5;

/// What a run is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The bucket's name, for the report.
    pub bucket: String,
    /// Only keys that begin with this.
    pub prefix: String,
    /// Keys in one listing page.
    pub page_keys: u16,
    /// Operations at a time.
    pub concurrency: usize,
    /// The bounds of the plan.
    pub limits: Limits,
    /// Attempts and waits of one call.
    pub retry: RetryPolicy,
    /// Whether checksums are compared; lengths always are.
    pub verify: bool,
    /// The guard over deletes.
    pub max_delete: MaxDelete,
    /// What the operator allows for this run alone.
    pub allow_deletes: Option<u64>,
    /// Runs whose snapshots are kept.
    pub kept_snapshots: NonZeroUsize,
    /// How long what is in hand may take once the run stops.
    pub grace: Duration,
}

/// One run of any flow.
pub struct Flow {
    /// The doors.
    pub doors: Doors,
    /// The state, already found to describe these doors.
    pub state: State,
    /// What it was told.
    pub options: Options,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts as it goes; the caller may watch.
    pub tally: Arc<Tally>,
    /// Stops it; the caller may.
    pub halt: Halt,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// As it is told.
    pub report: Report,
    /// As it is remembered.
    pub outcome: RunOutcome,
    /// The guard held deletes.
    pub deletes_held: bool,
}

impl Flow {
    /// Runs to the end, or until a door proves shut or somebody stops it. An error is the state's: it cannot go on at all.
    pub async fn run(self, kind: RunKind, lock: &mut InstanceLock) -> Result<Ended, ApplyError> {
        let began = self.clock.now();
        let run = self.state.begin_run(kind, began, lock.last_run()).await?;
        lock.remember_run(run)?;
        snapshots::write_old(&self.state, self.kept(), (run, began)).await?;
        // Somebody typed the command: what failed or was left out before is tried at once.
        self.state.release_all().await?;
        let executor = self.executor(run);
        if let Err(error) = self.observe_and_apply(&executor).await {
            self.halt.stop(Some(error));
        }
        if self.tally.totals().listing_ended {
            self.state.complete_initial(run).await?;
            if let Err(error) = self.apply_absences(&executor).await {
                self.halt.stop(Some(error));
            }
        }
        self.finish((run, kind), began).await
    }

    fn kept(&self) -> NonZeroUsize {
        self.options.kept_snapshots
    }

    fn executor(&self, run: u64) -> Executor {
        let Options { limits, retry, verify, concurrency, grace, .. } = self.options;
        let doors = self.doors.clone();
        let sink = FileManagerSink::new(doors.bucket, doors.file_manager, self.state.clone(), SinkOptions { run, limits, retry, verify });
        Executor::new(sink, self.clock.clone(), self.tally.clone(), self.halt.clone(), Bounds { concurrency, grace })
    }

    /// Lists, and applies what the pages bring while the listing goes on.
    async fn observe_and_apply(&self, executor: &Executor) -> Result<(), ApplyError> {
        let (listing, more_may_come) = watch::channel(true);
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
        let scan = Scan { prefix: prefix.clone(), page_keys: *page_keys, retry: *retry };
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
            let page = tokio::select! {
                page = scan.page(self.doors.bucket.as_ref(), after.as_ref()) => page?,
                () = self.halt.stopped() => return Ok(()),
            };
            let up_to = if page.more { Some(last_key(&page.objects, &self.options.bucket)?) } else { None };
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

    /// What the listing did not show: each key is looked at, and what is gone goes from the file manager too, if the
    /// guard lets it.
    async fn apply_absences(&self, executor: &Executor) -> Result<(), ApplyError> {
        let (deletes, rows) = self.state.deletes_in_question().await?;
        let allowed = self.options.max_delete.limit(rows).max(self.options.allow_deletes.unwrap_or(0));
        // An empty bucket is more often a mistake than a wish: somebody has to say how many.
        let allowed = if self.state.listing_saw_files().await? { allowed } else { self.options.allow_deletes.unwrap_or(0) };
        if deletes > allowed {
            tracing::warn!(deletes, allowed, rows, "deletes are held: --allow-deletes {deletes} sends them");
            self.tally.held(deletes);
            return Ok(self.state.forget_idle_absences().await?);
        }
        let (_, listing_ended) = watch::channel(false);
        // What a look at an absent key shows (it is back, it was in doubt) is work for the other lanes, and theirs for this
        // one. A bucket that changes its mind more often than this is left to the next run.
        for _ in 0..ABSENCE_PASSES {
            let mut taken = 0;
            for lane in [Lane::Absent, Lane::Small, Lane::Large] {
                taken += executor.drain(lane, listing_ended.clone()).await?;
            }
            if taken == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn finish(&self, (run, kind): (u64, RunKind), began: Timestamp) -> Result<Ended, ApplyError> {
        if self.halt.cause().is_some() || !self.halt.is_stopped() {
            snapshots::write_new(&self.state, self.kept(), (run, began)).await?;
        }
        let totals = self.tally.totals();
        let overview = self.state.overview().await?;
        let cause = self.halt.cause();
        let frame = Frame {
            run,
            kind,
            time: (began, self.clock.now()),
            subject: (self.state.path().display().to_string(), self.options.bucket.clone()),
            stopped_by: match &cause {
                Some(error) => Some((error.to_string(), error.hint())),
                None if self.halt.is_stopped() => Some(("by a signal".to_owned(), "run the command again: it goes on where it was")),
                None => None,
            },
        };
        let mut report = Report::of_run(&frame, &totals, &overview);
        report.report_refused = self.post(&report).await;
        let outcome = match (cause, self.halt.is_stopped()) {
            (Some(_), _) => RunOutcome::Failed,
            (None, true) => RunOutcome::Stopped,
            (None, false) if report.success && report.report_refused.is_none() => RunOutcome::Done,
            (None, false) => RunOutcome::Partial,
        };
        self.remember(run, &report, outcome).await?;
        Ok(Ended { deletes_held: held(&totals), report, outcome })
    }

    async fn post(&self, report: &Report) -> Option<String> {
        let reports = self.doors.reports.as_ref()?;
        let body = match serde_json::to_value(report) {
            Ok(body) => body,
            Err(error) => return Some(error.to_string()),
        };
        let post = async { self.options.retry.run(|| reports.report_results(&body)).await.err().map(|error| error.to_string()) };
        let out_of_grace = async {
            self.halt.stopped().await;
            // A shut door hurries nobody: what was in hand may have used up the time since then.
            if self.halt.cause().is_some() {
                tokio::time::sleep(self.options.grace).await;
            } else {
                self.halt.out_of_grace(self.options.grace).await;
            }
        };
        tokio::select! {
            refused = post => refused,
            () = out_of_grace => Some("the run was stopped while the report was on its way".to_owned()),
        }
    }

    async fn remember(&self, run: u64, report: &Report, outcome: RunOutcome) -> Result<(), StateError> {
        let summary = serde_json::to_string(report).unwrap_or_default();
        self.state.end_run(run, outcome, self.clock.now(), summary).await
    }
}

fn held(totals: &Totals) -> bool {
    totals.deletes_held > 0
}

/// The key after which the next page begins.
fn last_key(objects: &[(ObjectKey, crate::record::ObjectFacts)], bucket: &str) -> Result<ObjectKey, S3Error> {
    objects.last().map(|(key, _)| key.clone()).ok_or_else(|| {
        let words = "a page without objects that says that more follow: the listing cannot go on";
        S3Error { operation: "ListObjectsV2", subject: bucket.to_owned(), kind: S3ErrorKind::Other, message: words.to_owned() }
    })
}
