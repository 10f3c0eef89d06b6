//! Endpoints in this process that respond at once: a feed and a file manager, and the flow between them.

use crate::changes;
use anyhow::{Result, ensure};
use async_trait::async_trait;
use futures::TryStreamExt as _;
use s3_sync::apply::sink::{FileManagerSink, Sink as _};
use s3_sync::apply::{RunCounters, StopSignal};
use s3_sync::clock::SystemClock;
use s3_sync::file_manager::{
    FeedPage, FileManager, FileManagerError, FileManagerErrorKind, IdempotencyKey, MAX_FEED_EVENTS, ReadFeed, SaveRequest, Saved,
};
use s3_sync::plan::MaxDelete;
use s3_sync::record::{Event, ObjectKey, Permissions, SinkName};
use s3_sync::retry::RetryPolicy;
use s3_sync::s3::MemoryBucket;
use s3_sync::snapshot::SnapshotRows;
use s3_sync::source::BucketSource;
use s3_sync::state::{InstanceLock, RunKind, SinkState, State};
use s3_sync::workflow::{Endpoints, FinishedRun, Flow, Options};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The default of `CONCURRENCY`.
const CONCURRENCY: usize = 32;

/// A state with its endpoints.
pub(crate) struct Scene {
    pub(crate) state: State,
    sink: SinkState,
    pub(crate) bucket: Arc<MemoryBucket>,
    pub(crate) feed: Arc<Feed>,
    file_manager: Arc<Holding>,
    lock: InstanceLock,
}

impl Scene {
    pub(crate) async fn open(database: &Path) -> Result<Self> {
        let lock = InstanceLock::take(database, "bench")?;
        let state = State::open(database).await?;
        let file_manager = Arc::<Holding>::default();
        let policy = FileManagerSink::new(file_manager.clone()).capabilities().policy(None);
        let sink = state.sink(SinkName::file_manager(), policy).await?;
        let bucket = Arc::new(MemoryBucket::new("bench"));
        Ok(Self { state, sink, bucket, feed: Arc::default(), file_manager, lock })
    }

    /// A flow that is ready to run.
    pub(crate) fn flow(&self) -> Flow {
        let endpoints = Endpoints {
            source: Arc::new(BucketSource::new(self.bucket.clone(), "bench", "")),
            sinks: vec![(SinkName::file_manager(), Arc::new(FileManagerSink::new(self.file_manager.clone())))],
            queues: Vec::new(),
            feed: Some(self.feed.clone()),
            reports: None,
        };
        let options = Options {
            bucket: "bench".to_owned(),
            prefix: String::new(),
            page_keys: 1000,
            concurrency: CONCURRENCY,
            retry: RetryPolicy::default(),
            verify: true,
            max_delete: MaxDelete::Percent(50),
            allow_deletes: None,
            snapshot_directory: self.state.path().parent().expect("a directory").to_owned(),
            kept_snapshots: NonZeroUsize::new(10).expect("ten"),
            snapshot_rows: SnapshotRows::Changed,
            inbox_max: 1_000_000,
            grace: Duration::from_secs(20),
        };
        let (counters, stop_signal, clock) = (Arc::new(RunCounters::default()), StopSignal::default(), Arc::new(SystemClock));
        Flow { endpoints, state: self.state.clone(), sinks: vec![self.sink.clone()], options, clock, counters, stop_signal }
    }

    /// One cycle.
    pub(crate) async fn cycle(&mut self) -> Result<FinishedRun> {
        Ok(self.flow().run(RunKind::Incremental, &mut self.lock).await?)
    }
}

/// A feed with a cursor, which serves each event once.
#[derive(Default)]
pub(crate) struct Feed(Mutex<Vec<String>>);

impl Feed {
    pub(crate) fn publish(&self, events: &[Event]) {
        self.0.lock().expect("no panic").extend(events.iter().map(changes::as_served));
    }
}

#[async_trait]
impl ReadFeed for Feed {
    fn address(&self) -> String {
        "bench".to_owned()
    }

    async fn read_feed(&self, _: Option<&str>) -> Result<FeedPage, FileManagerError> {
        let mut waiting = self.0.lock().expect("no panic");
        let served = waiting.len().min(MAX_FEED_EVENTS);
        Ok(FeedPage { events: waiting.drain(..served).map(String::into_bytes).collect(), next_cursor: Some("next".to_owned()) })
    }
}

/// A file manager that reads the content and assigns ids.
#[derive(Default)]
struct Holding(AtomicU64);

#[async_trait]
impl FileManager for Holding {
    async fn health(&self) -> Result<(), FileManagerError> {
        Ok(())
    }

    async fn permissions(&self, _: &ObjectKey) -> Result<Permissions, FileManagerError> {
        Ok(Permissions { permissions: Some("rw-r--r--".to_owned()), owner: Some("user".to_owned()), group: Some("users".to_owned()) })
    }

    async fn set_permissions(&self, _: &ObjectKey, wanted: &Permissions, _: IdempotencyKey) -> Result<Permissions, FileManagerError> {
        Ok(wanted.clone())
    }

    async fn save(&self, request: SaveRequest) -> Result<Saved, FileManagerError> {
        let mut size = None;
        if let Some(content) = request.content {
            let received = content.body.try_fold(0, async |sum, chunk| Ok(sum + chunk.len() as u64)).await;
            size = received.ok().filter(|received| *received == content.size);
            if size.is_none() {
                let kind = FileManagerErrorKind::BodyFailed;
                return Err(FileManagerError { call: "saveToDisk", subject: String::new(), kind, message: "a short body".to_owned() });
            }
        }
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Saved { internal_id: Some(format!("{number:08x}-0000-4000-8000-000000000000")), size, metadata: None })
    }
}

/// Fails unless the run did all work, and no work twice.
pub(crate) fn must_have_done(ended: &FinishedRun, to_do: changes::ToDo) -> Result<()> {
    let operations = &ended.report.operations;
    let done = changes::ToDo {
        created: operations.create,
        updated: operations.update,
        deleted: operations.delete,
        renamed: operations.rename,
        permissions_set: operations.set_permissions,
    };
    ensure!(ended.report.success && done == to_do, "{done:?} was done instead of {to_do:?}: {}", ended.report);
    Ok(())
}
