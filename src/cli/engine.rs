//! Everything that a run needs, made from the settings: lock, state, doors, options. A command runs it alone, the daemon when it
//! says so. What a run does is the workflow's concern.

use super::run::of_state;
use super::{ExitCode, doors, progress};
use crate::apply::{ApplyError, Halt, Tally};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Settings, SnapshotRows};
use crate::daemon::{Chore, EVENTS_API, Order, Progress, Ran, Tried, Trigger, Worker, without_last_words};
use crate::events::dead_letters::{self, Retried, Which};
use crate::events::decode::Scope;
use crate::events::queue::Source;
use crate::file_manager::{FileManagerError, HttpClient};
use crate::plan::Limits;
use crate::s3::{ListRequest, S3Error};
use crate::snapshot::SnapshotStore;
use crate::state::{Answer, Identity, InstanceLock, RunOutcome, State, StateError};
use crate::workflow::{self, Doors, Ended, Flow, Options};
use async_trait::async_trait;
use jiff::SignedDuration;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long a door may take to show that it opens.
const PATIENCE: Duration = Duration::from_secs(5);

/// After so long without any run nobody can know what was missed, where no queue says how long it keeps a message.
const LONG_ABSENCE: SignedDuration = SignedDuration::from_hours(4 * 24);

/// Why a command ends before there is a result.
pub(super) type Refusal = (ExitCode, String);

/// A state that is ours alone, and the way to the doors.
pub(super) struct Engine {
    settings: Settings,
    identity: Identity,
    bucket: String,
    client: HttpClient,
    state: State,
    /// Held by whoever runs: so nothing else does.
    lock: Mutex<InstanceLock>,
    /// What a run empties before its cycle; a daemon listens to it all the time instead.
    queues: Vec<Arc<dyn Source>>,
    /// Once they could be connected.
    doors: Mutex<Option<Doors>>,
}

impl Engine {
    /// Opens the state, which must describe what the settings name, or what the answer makes of it. Touches no door.
    pub(super) async fn open(settings: &Settings, lock: InstanceLock, answer: Answer) -> Result<Self, Refusal> {
        let usage = |error: crate::config::ConfigError| (ExitCode::Usage, error.to_string());
        let bucket = settings.require_bucket().map_err(usage)?.to_owned();
        let identity = doors::identity(settings, &bucket, settings.require_file_manager().map_err(usage)?);
        let state_code = |error: StateError| of_state(error, &settings.database_path);
        let limits = Limits { max_file_bytes: settings.max_file_bytes };
        let state = State::open(&settings.database_path, limits).await.map_err(state_code)?;
        let restored = answer.restored || state.last_run_number().await.map_err(state_code)? < lock.last_run();
        if restored {
            tracing::warn!("the state is older than its lock file, or said to be restored: every file is confirmed anew");
        }
        state.identify(identity.clone(), Answer { restored, ..answer }, SystemClock.now()).await.map_err(state_code)?;
        let client = doors::http_client(settings).map_err(failed)?;
        let (settings, lock, doors) = (settings.clone(), Mutex::new(lock), Mutex::new(None));
        Ok(Self { settings, identity, bucket, client, state, lock, queues: Vec::new(), doors })
    }

    /// Nobody else listens to the queues that the settings name: each run empties them.
    pub(super) async fn empty_the_queues(&mut self) -> Result<(), Refusal> {
        self.queues = self.queues().await?;
        Ok(())
    }

    /// The queues that the settings name: from now on they are listened to, and no others.
    pub(super) async fn queues(&self) -> Result<Vec<Arc<dyn Source>>, Refusal> {
        let queues = Box::pin(doors::queue_sources(&self.settings)).await;
        if !queues.is_empty() {
            let addresses = queues.iter().map(|queue| queue.address().to_owned()).collect();
            for queue in self.state.listen_to(addresses, SystemClock.now()).await.map_err(|error| self.state_code(error))? {
                tracing::warn!(queue, "messages may be lost: nobody listens to this queue any more");
            }
        }
        Ok(queues)
    }

    /// What the state describes.
    pub(super) fn identity(&self) -> Identity {
        self.identity.clone()
    }

    /// The bucket that is read.
    #[cfg(feature = "sqs")]
    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The state: what sources hear goes into its inbox.
    #[cfg(feature = "sqs")]
    pub(super) fn state(&self) -> State {
        self.state.clone()
    }

    /// Runs an order, and shows how far it is.
    pub(super) async fn run_order(&self, order: Order, tally: Arc<Tally>, halt: Halt) -> Result<Ended, Refusal> {
        let mut lock = self.lock.lock().await;
        if order.answer != Answer::default() {
            self.state.identify(self.identity(), order.answer, SystemClock.now()).await.map_err(|error| self.state_code(error))?;
        }
        let flow = Flow {
            doors: self.connected().await?,
            state: self.state.clone(),
            options: self.options(order),
            clock: Arc::new(SystemClock),
            tally: tally.clone(),
            halt,
        };
        let progress = progress::show(move || Progress::of(&tally.totals()), self.settings.log.no_color);
        let ended = flow.run(order.kind, &mut lock).await;
        progress.end();
        ended.map_err(|error| match error {
            ApplyError::State(error) => self.state_code(error),
            other => failed(other),
        })
    }

    fn state_code(&self, error: StateError) -> Refusal {
        of_state(error, &self.settings.database_path)
    }

    /// The doors; they are connected when they are first asked for, because credentials may not be there from the start.
    async fn connected(&self) -> Result<Doors, Refusal> {
        let mut doors = self.doors.lock().await;
        if let Some(doors) = &*doors {
            return Ok(doors.clone());
        }
        let Self { settings, client, .. } = self;
        let usage = |error: crate::config::ConfigError| (ExitCode::Usage, error.to_string());
        let file_manager = doors::file_manager(client, settings, settings.require_file_manager().map_err(usage)?).map_err(failed)?;
        let events = settings.events_url.as_ref().map(|url| doors::events(client, settings, url)).transpose();
        let events = events.map_err(failed)?.map(Arc::new);
        let connected = Doors {
            bucket: Arc::new(doors::bucket(settings, &self.bucket).await.map_err(failed)?),
            file_manager: Arc::new(file_manager),
            queues: self.queues.clone(),
            feed: events.clone().map(|events| events as _),
            reports: events.map(|events| events as _),
        };
        Ok(doors.insert(connected).clone())
    }

    fn options(&self, order: Order) -> Options {
        let settings = &self.settings;
        let rows = if order.trigger == Trigger::Woken { SnapshotRows::Changed } else { SnapshotRows::Full };
        Options {
            bucket: self.bucket.clone(),
            prefix: settings.source.prefix.clone(),
            page_keys: u16::try_from(settings.list_page_keys.get()).unwrap_or(u16::MAX),
            concurrency: settings.concurrency.get(),
            limits: Limits { max_file_bytes: settings.max_file_bytes },
            retry: doors::retry(settings),
            verify: settings.verify_integrity,
            max_delete: settings.max_delete,
            allow_deletes: order.allow_deletes,
            kept_snapshots: settings.csv_retention,
            snapshot_rows: settings.csv_snapshots.unwrap_or(rows),
            inbox_max: u64::try_from(settings.inbox_max.get()).unwrap_or(u64::MAX),
            // Around it are the daemon's loop, or the command, and the program, which has telemetry to send.
            grace: without_last_words(without_last_words(settings.shutdown_timeout)),
        }
    }

    async fn bucket_opens(&self, doors: &Doors) -> Option<String> {
        let request = ListRequest { prefix: self.settings.source.prefix.clone(), start_after: None, max_keys: 1 };
        let looked = timeout(PATIENCE, async {
            // The listing first: an answer to HEAD has no body, so it could not say what is wrong.
            doors.bucket.list_page(request).await?;
            doors.bucket.head_bucket().await?;
            Ok::<_, S3Error>(())
        });
        match looked.await {
            Ok(looked) => looked.err().map(|error| format!("S3: {error} ({})", error.kind.hint())),
            Err(_) => Some(format!("S3: no answer within {} s (check CUSTOMER_S3_ENDPOINT and the network to it)", PATIENCE.as_secs())),
        }
    }
}

#[async_trait]
impl Worker for Engine {
    async fn try_doors(&self) -> Vec<Tried> {
        let doors = match self.connected().await {
            Ok(doors) => doors,
            Err((_, message)) => return vec![Tried { name: "S3".to_owned(), shut: Some(message), awaited: true }],
        };
        let events = async {
            let reports = doors.reports.as_ref()?;
            Some(answered(EVENTS_API, "EVENTS_API_URL", reports.health()).await)
        };
        let (bucket, file_manager, events) =
            tokio::join!(self.bucket_opens(&doors), answered("file manager", "FILE_MANAGER_API_URL", doors.file_manager.health()), events);
        let bucket = Tried { name: "S3".to_owned(), shut: bucket, awaited: true };
        let file_manager = Tried { name: "file manager".to_owned(), shut: file_manager, awaited: true };
        let events = events.map(|shut| Tried { name: EVENTS_API.to_owned(), shut, awaited: false });
        [bucket, file_manager].into_iter().chain(events).collect()
    }

    async fn initial_completed(&self) -> Result<bool, String> {
        Ok(self.state.initial_completed_by().await.map_err(|error| self.state_code(error).1)?.is_some())
    }

    async fn listing_is_due(&self) -> Result<bool, String> {
        let state_code = |error| self.state_code(error).1;
        let now = SystemClock.now();
        let last = self.state.overview().await.map_err(state_code)?.runs.into_iter().find_map(|run| run.ended_at);
        // Of a queue that was heard before, whoever listens to it knows better.
        let mut queues_know = !self.settings.queue_urls.is_empty();
        for url in &self.settings.queue_urls {
            queues_know &= self.state.queue_heard(url.as_str()).await.map_err(state_code)?.is_some();
        }
        if !queues_know && last.is_some_and(|last| now.duration_since(last) > LONG_ABSENCE) {
            // Remembered, until a listing that begins from now on has come to its end.
            self.state.note_feed_gap(now).await.map_err(state_code)?;
        }
        let unfinished = self.state.reconcile_is_unfinished().await.map_err(state_code)?;
        Ok(unfinished || self.state.feed_gap().await.map_err(state_code)?.is_some())
    }

    async fn run(&self, order: Order, tally: Arc<Tally>, halt: Halt) -> Ran {
        match self.run_order(order, tally, halt).await {
            Ok(ended) => {
                // A command that waits for a run which somebody else's signal stopped did not get what it asked for.
                let exit_code = earned(&ended, Some(ExitCode::Failed)).number();
                Ran::Ended { exit_code, outcome: ended.outcome, report: Box::new(ended.report) }
            }
            Err((code, message)) => Ran::Refused { exit_code: code.number(), message },
        }
    }

    async fn retry_letters(&self, which: Which) -> Result<Retried, String> {
        let scope = Scope::new(&self.bucket, &self.settings.source.prefix);
        dead_letters::retry(&self.state, &scope, which, SystemClock.now()).await.map_err(|error| error.to_string())
    }

    async fn forget_letters(&self, which: Which) -> Result<u64, String> {
        dead_letters::forget(&self.state, which).await.map_err(|error| error.to_string())
    }

    async fn tell_backlog(&self) {
        workflow::tell_backlog(&self.state, SystemClock.now()).await;
    }

    async fn keep_house(&self, chore: Chore) -> Result<String, String> {
        let nobody_runs = self.lock.lock().await;
        let (state, now) = (&self.state, SystemClock.now());
        let kept = match chore {
            Chore::Snapshots => {
                let store = SnapshotStore::new(self.settings.data_directory(), self.settings.csv_retention);
                let pruned = tokio::task::spawn_blocking(move || store.prune()).await.map_err(|error| error.to_string())?;
                return pruned.map(|snapshots| format!("{snapshots} snapshots thrown away")).map_err(|error| error.to_string());
            }
            Chore::Inbox => state.prune_feed(now).await.map(|events| format!("{events} events forgotten that the feed serves no more")),
            Chore::Tombstones => {
                // With nobody running, no look is in flight. There may be millions: no run waits until all of them are gone.
                let below = state.tombstones_may_go(state.next_look(), now).await.map_err(|error| self.state_code(error).1)?;
                drop(nobody_runs);
                let pruned = if let Some(below) = below { state.prune_tombstones(below).await } else { Ok(0) };
                pruned.map(|tombstones| format!("{tombstones} tombstones thrown away"))
            }
            Chore::History => match state.prune_runs().await {
                Ok(runs) => state.prune_history(now).await.map(|rows| format!("{runs} old runs and {rows} rows of history thrown away")),
                Err(error) => Err(error),
            },
        };
        kept.map_err(|error| self.state_code(error).1)
    }
}

/// Why a door does not open; `None` = it does.
async fn answered(door: &str, setting: &str, health: impl Future<Output = Result<(), FileManagerError>>) -> Option<String> {
    match timeout(PATIENCE, health).await {
        Ok(health) => health.err().map(|error| format!("{door}: {error} ({})", error.kind.hint())),
        Err(_) => Some(format!("{door}: no answer within {} s (check {setting})", PATIENCE.as_secs())),
    }
}

/// What a run's end means for the exit code; `stopped` is what being stopped means.
pub(super) fn earned(ended: &Ended, stopped: Option<ExitCode>) -> ExitCode {
    let outcome = match ended.outcome {
        RunOutcome::Stopped => stopped,
        RunOutcome::Failed => Some(ExitCode::Failed),
        RunOutcome::Partial => Some(ExitCode::SomeFailed),
        RunOutcome::Done => None,
    };
    ExitCode::of_several(outcome.into_iter().chain(ended.deletes_held.then_some(ExitCode::DeletesHeld)))
}

fn failed(error: impl Display) -> Refusal {
    (ExitCode::Failed, error.to_string())
}
