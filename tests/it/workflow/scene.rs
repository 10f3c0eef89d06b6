//! A workflow in this process, between doubles, with its state in its own directory. Helpers only: the tests assert.

use super::endpoints::SceneEndpoints;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use mock_api::{Call, CallName, Contents, Fault, FaultAction, MockApi};
use s3_sync::apply::{ApplyError, RunCounters, StopSignal};
use s3_sync::clock::Clock;
use s3_sync::file_manager::{Deadlines, HttpClient, HttpEvents, HttpFileManager};
use s3_sync::plan::MaxDelete;
use s3_sync::plan::Policy;
use s3_sync::record::ObjectKey;
use s3_sync::retry::RetryPolicy;
use s3_sync::s3::{AwsBucket, AwsOptions, MemoryBucket, ReadBucket};
use s3_sync::sdk::AccessKeys;
use s3_sync::snapshot::SnapshotRows;
use s3_sync::state::{Identity, InstanceLock, NamedSink, OperatorAnswer, Overview, RunKind, RunOutcome, State, StateError, Views};
use s3_sync::workflow::{FinishedRun, Flow, Options};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// The bucket of every scene.
pub(crate) const BUCKET: &str = "customer-bucket";

/// The program's settings, which outlive a run.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) endpoints: SceneEndpoints,
    pub(crate) options: Options,
    pub(crate) policy: Policy,
    pub(crate) identity: Identity,
    /// The operator's flags for the next runs.
    pub(crate) answer: OperatorAnswer,
    pub(crate) database: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A file manager's double, a program configured for it, and a directory for its state.
pub(crate) struct Scene {
    pub(crate) api: mock_api::Running,
    pub(crate) program: Program,
    /// Removed with its content at the end of the test.
    _directory: TempDir,
}

/// A clock that stands still.
#[derive(Debug)]
struct StoppedClock(Timestamp);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(crate) fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

/// Retries without waits.
pub(crate) fn impatient() -> RetryPolicy {
    RetryPolicy { attempts: 3, base: Duration::from_millis(1), max_wait: Duration::from_millis(5), budget: Duration::from_mins(2) }
}

fn options(snapshot_directory: &Path) -> Options {
    Options {
        bucket: BUCKET.to_owned(),
        prefix: String::new(),
        page_keys: 1000,
        concurrency: 4,
        retry: impatient(),
        verify: true,
        max_delete: MaxDelete::Percent(50),
        allow_deletes: None,
        snapshot_directory: snapshot_directory.to_owned(),
        kept_snapshots: NonZeroUsize::MIN,
        snapshot_rows: SnapshotRows::Full,
        inbox_max: 100_000,
        grace: Duration::from_secs(20),
    }
}

/// A bucket in memory, and a scene around it.
pub(crate) async fn in_memory() -> (Arc<MemoryBucket>, Scene) {
    let bucket = Arc::new(MemoryBucket::new(BUCKET));
    (bucket.clone(), Scene::with(bucket, Deadlines::default()).await)
}

/// The same with a file manager that answers 200 where ours refuses.
pub(crate) async fn before_a_lenient_one() -> (Arc<MemoryBucket>, Scene) {
    let bucket = Arc::new(MemoryBucket::new(BUCKET));
    let lenient = mock_api::Options { lenient: true, ..mock_api::Options::default() };
    (bucket.clone(), Scene::before(lenient, bucket, Deadlines::default()).await)
}

/// A bucket behind a real server, and a scene around it.
pub(crate) async fn over_http() -> (mock_s3::Running, Scene) {
    over_http_with(mock_s3::Options::default(), Duration::from_secs(30)).await
}

/// The same; clients wait at most `patience` for an answer.
pub(crate) async fn over_http_with(server: mock_s3::Options, patience: Duration) -> (mock_s3::Running, Scene) {
    let running = mock_s3::MockS3::new(server).start("127.0.0.1:0").await.expect("a free port");
    running.server().create_bucket(BUCKET);
    let bucket = aws_bucket(&running, patience).await;
    let deadlines = Deadlines { small_call: patience, body_base: patience, idle: patience, ..Deadlines::default() };
    (running, Scene::with(Arc::new(bucket), deadlines).await)
}

async fn aws_bucket(server: &mock_s3::Running, patience: Duration) -> AwsBucket {
    let known = server.server().options();
    let options = AwsOptions {
        endpoint: Some(server.endpoint().parse().expect("an address")),
        credentials: AccessKeys::new(known.access_key.clone(), known.secret_key.clone()).into(),
        read_timeout: patience,
        call_timeout: patience,
        ..AwsOptions::for_bucket(BUCKET)
    };
    AwsBucket::connect(options).await.expect("keys are given")
}

impl Scene {
    pub(crate) async fn with(bucket: Arc<dyn ReadBucket>, deadlines: Deadlines) -> Self {
        Self::before(mock_api::Options::default(), bucket, deadlines).await
    }

    /// A scene with a file manager of this kind.
    pub(crate) async fn before(api: mock_api::Options, bucket: Arc<dyn ReadBucket>, deadlines: Deadlines) -> Self {
        let options_of_api = mock_api::Options { contents: Contents::Memory, ..api };
        let api = MockApi::new(options_of_api).start("127.0.0.1:0").await.expect("a free port");
        let (client, url) = (HttpClient::new(4).expect("a client"), api.url().parse().expect("an address"));
        let file_manager = HttpFileManager::new(&client, &url, None, deadlines).expect("an address");
        let events = Arc::new(HttpEvents::new(&client, &url, None, deadlines).expect("an address"));
        let directory = tempfile::tempdir().expect("a directory");
        let program = Program {
            endpoints: SceneEndpoints {
                bucket,
                file_manager: Arc::new(file_manager),
                queues: Vec::new(),
                feed: Some(events.clone()),
                reports: Some(events),
                source: None,
                sink: None,
                more_sinks: Vec::new(),
            },
            options: options(directory.path()),
            policy: Policy::default(),
            identity: Identity { source: format!("the-endpoint/{BUCKET}/"), sinks: vec![NamedSink::file_manager(&api.url())] },
            answer: OperatorAnswer::default(),
            database: directory.path().join("sync.db"),
            clock: Arc::new(StoppedClock(Timestamp::from_second(1_800_000_000).expect("a moment"))),
        };
        Self { api, program, _directory: directory }
    }

    /// One run, which the state must not refuse. A run that does not end fails its test.
    pub(crate) async fn run(&self) -> FinishedRun {
        let ended = tokio::time::timeout(Duration::from_mins(2), self.program.run()).await;
        ended.expect("a run comes to its end").expect("the state can be used")
    }

    /// One cycle.
    pub(crate) async fn cycle(&self) -> FinishedRun {
        let cycle = self.program.run_flow(RunKind::Incremental, StopSignal::default());
        tokio::time::timeout(Duration::from_mins(2), cycle).await.expect("a cycle comes to its end").expect("the state can be used")
    }

    /// One reconcile.
    pub(crate) async fn reconcile(&self) -> FinishedRun {
        let reconcile = self.program.run_flow(RunKind::Reconcile, StopSignal::default());
        tokio::time::timeout(Duration::from_mins(2), reconcile).await.expect("it comes to its end").expect("the state can be used")
    }

    /// Advances the clock by this many minutes.
    pub(crate) fn later(&mut self, minutes: i64) {
        self.program.clock = Arc::new(StoppedClock(self.program.clock.now() + SignedDuration::from_mins(minutes)));
    }

    /// One cycle that must leave no work.
    pub(crate) async fn cycle_to_success(&self) -> FinishedRun {
        let ended = self.cycle().await;
        assert_eq!((ended.outcome, ended.report.success), (RunOutcome::Done, true), "{}", ended.report);
        ended
    }

    /// One run that must leave no work.
    pub(crate) async fn run_to_success(&self) -> FinishedRun {
        let ended = self.run().await;
        assert_eq!((ended.outcome, ended.report.success), (RunOutcome::Done, true), "{}", ended.report);
        ended
    }

    /// Starts a run in a separate task, which the test will kill.
    pub(crate) fn start(&self) -> JoinHandle<Result<FinishedRun, ApplyError>> {
        let program = self.program.clone();
        tokio::spawn(async move { program.run().await })
    }

    /// Starts a run, and kills it when a call about `path` hangs.
    pub(crate) async fn run_killed_at_hanging(&self, path: &str) {
        let run = self.start();
        self.api.api().wait_for_calls(|calls| calls.iter().any(|call| hangs(call, path))).await;
        kill(run).await;
        self.api.api().clear_faults();
        self.api.api().reset_calls();
    }

    pub(crate) async fn overview(&self) -> Overview {
        Views::open(&self.program.database).overview().await.expect("a database")
    }

    /// The contents that the file manager holds.
    pub(crate) fn contents(&self) -> BTreeMap<String, Bytes> {
        self.api.api().files().into_iter().map(|(path, file)| (path, file.content.expect("kept in memory"))).collect()
    }

    /// The file manager's own identifier of a file.
    pub(crate) fn internal_id(&self, path: &str) -> String {
        self.api.api().files()[path].internal_id.to_string()
    }

    /// How often an operation had its effect on a path.
    pub(crate) fn effects(&self, path: &str, operation: &str) -> u64 {
        self.api.api().effects().of(path, operation)
    }

    /// The `saveToDisk` calls since the log was reset: operation and path.
    pub(crate) fn saves(&self) -> Vec<(String, String)> {
        let calls = self.api.api().calls().into_iter().filter(|call| call.call == CallName::SaveToDisk);
        calls.map(|call| (call.operation.unwrap_or_default(), call.path.unwrap_or_default())).collect()
    }

    pub(crate) fn order(&self, action: FaultAction, operation: &str, path: &str) {
        self.api.api().order(Fault::new(action).operation(operation).path(path));
    }
}

impl Program {
    /// Changes the file manager's configured address.
    pub(crate) fn name_file_manager(&mut self, address: &str) {
        self.identity.sinks = vec![NamedSink::file_manager(address)];
    }

    /// The address of the file manager.
    pub(crate) fn file_manager_address(&self) -> String {
        self.identity.sinks[0].address.clone()
    }

    /// Does what the command does: lock, state, identity, workflow.
    pub(crate) async fn run(&self) -> Result<FinishedRun, ApplyError> {
        self.run_until(StopSignal::default()).await
    }

    pub(crate) async fn run_until(&self, stop_signal: StopSignal) -> Result<FinishedRun, ApplyError> {
        self.run_flow(RunKind::Initial, stop_signal).await
    }

    pub(crate) async fn run_flow(&self, kind: RunKind, stop_signal: StopSignal) -> Result<FinishedRun, ApplyError> {
        let mut lock = InstanceLock::take(&self.database, &format!("{}-sync", kind.as_str()))?;
        let state = self.open(&lock).await?;
        let (endpoints, options, clock) = (self.endpoints.of_flow(&self.options), self.options.clone(), self.clock.clone());
        let mut sinks = Vec::new();
        for (name, sink) in &endpoints.sinks {
            sinks.push(state.sink(name.clone(), sink.capabilities().policy(self.policy.max_file_bytes)).await?);
        }
        Flow { endpoints, state, sinks, options, clock, counters: Arc::new(RunCounters::default()), stop_signal }.run(kind, &mut lock).await
    }

    async fn open(&self, lock: &InstanceLock) -> Result<State, StateError> {
        let state = State::open(&self.database).await?.with_clock(self.clock.clone());
        let restored = self.answer.restored || state.runs().last_number().await? < lock.last_run();
        state.identify(self.identity.clone(), OperatorAnswer { restored, ..self.answer.clone() }, self.clock.now()).await?;
        Ok(state)
    }
}

fn hangs(call: &Call, path: &str) -> bool {
    call.state == mock_api::CallState::Hanging && call.path.as_deref() == Some(path)
}

/// Ends a run as a SIGKILL would: it does nothing more.
pub(crate) async fn kill(run: JoinHandle<Result<FinishedRun, ApplyError>>) {
    run.abort();
    assert!(run.await.is_err_and(|error| error.is_cancelled()), "the run was to be killed and had ended by itself");
}

/// Contents, from a test's notation.
pub(crate) fn files(expected: &[(&str, &str)]) -> BTreeMap<String, Bytes> {
    expected.iter().map(|(path, content)| ((*path).to_owned(), Bytes::copy_from_slice(content.as_bytes()))).collect()
}
