//! Implements the daemon's `Worker` for the engine: runs, endpoint probes, dead letters, backlog metrics, maintenance.

use super::connectivity::{S3, answered, events_api_answers, source_answers};
use super::engine::Engine;
use super::exit_code::ExitCode;
use super::outcome::exit_code_of;
use super::sinks;
use crate::apply::{RunCounters, StopSignal};
use crate::clock::{Clock as _, SystemClock};
use crate::daemon::{EVENTS_API, EndpointRole, MaintenanceTask, ProbeResult, RunRequest, RunResult, Worker, sink_endpoint};
use crate::events::dead_letters::{self, Retried, Which};
use crate::events::decode::Scope;
use crate::report::Report;
use crate::workflow;
use async_trait::async_trait;
use futures::future;
use jiff::SignedDuration;
use std::sync::Arc;

/// After this time without any run, events may have been missed, unless queues record their own gaps.
const LONG_ABSENCE: SignedDuration = SignedDuration::from_hours(4 * 24);

#[async_trait]
impl Worker for Engine {
    async fn probe_endpoints(&self) -> Vec<ProbeResult> {
        let endpoints = match self.connected().await {
            Ok(endpoints) => endpoints,
            Err((_, message)) => return vec![ProbeResult { name: S3.to_owned(), role: EndpointRole::Source, unreachable: Some(message) }],
        };
        let events = async {
            let reports = endpoints.reports.as_ref()?;
            Some(events_api_answers(reports.as_ref()).await)
        };
        let checks = endpoints.sinks.iter().map(async |(name, sink)| {
            let endpoint = sink_endpoint(name);
            let unreachable = answered(endpoint.clone(), sinks::setting_of(name), sink.check()).await;
            ProbeResult { name: endpoint, role: EndpointRole::Sink, unreachable }
        });
        let (bucket, sinks, events) = tokio::join!(source_answers(&endpoints), future::join_all(checks), events);
        let bucket = ProbeResult { name: S3.to_owned(), role: EndpointRole::Source, unreachable: bucket };
        let events = events.map(|unreachable| ProbeResult { name: EVENTS_API.to_owned(), role: EndpointRole::Optional, unreachable });
        std::iter::once(bucket).chain(sinks).chain(events).collect()
    }

    async fn initial_completed(&self) -> Result<bool, String> {
        Ok(self.state.source().initial_completed_by().await.map_err(|error| self.state_code(error).1)?.is_some())
    }

    async fn listing_is_due(&self) -> Result<bool, String> {
        let state_code = |error| self.state_code(error).1;
        let now = SystemClock.now();
        let last = self.state.overview().await.map_err(state_code)?.runs.into_iter().find_map(|run| run.ended_at);
        // The reader of a queue that was polled before records gaps itself.
        let mut queues_know = !self.settings.queue_urls.is_empty();
        for url in &self.settings.queue_urls {
            queues_know &= self.state.inbox().queue_last_polled(url.as_str()).await.map_err(state_code)?.is_some();
        }
        if !queues_know && last.is_some_and(|last| now.duration_since(last) > LONG_ABSENCE) {
            // The gap stays recorded until a listing that begins after now has completed.
            self.state.inbox().gap_note(now).await.map_err(state_code)?;
        }
        let unfinished = self.state.source().reconcile_unfinished().await.map_err(state_code)?;
        Ok(unfinished || self.state.inbox().gap().await.map_err(state_code)?.is_some())
    }

    async fn run(&self, request: RunRequest, counters: Arc<RunCounters>, stop_signal: StopSignal) -> RunResult {
        match self.run_request(request, counters, stop_signal).await {
            Ok(ended) => {
                // A signal to the daemon stopped the run of a client, so the client's command has failed.
                let exit_code = exit_code_of(&ended, Some(ExitCode::Failed)).number();
                RunResult::Ended { exit_code, outcome: ended.outcome, report: Box::new(ended.report) }
            }
            Err((code, message)) => RunResult::NotRun { exit_code: code.number(), message },
        }
    }

    async fn retry_dead_letters(&self, which: Which) -> Result<Retried, String> {
        let scope = Scope::new(&self.bucket, &self.settings.source.prefix);
        dead_letters::retry(&self.state, &scope, which, SystemClock.now()).await.map_err(|error| error.to_string())
    }

    async fn drop_dead_letters(&self, which: Which) -> Result<u64, String> {
        dead_letters::delete(&self.state, which).await.map_err(|error| error.to_string())
    }

    async fn dead_letters_problem(&self) -> Result<Option<String>, String> {
        let dead_letters = self.state.inbox().dead_letters_summary().await.map_err(|error| self.state_code(error).1)?;
        Ok(Report::dead_letters_problem(dead_letters.0, dead_letters.1.as_deref()))
    }

    async fn record_backlog(&self) {
        match self.sinks().await {
            Ok(sinks) => workflow::record_backlog(&self.state, &sinks, SystemClock.now()).await,
            Err((_, error)) => tracing::warn!(%error, "the backlog metrics cannot be recorded"),
        }
    }

    async fn run_maintenance(&self, task: MaintenanceTask) -> Result<String, String> {
        let run_lock = self.lock.lock().await;
        let (state, now) = (&self.state, SystemClock.now());
        let pruned = match task {
            MaintenanceTask::Snapshots => {
                let (directory, kept_runs) = (self.settings.data_directory().to_owned(), self.settings.csv_retention);
                let sinks: Vec<_> = self.identity().sinks.into_iter().map(|sink| sink.name).collect();
                let pruned = tokio::task::spawn_blocking(move || workflow::prune_snapshots(&directory, kept_runs, &sinks));
                let pruned = pruned.await.map_err(|error| error.to_string())?;
                return pruned.map(|snapshots| format!("{snapshots} snapshots removed")).map_err(|error| error.to_string());
            }
            MaintenanceTask::Inbox => state
                .maintenance()
                .feed_prune(now)
                .await
                .map(|events| format!("{events} records of events removed that the feed does not serve any more")),
            MaintenanceTask::Tombstones => {
                // No run is active, so no lookup is in flight. Release the lock before pruning: there may be millions of tombstones, and no
                // run should wait for it.
                let below = state
                    .maintenance()
                    .tombstones_due(state.source().observation_next(), now)
                    .await
                    .map_err(|error| self.state_code(error).1)?;
                drop(run_lock);
                let pruned = if let Some(below) = below { state.maintenance().tombstones_prune(below).await } else { Ok(0) };
                pruned.map(|tombstones| format!("{tombstones} tombstones removed"))
            }
            MaintenanceTask::History => match state.maintenance().runs_prune().await {
                Ok(runs) => {
                    state.maintenance().history_prune(now).await.map(|rows| format!("{runs} old runs and {rows} rows of history removed"))
                }
                Err(error) => Err(error),
            },
        };
        pruned.map_err(|error| self.state_code(error).1)
    }
}
