//! The process in the simulation: the daemon's own flow over its own state, from start to kill.

use super::bucket::Bucket;
use super::file_manager::Api;
use super::sources;
use super::world::World;
use s3_sync::apply::sink::{FileManagerSink, Sink};
use s3_sync::apply::{ApplyError, RunCounters, StopSignal};
use s3_sync::clock::Clock as _;
use s3_sync::plan::MaxDelete;
use s3_sync::record::SinkName;
use s3_sync::retry::RetryPolicy;
use s3_sync::snapshot::SnapshotRows;
use s3_sync::source::BucketSource;
use s3_sync::state::{Identity, InstanceLock, OperatorAnswer, RunKind, SinkState, State};
use s3_sync::workflow::{Endpoints, FinishedRun, Flow, Options};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// A process, running or not.
pub(crate) struct Process {
    world: Arc<World>,
    database: PathBuf,
    life: Option<Life>,
    /// The operator's flags for the next start: these sinks start over.
    new_sinks: BTreeSet<SinkName>,
}

/// What ends with a process. Fields are dropped in order: running tasks first.
struct Life {
    runtime: Runtime,
    state: State,
    sinks: Vec<SinkState>,
    lock: InstanceLock,
}

impl Process {
    pub(crate) fn new(world: Arc<World>, directory: &Path) -> Self {
        Self { world, database: directory.join("sync.db"), life: None, new_sinks: BTreeSet::new() }
    }

    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// Ends the process at once; committed changes stay.
    pub(crate) fn kill(&mut self) {
        self.life = None;
    }

    /// Stops the process; the next one starts with `--new-sink`.
    pub(crate) fn start_over(&mut self, sink: SinkName) {
        self.kill();
        self.new_sinks.insert(sink);
    }

    /// One run. Starts a process if none runs; `None` = it was killed.
    pub(crate) fn run(&mut self, kind: RunKind, allow_deletes: Option<u64>) -> Option<Result<FinishedRun, ApplyError>> {
        let stop_signal = StopSignal::default();
        self.world.begin_run(stop_signal.clone());
        let mut life = match self.life.take() {
            Some(life) => life,
            None => match self.start()? {
                Ok(life) => life,
                Err(error) => return Some(Err(error)),
            },
        };
        let flow = Flow {
            endpoints: self.endpoints(),
            state: life.state.clone(),
            sinks: life.sinks.clone(),
            options: self.options(allow_deletes),
            clock: self.world.clone(),
            counters: Arc::new(RunCounters::default()),
            stop_signal,
        };
        let Life { runtime, lock, .. } = &mut life;
        let work = async {
            let began = Instant::now();
            self.world.lock().run_began = Some(began);
            let ended = flow.run(kind, lock).await;
            self.world.lock().run_took = began.elapsed();
            ended
        };
        let ended = until_death(runtime, &self.world, work)?;
        self.world.end_run();
        self.life = Some(life);
        Some(ended)
    }

    /// Receives the waiting notifications; `None` = the process was killed.
    pub(crate) fn receive(&mut self) -> Option<Result<(), ApplyError>> {
        self.world.begin_run(StopSignal::default());
        let life = match self.life.take() {
            Some(life) => life,
            None => match self.start()? {
                Ok(life) => life,
                Err(error) => return Some(Err(error)),
            },
        };
        until_death(&life.runtime, &self.world, sources::receive(&self.world, &life.state))?;
        self.world.end_run();
        self.life = Some(life);
        Some(Ok(()))
    }

    /// Creates the database and ends.
    pub(crate) fn make(&mut self) {
        self.start().expect("nothing kills it").expect("a database");
    }

    /// Starts as the commands do: lock, state, identity.
    fn start(&mut self) -> Option<Result<Life, ApplyError>> {
        self.world.come_to_life();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let opened = until_death(&runtime, &self.world, async {
            let lock = InstanceLock::take(&self.database, "model")?;
            let state = State::open_in_place(&self.database, self.world.clone()).await?.with_clock(self.world.clone());
            let restored = state.runs().last_number().await? < lock.last_run();
            if restored {
                self.world.lock().counts.add("restored states");
            }
            let sinks: Vec<_> = self.world.lock().sinks.iter().map(|sink| (sink.configured(), sink.policy)).collect();
            let identity = Identity { source: "model".to_owned(), sinks: sinks.iter().map(|(named, _)| named.clone()).collect() };
            let answer = OperatorAnswer { restored, new_sinks: self.new_sinks.clone(), ..OperatorAnswer::default() };
            state.identify(identity, answer, self.world.now()).await?;
            let mut opened = Vec::new();
            for (named, policy) in sinks {
                opened.push(state.sink(named.name, policy).await?);
            }
            Ok((state, opened, lock))
        })?;
        if opened.is_ok() {
            self.new_sinks.clear();
        }
        Some(opened.map(|(state, sinks, lock)| Life { runtime, state, sinks, lock }))
    }

    fn endpoints(&self) -> Endpoints {
        let events = Arc::new(Api::of_events(&self.world));
        let names: Vec<_> = self.world.lock().sinks.iter().map(|sink| sink.name.clone()).collect();
        let sink = |number| Arc::new(FileManagerSink::new(Arc::new(Api::of_sink(&self.world, number)))) as Arc<dyn Sink>;
        let sinks = names.into_iter().enumerate().map(|(number, name)| (name, sink(number)));
        Endpoints {
            source: Arc::new(BucketSource::new(Arc::new(Bucket(self.world.clone())), "model", self.world.setup.prefix)),
            sinks: sinks.collect(),
            queues: Vec::new(),
            feed: Some(events.clone()),
            reports: Some(events),
        }
    }

    fn options(&self, allow_deletes: Option<u64>) -> Options {
        let setup = self.world.setup;
        Options {
            bucket: "model".to_owned(),
            prefix: setup.prefix.to_owned(),
            page_keys: setup.page_keys,
            concurrency: setup.concurrency,
            // No waits: the product's jitter would be chance that the seed does not determine.
            retry: RetryPolicy { attempts: setup.attempts, base: Duration::ZERO, max_wait: Duration::ZERO, budget: Duration::from_mins(2) },
            verify: true,
            max_delete: MaxDelete::Count(setup.max_delete),
            allow_deletes,
            snapshot_directory: self.database.parent().expect("a directory").to_owned(),
            kept_snapshots: NonZeroUsize::MIN,
            snapshot_rows: if setup.cursor { SnapshotRows::Changed } else { SnapshotRows::Full },
            inbox_max: 1000,
            grace: Duration::from_secs(20),
        }
    }
}

/// The result of the work; `None` if the process is killed first.
fn until_death<T>(runtime: &Runtime, world: &World, work: impl Future<Output = T>) -> Option<T> {
    let outcome = runtime.block_on(async {
        tokio::select! {
            biased;
            () = world.death() => None,
            outcome = work => Some(outcome),
        }
    });
    if outcome.is_none() {
        world.end_run();
    }
    outcome
}
