//! The history: a change of a path and its history entry are stored in one commit, and only finished events and operations have
//! an entry.

use super::super::scene::key;
use jiff::Timestamp;
use s3_sync::plan::{Effect, Policy};
use s3_sync::record::{ETag, Event, EventKind, FileRecord, ObjectFacts, Permissions, SinkName};
use s3_sync::state::{
    AttemptFailure, Attempts, Called, CommitGate, EventChannel, EventDisposition, HistoryEntry, HistoryEvent, MoveOutcome, Observation,
    ObservedContent, Outcome, Received, Replay, RunKind, SinkState, State, Views,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use uuid::Uuid;

/// Counts commits.
#[derive(Default)]
struct Commits(AtomicUsize);

#[async_trait::async_trait]
impl CommitGate for Commits {
    async fn before_commit(&self) {}
    async fn after_commit(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Bed {
    state: State,
    sink: SinkState,
    commits: Arc<Commits>,
    directory: TempDir,
}

impl Bed {
    async fn with_run(kind: RunKind) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let commits = Arc::new(Commits::default());
        let state = State::open_in_place(&directory.path().join("sync.db"), commits.clone()).await.expect("a state");
        state.runs().begin(kind, Timestamp::UNIX_EPOCH, 6).await.expect("begun");
        let sink = state.sink(SinkName::file_manager(), Policy::default()).await.expect("registered");
        commits.0.store(0, Ordering::SeqCst);
        Self { state, sink, commits, directory }
    }

    async fn history(&self, path: &str) -> Vec<HistoryEntry> {
        let report = Views::open(&self.directory.path().join("sync.db")).key_report(key(path)).await.expect("it can be read");
        report.map(|report| report.history).unwrap_or_default()
    }

    /// The newest entry of a path, after exactly one commit since the last call.
    async fn newest_after_one_commit(&self, path: &str) -> HistoryEvent {
        assert_eq!(self.commits.0.swap(0, Ordering::SeqCst), 1, "one commit");
        let newest = self.history(path).await.pop().expect("something happened");
        assert_eq!(newest.run, 7);
        newest.what
    }

    async fn observe(&self, path: &str, there: bool) {
        let facts = there.then(facts);
        self.state
            .source()
            .observations_record(vec![Observation { path: key(path), facts, seq: self.state.source().observation_next() }])
            .await
            .expect("stored");
        self.commits.0.store(0, Ordering::SeqCst);
    }
}

fn facts() -> ObjectFacts {
    ObjectFacts { size: 3, etag: ETag::parse("e"), last_modified: None, storage_class: None, version_id: None }
}

fn file(path: &str) -> FileRecord {
    FileRecord { size: Some(3), etag: ETag::parse("e"), ..FileRecord::at(key(path)) }
}

fn after(effect: Effect, made: u32) -> Attempts {
    Attempts { called: Some(Called { effect, idempotency_key: Uuid::nil(), decided_in: 7 }), made, failed: None }
}

fn result(what: HistoryEvent) -> Outcome {
    match what {
        HistoryEvent::Operation(ended) => ended.result,
        HistoryEvent::Event(event) => panic!("an event: {event:?}"),
    }
}

#[tokio::test]
async fn an_outcome_and_its_history_entry_are_one_commit() {
    let bed = Bed::with_run(RunKind::Incremental).await;
    let sink = &bed.sink;
    bed.observe("a", true).await;
    sink.applied_record(file("a"), after(Effect::Create, 1)).await.expect("stored");
    assert!(matches!(result(bed.newest_after_one_commit("a").await), Outcome::Applied { .. }));

    let permissions = Permissions { permissions: Some("0640".to_owned()), ..Permissions::default() };
    sink.permissions_record(&key("a"), &permissions, after(Effect::SetPermissions, 1)).await.expect("stored");
    assert_eq!(result(bed.newest_after_one_commit("a").await), Outcome::PermissionsSet(permissions));

    bed.observe("a", false).await;
    bed.observe("b", true).await;
    assert_eq!(sink.moves_pair_by_content().await.expect("paired"), 1);
    bed.commits.0.store(0, Ordering::SeqCst);
    sink.move_end((&key("a"), &key("b")), MoveOutcome::Done { internal_id: None }, after(Effect::Rename, 1)).await.expect("stored");
    for name in ["a", "b"] {
        let entries = bed.history(name).await;
        assert_eq!((entries.len(), entries[2].new_path.as_ref()), (3, Some(&key("b"))), "{name}: {entries:?}");
    }
    bed.newest_after_one_commit("b").await;

    bed.observe("b", false).await;
    let failed = Some(AttemptFailure { reason: "busy".to_owned(), message: "not now".to_owned() });
    let attempts = Attempts { failed, ..after(Effect::Delete, 4) };
    for second in 0..3 {
        let next_attempt = Timestamp::from_second(second).expect("a moment");
        sink.pending_park(&key("b"), attempts.clone(), next_attempt).await.expect("stored");
        assert_eq!(result(bed.newest_after_one_commit("b").await), Outcome::Failed { next_attempt: Timestamp::UNIX_EPOCH });
        assert_eq!(bed.history("b").await.len(), 4, "a failure for the same reason has one entry");
    }

    sink.deleted_record(&key("b"), after(Effect::Delete, 1)).await.expect("stored");
    assert_eq!(result(bed.newest_after_one_commit("b").await), Outcome::Deleted);
}

#[tokio::test]
async fn an_event_enters_the_history_in_the_commit_that_consumes_it() {
    let bed = Bed::with_run(RunKind::Incremental).await;
    let event = Event::new(EventKind::Create, key("a"));
    let received = vec![Received { source: EventChannel::Sqs, outcome: Ok(event) }];
    bed.state.inbox().receive(received, Timestamp::UNIX_EPOCH).await.expect("received");
    let replay = async |failed: &[&str]| {
        let rows = bed.state.inbox().events_batch(0, 10).await.expect("read");
        let failed: BTreeMap<_, _> = failed.iter().map(|path| (key(path), "no answer".to_owned())).collect();
        let observation =
            failed.is_empty().then(|| Observation { path: key("a"), facts: Some(facts()), seq: bed.state.source().observation_next() });
        bed.commits.0.store(0, Ordering::SeqCst);
        let observations = observation.into_iter().collect();
        bed.state.source().replay(Replay { rows, observations, failed, ..Replay::default() }).await.expect("stored");
    };
    replay(&["a"]).await;
    assert!(bed.history("a").await.is_empty(), "it waits");
    replay(&[]).await;
    let HistoryEvent::Event(event) = bed.newest_after_one_commit("a").await else { panic!("no event") };
    let content = facts().fingerprint().expect("a content");
    assert_eq!(event.became, EventDisposition::LookedAt { path: ObservedContent::Content(content), new_path: None });
}

#[tokio::test]
async fn the_history_omits_only_creates_that_the_initial_sync_applied_at_the_first_attempt() {
    for (kind, made, rows) in [(RunKind::Initial, 1, 0), (RunKind::Initial, 2, 1), (RunKind::Reconcile, 1, 1)] {
        let bed = Bed::with_run(kind).await;
        bed.observe("a", true).await;
        bed.sink.applied_record(file("a"), after(Effect::Create, made)).await.expect("stored");
        assert_eq!(bed.history("a").await.len(), rows, "{kind:?} at attempt {made}");
        let report = Views::open(&bed.directory.path().join("sync.db")).key_report(key("a")).await.expect("read").expect("known");
        assert_eq!(report.sinks[0].applied_in.0, Some(7));
    }
}
