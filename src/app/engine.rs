//! The engine: everything that a run needs, created from the settings: lock, state, endpoints, options. A command executes one run; the
//! daemon executes one per request. `workflow` implements the runs.

use super::exit_code::ExitCode;
use super::outcome::{Refusal, failed, state_refusal};
use super::{endpoints, sinks};
use crate::apply::{ApplyError, RunCounters, StopSignal};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Settings;
use crate::daemon::{RunRequest, RunTrigger, minus_shutdown_reserve};
use crate::events::queue::EventQueue;
use crate::file_manager::HttpClient;
use crate::snapshot::SnapshotRows;
use crate::state::{Identity, InstanceLock, OperatorAnswer, SinkState, State, StateError};
use crate::workflow::{Endpoints, FinishedRun, Flow, Options};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Starts to display the counters of a run. The returned function ends the display.
pub(crate) type ShowProgress = fn(&Settings, Arc<RunCounters>) -> Box<dyn FnOnce() + Send>;

/// The state, which this process has locked, and its endpoints.
pub(crate) struct Engine {
    pub(super) settings: Settings,
    identity: Identity,
    pub(super) bucket: String,
    client: HttpClient,
    pub(super) state: State,
    /// The instance lock. The active run holds the mutex, so that no other run begins.
    pub(super) lock: Mutex<InstanceLock>,
    /// The queues that a run drains before its own work. Empty in a daemon, whose listeners receive from the queues.
    queues: Vec<Arc<dyn EventQueue>>,
    /// The endpoints, after they were connected.
    endpoints: Mutex<Option<Endpoints>>,
    show_progress: ShowProgress,
}

impl Engine {
    /// Opens the state. Its identity must match the settings, or `answer` must resolve the difference. Connects no endpoint.
    pub(crate) async fn open(
        settings: &Settings,
        lock: InstanceLock,
        answer: OperatorAnswer,
        show_progress: ShowProgress,
    ) -> Result<Self, Refusal> {
        let usage_error = |error: crate::config::ConfigError| (ExitCode::Usage, error.to_string());
        let bucket = settings.require_bucket().map_err(usage_error)?.to_owned();
        let identity = endpoints::identity(settings, &bucket).map_err(usage_error)?;
        let state_code = |error: StateError| state_refusal(error, &settings.database_path);
        let state = State::open(&settings.database_path).await.map_err(state_code)?;
        let restored = answer.restored || state.runs().last_number().await.map_err(state_code)? < lock.last_run();
        if restored {
            tracing::warn!("the state is older than its lock file, or said to be restored: every file is confirmed anew");
        }
        state.identify(identity.clone(), OperatorAnswer { restored, ..answer }, SystemClock.now()).await.map_err(state_code)?;
        let client = endpoints::http_client(settings).map_err(failed)?;
        let (settings, lock, endpoints) = (settings.clone(), Mutex::new(lock), Mutex::new(None));
        Ok(Self { settings, identity, bucket, client, state, lock, queues: Vec::new(), endpoints, show_progress })
    }

    /// Makes each run drain the configured queues. For a process without listeners.
    pub(crate) async fn drain_queues_per_run(&mut self) -> Result<(), Refusal> {
        self.queues = self.queues().await?;
        Ok(())
    }

    /// Creates the clients of the configured queues, and stores that events arrive from these queues only.
    pub(crate) async fn queues(&self) -> Result<Vec<Arc<dyn EventQueue>>, Refusal> {
        let queues = endpoints::queue_sources(&self.settings);
        if !queues.is_empty() {
            let addresses = queues.iter().map(|queue| queue.address().to_owned()).collect();
            for queue in self.state.inbox().queues_set(addresses, SystemClock.now()).await.map_err(|error| self.state_code(error))? {
                tracing::warn!(queue, "messages may be lost: this queue is no longer configured");
            }
        }
        Ok(queues)
    }

    /// The identity of the state.
    pub(crate) fn identity(&self) -> Identity {
        self.identity.clone()
    }

    /// The name of the source's bucket.
    #[cfg(feature = "sqs")]
    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The state. Listeners store received events in its inbox.
    #[cfg(feature = "sqs")]
    pub(crate) fn state(&self) -> State {
        self.state.clone()
    }

    /// Executes a run request and displays its progress.
    pub(crate) async fn run_request(
        &self,
        request: RunRequest,
        counters: Arc<RunCounters>,
        stop_signal: StopSignal,
    ) -> Result<FinishedRun, Refusal> {
        let mut lock = self.lock.lock().await;
        if request.answer != OperatorAnswer::default() {
            self.state
                .identify(self.identity(), request.answer.clone(), SystemClock.now())
                .await
                .map_err(|error| self.state_code(error))?;
        }
        let flow = Flow {
            endpoints: self.connected().await?,
            state: self.state.clone(),
            sinks: Box::pin(self.sinks()).await?,
            options: self.options(&request),
            clock: Arc::new(SystemClock),
            counters: counters.clone(),
            stop_signal,
        };
        let end_progress = (self.show_progress)(&self.settings, counters);
        let ended = flow.run(request.kind, &mut lock).await;
        end_progress();
        ended.map_err(|error| match error {
            ApplyError::State(error) => self.state_code(error),
            other => failed(other),
        })
    }

    /// The state of each configured sink, with its policy.
    pub(super) async fn sinks(&self) -> Result<Vec<SinkState>, Refusal> {
        let mut sinks = Vec::new();
        for (name, sink) in self.connected().await?.sinks {
            let policy = sink.capabilities().policy(self.settings.max_file_bytes);
            sinks.push(self.state.sink(name, policy).await.map_err(|error| self.state_code(error))?);
        }
        Ok(sinks)
    }

    pub(super) fn state_code(&self, error: StateError) -> Refusal {
        state_refusal(error, &self.settings.database_path)
    }

    /// The endpoints. They are connected on first use, because credentials may be missing when the process starts.
    pub(super) async fn connected(&self) -> Result<Endpoints, Refusal> {
        let mut endpoints = self.endpoints.lock().await;
        if let Some(endpoints) = &*endpoints {
            return Ok(endpoints.clone());
        }
        let Self { settings, client, .. } = self;
        let events = settings.events_url.as_ref().map(|url| endpoints::events(client, settings, url)).transpose();
        let events = events.map_err(failed)?.map(Arc::new);
        let connected = Endpoints {
            source: Arc::new(endpoints::source_of_runs(settings, &self.bucket).await.map_err(failed)?),
            sinks: sinks::create_all(settings, client).await.map_err(failed)?,
            queues: self.queues.clone(),
            feed: events.clone().map(|events| events as _),
            reports: events.map(|events| events as _),
        };
        Ok(endpoints.insert(connected).clone())
    }

    fn options(&self, request: &RunRequest) -> Options {
        let settings = &self.settings;
        let rows = if request.trigger == RunTrigger::Event { SnapshotRows::Changed } else { SnapshotRows::Full };
        Options {
            bucket: self.bucket.clone(),
            prefix: settings.source.prefix.clone(),
            page_keys: u16::try_from(settings.list_page_keys.get()).unwrap_or(u16::MAX),
            concurrency: settings.concurrency.get(),
            retry: endpoints::retry(settings),
            verify: settings.verify_integrity,
            max_delete: settings.max_delete,
            allow_deletes: request.allow_deletes,
            snapshot_directory: settings.data_directory().to_owned(),
            kept_snapshots: settings.csv_retention,
            snapshot_rows: settings.csv_snapshots.unwrap_or(rows),
            inbox_max: u64::try_from(settings.inbox_max.get()).unwrap_or(u64::MAX),
            // Two outer layers need a reserve: the daemon or the command, and the program, which flushes its telemetry.
            grace: minus_shutdown_reserve(minus_shutdown_reserve(settings.shutdown_timeout)),
        }
    }
}
