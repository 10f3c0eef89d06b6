//! The two servers, the service between them, and the demo's clock. Runs a flow and shows its report and the requests that the
//! servers received.

use mock_api::{CallName, Contents, MockApi};
use mock_s3::MockS3;
use s3_sync::apply::sink::FileManagerSink;
use s3_sync::apply::{RunCounters, StopSignal};
use s3_sync::clock::Clock;
use s3_sync::file_manager::{Deadlines, HttpClient, HttpEvents, HttpFileManager};
use s3_sync::plan::MaxDelete;
use s3_sync::plan::Policy;
use s3_sync::record::SinkName;
use s3_sync::report::Report;
use s3_sync::retry::RetryPolicy;
use s3_sync::s3::{AwsBucket, AwsOptions};
use s3_sync::sdk::AccessKeys;
use s3_sync::snapshot::SnapshotRows;
use s3_sync::source::BucketSource;
use s3_sync::state::{Identity, InstanceLock, NamedSink, OperatorAnswer, RunKind, RunOutcome, State};
use s3_sync::workflow::{Endpoints, Flow, Options};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(crate) const BUCKET: &str = "customer-bucket";
const TEST_DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/test-data");

/// The demo's clock: it stands still until the next scene.
#[derive(Debug)]
pub(crate) struct DemoClock(Mutex<jiff::Timestamp>);

impl DemoClock {
    /// `09:00`
    fn set(&self, time: &str) -> anyhow::Result<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = format!("2026-11-21T{time}:00Z").parse()?;
        Ok(())
    }
}

impl Clock for DemoClock {
    fn now(&self) -> jiff::Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The requests to the two servers while a flow ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) lists: u64,
    pub(crate) heads: u64,
    pub(crate) gets: u64,
    /// Calls about files, and those with an effect.
    pub(crate) calls: usize,
    pub(crate) effects: usize,
}

/// The demo's servers, clock and database.
pub(crate) struct Stage {
    pub(crate) s3: mock_s3::Running,
    pub(crate) files: mock_api::Running,
    pub(crate) clock: Arc<DemoClock>,
    endpoints: Endpoints,
    database: PathBuf,
}

impl Stage {
    pub(crate) async fn set(data: &Path) -> anyhow::Result<Self> {
        let bucket = MockS3::new(mock_s3::Options::default());
        bucket.create_bucket(BUCKET);
        bucket.put_directory(BUCKET, Path::new(TEST_DATA))?;
        bucket.put(BUCKET, "reports/", "", None);
        let s3 = bucket.start("127.0.0.1:0").await?;
        let files = MockApi::new(mock_api::Options { contents: Contents::Hashed, ..mock_api::Options::default() });
        let files = files.start("127.0.0.1:0").await?;
        let known = s3.server().options();
        let options = AwsOptions {
            endpoint: Some(s3.endpoint().parse()?),
            credentials: AccessKeys::new(known.access_key.clone(), known.secret_key.clone()).into(),
            ..AwsOptions::for_bucket(BUCKET)
        };
        let (client, url) = (HttpClient::new(1)?, files.url().parse()?);
        let events = Arc::new(HttpEvents::new(&client, &url, None, Deadlines::default())?);
        let file_manager = HttpFileManager::new(&client, &url, None, Deadlines::default())?;
        let endpoints = Endpoints {
            source: Arc::new(BucketSource::new(Arc::new(AwsBucket::connect(options).await?), BUCKET, "")),
            sinks: vec![(SinkName::file_manager(), Arc::new(FileManagerSink::new(Arc::new(file_manager))))],
            queues: Vec::new(),
            feed: Some(events.clone()),
            reports: Some(events),
        };
        let clock = Arc::new(DemoClock(Mutex::default()));
        Ok(Self { s3, files, clock, endpoints, database: data.join("sync.db") })
    }

    pub(crate) fn bucket(&self) -> &MockS3 {
        self.s3.server()
    }

    pub(crate) fn file_manager(&self) -> &MockApi {
        self.files.api()
    }

    /// Begins a scene at a time of the demo's day.
    pub(crate) fn scene(&self, time: &str, title: &str) -> anyhow::Result<()> {
        println!("\n== {time}  {title}");
        self.clock.set(time)
    }

    /// Runs a flow, as the daemon would by its schedule. `expected` is its outcome.
    pub(crate) async fn run(&self, kind: RunKind, expected: RunOutcome) -> anyhow::Result<(Report, Asked)> {
        let before = self.bucket().counters();
        self.file_manager().reset_calls();
        let mut lock = InstanceLock::take(&self.database, "demo")?;
        let state = State::open(&self.database).await?;
        let identity =
            Identity { source: format!("{}/{BUCKET}/", self.s3.endpoint()), sinks: vec![NamedSink::file_manager(&self.files.url())] };
        state.identify(identity, OperatorAnswer::default(), self.clock.now()).await?;
        let sinks = vec![state.sink(SinkName::file_manager(), Policy::default()).await?];
        let clock = self.clock.clone();
        let (options, counters, stop_signal) =
            (options(self.database.parent().unwrap_or(Path::new("."))), Arc::new(RunCounters::default()), StopSignal::default());
        let ended =
            Flow { endpoints: self.endpoints.clone(), state, sinks, options, clock, counters, stop_signal }.run(kind, &mut lock).await?;
        let asked = self.asked_since(&before);
        show(&ended.report, asked);
        anyhow::ensure!(ended.outcome == expected, "expected {expected:?}, and it ended {:?}", ended.outcome);
        Ok((ended.report, asked))
    }

    fn asked_since(&self, before: &mock_s3::Counters) -> Asked {
        let now = self.bucket().counters();
        let of = |counters: &mock_s3::Counters, operation| counters.operations.get(operation).copied().unwrap_or(0);
        let since = |operation| of(&now, operation) - of(before, operation);
        let mut calls = self.file_manager().calls();
        calls.retain(|call| matches!(call.call, CallName::SaveToDisk | CallName::UpdatePermissions));
        Asked {
            lists: since("ListObjectsV2"),
            heads: since("HeadObject"),
            gets: since("GetObject"),
            calls: calls.len(),
            effects: calls.iter().filter(|call| call.effect).count(),
        }
    }
}

/// The report as every command prints it, without the duration (the demo's clock stands still), the total of files, and a line that
/// nothing was applied (the request counts show it).
fn show(report: &Report, asked: Asked) {
    let needless =
        |line: &str| line.starts_with("  total") || (line.starts_with("  applied") && report.statistics.operations_processed == 0);
    for line in report.to_string().lines().filter(|line| !needless(line)) {
        println!("{}", line.split_once(" after 0.0 s").map_or(line, |(line, _)| line));
    }
    let Asked { lists, heads, gets, calls, effects } = asked;
    println!(
        "  requests  S3: {lists} LIST, {heads} HEAD, {gets} GET; the file manager: {calls} calls about files, {effects} had an effect"
    );
}

/// The program's defaults, with one operation at a time for a deterministic output, and retries without real waits.
fn options(snapshot_directory: &Path) -> Options {
    Options {
        bucket: BUCKET.to_owned(),
        prefix: String::new(),
        page_keys: 1000,
        concurrency: 1,
        retry: RetryPolicy { attempts: 3, base: Duration::from_millis(1), ..RetryPolicy::default() },
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
