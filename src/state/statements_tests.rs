//! How many SQL statements each transaction runs for a batch of 10 and for one of 100. In SQLite a statement is a call of a function; in a
//! database behind a network it is a round trip. What is read for a batch and what is queued take as many statements for 100 as for 10. Where
//! a row is written by a statement of its own, the number grows: SQLite has no faster way to write rows of many columns.

use super::database::writer::Writer;
use super::handle::open_to_own;
use super::sinks_tests::{facts, key};
use super::*;
use crate::plan::{Effect, Planned, Policy};
use crate::record::{ETag, Event, EventKind, FileRecord, Permissions, SinkName};
use jiff::Timestamp;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Transaction, statements for a batch of 10, for one of 100. Those that begin, check and end the transaction are among them.
const EXPECTED: &str = "\
page_record, of a first listing      21   111
page_record, of known keys           21   111
page_record, of changed objects      21   111
observations_record                  16   106
claim                                 4     4
pending_unpark_due                    5     5
receive                              14   104
replay, of creates                   31   211
replay, of permissions               43   313
replay, of renames                   89   719
moves_due                             8     8
moves_pair_by_content                 4     4
replay, of deletes                   41   311
deletes_in_question                   6     6
deletes_hold                          6     6
deletes_release                       6     6
absences_drop_unapplied               5     5
intents_open, of one path             5     5
deleted_record, of one path          15    15
applied_record, of one path           9     9
";

struct Bed {
    state: State,
    sink: SinkState,
    /// The paths of the batch.
    paths: Vec<String>,
    statements: Arc<AtomicU64>,
    _directory: tempfile::TempDir,
}

impl Bed {
    async fn new(batch: usize) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sync.db");
        let (mut connection, ownership, numbers) = open_to_own(&path).expect("a database");
        let statements = Arc::new(AtomicU64::new(0));
        let counter = statements.clone();
        let count = move |event: TraceEvent<'_>| {
            // The steps of a trigger are comments.
            if let TraceEvent::Stmt(_, sql) = event
                && !sql.starts_with("--")
            {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        };
        connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(count)).expect("traced");
        let writer = Writer::start(&path, connection, ownership).expect("a thread");
        let state = State::with(writer, numbers, &path).await.expect("a state");
        let sink = state.sink(SinkName::file_manager(), Policy::default()).await.expect("registered");
        let paths = (0..batch).map(|number| format!("{number:04}")).collect();
        Self { state, sink, paths, statements, _directory: directory }
    }

    /// The statements of one transaction.
    async fn of(&self, job: impl Future) -> u64 {
        let before = self.statements.load(Ordering::Relaxed);
        job.await;
        self.statements.load(Ordering::Relaxed) - before
    }

    fn page(&self, etag: &str) -> Page {
        let objects = self.paths.iter().map(|path| (key(path), facts(etag))).collect();
        Page { prefix: String::new(), after: None, up_to: None, seq: self.state.source().observation_next(), objects }
    }

    fn observations(&self, etag: Option<&str>, suffix: &str) -> Vec<Observation> {
        let seq = self.state.source().observation_next();
        let paths = self.paths.iter().map(|path| key(&format!("{path}{suffix}")));
        paths.map(|path| Observation { path, facts: etag.map(facts), seq }).collect()
    }

    /// The sink holds each path.
    async fn applied(&self) {
        for path in &self.paths {
            let file = FileRecord { size: Some(3), etag: ETag::parse("x"), ..FileRecord::at(key(path)) };
            self.sink.applied_record(file, Attempts::default()).await.expect("stored");
        }
    }

    fn events(&self, kind: EventKind, permissions: Option<&str>) -> Vec<Received> {
        let permissions = Permissions { permissions: permissions.map(str::to_owned), ..Permissions::default() };
        let event = |path: &String| Event {
            new_path: (kind == EventKind::Rename).then(|| key(&format!("{path}+"))),
            permissions: permissions.clone(),
            ..Event::new(kind, key(path))
        };
        self.paths.iter().map(|path| Received { source: EventChannel::Feed, outcome: Ok(event(path)) }).collect()
    }

    /// A batch of the inbox, as it is replayed.
    async fn replay(&self, events: Vec<Received>, observations: Vec<Observation>) -> Replay {
        self.state.inbox().receive(events, Timestamp::UNIX_EPOCH).await.expect("stored");
        let rows = self.state.inbox().events_batch(0, 1000).await.expect("read");
        Replay { rows, observations, ..Replay::default() }
    }

    async fn measure(batch: usize) -> Vec<(&'static str, u64)> {
        let mut measured = Vec::new();
        let bed = Self::new(batch).await;
        let (source, inbox, sink) = (bed.state.source(), bed.state.inbox(), &bed.sink);
        measured.push(("page_record, of a first listing", bed.of(source.page_record(bed.page("x"))).await));
        measured.push(("page_record, of known keys", bed.of(source.page_record(bed.page("x"))).await));
        measured.push(("page_record, of changed objects", bed.of(source.page_record(bed.page("y"))).await));
        measured.push(("observations_record", bed.of(source.observations_record(bed.observations(Some("x"), ""))).await));
        measured.push(("claim", bed.of(sink.claim((Lane::Small, 0, i64::MAX), 1000)).await));
        for path in &bed.paths {
            sink.pending_park(&key(path), Attempts::default(), Timestamp::UNIX_EPOCH).await.expect("stored");
        }
        measured.push(("pending_unpark_due", bed.of(sink.pending_unpark_due(Timestamp::UNIX_EPOCH)).await));
        bed.applied().await;
        measured.push(("receive", bed.of(inbox.receive(bed.events(EventKind::Create, None), Timestamp::UNIX_EPOCH)).await));
        let replay = bed.replay(Vec::new(), bed.observations(Some("y"), "")).await;
        measured.push(("replay, of creates", bed.of(source.replay(replay)).await));
        let replay = bed.replay(bed.events(EventKind::ChangePermission, Some("0600")), bed.observations(Some("y"), "")).await;
        measured.push(("replay, of permissions", bed.of(source.replay(replay)).await));
        bed.applied().await;
        let mut both = bed.observations(None, "");
        both.extend(bed.observations(Some("x"), "+"));
        let replay = bed.replay(bed.events(EventKind::Rename, None), both).await;
        measured.push(("replay, of renames", bed.of(source.replay(replay)).await));
        measured.push(("moves_due", bed.of(sink.moves_due(None, 1000)).await));
        for hint in sink.moves_due(None, 1000).await.expect("read") {
            sink.move_end((hint.origin(), hint.target()), MoveOutcome::NotAMove, Attempts::default()).await.expect("stored");
        }
        measured.push(("moves_pair_by_content", bed.of(sink.moves_pair_by_content()).await));
        measured.extend(bed.measure_deletes().await);
        measured
    }

    async fn measure_deletes(&self) -> Vec<(&'static str, u64)> {
        let (source, sink) = (self.state.source(), &self.sink);
        let mut measured = Vec::new();
        let replay = self.replay(self.events(EventKind::Delete, None), self.observations(None, "")).await;
        measured.push(("replay, of deletes", self.of(source.replay(replay)).await));
        measured.push(("deletes_in_question", self.of(sink.deletes_in_question(true)).await));
        let held = HeldDeletes { deletes: 1, rows_when_held: 1, nothing_listed: false };
        measured.push(("deletes_hold", self.of(sink.deletes_hold(held)).await));
        measured.push(("deletes_release", self.of(sink.deletes_release()).await));
        measured.push(("absences_drop_unapplied", self.of(sink.absences_drop_unapplied()).await));
        let path = key(&self.paths[0]);
        let work = sink.work_item(&path).await.expect("read").expect("it is to be deleted");
        let intent = Intent {
            path: path.clone(),
            new_path: None,
            idempotency_key: uuid::Uuid::new_v4(),
            planned: Planned { effect: Effect::Delete, content: None, permissions: Permissions::default() },
            file_type: None,
            metadata: None,
            resume: None,
            run: 1,
        };
        measured.push(("intents_open, of one path", self.of(sink.intents_open((&work).into(), vec![intent])).await));
        measured.push(("deleted_record, of one path", self.of(sink.deleted_record(&path, Attempts::default())).await));
        let file = FileRecord { size: Some(3), etag: ETag::parse("x"), ..FileRecord::at(path.clone()) };
        measured.push(("applied_record, of one path", self.of(sink.applied_record(file, Attempts::default())).await));
        measured
    }
}

#[tokio::test]
async fn the_statements_of_each_transaction_are_counted() {
    let (ten, hundred) = (Bed::measure(10).await, Bed::measure(100).await);
    let mut table = String::new();
    for ((what, ten), (_, hundred)) in ten.iter().zip(&hundred) {
        writeln!(table, "{what:34} {ten:4} {hundred:5}").expect("written");
    }
    assert_eq!(table, EXPECTED, "\n{table}");
}
