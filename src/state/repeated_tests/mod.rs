//! Every transaction may be repeated: whether a commit arrived may be unknown. Each job runs twice with the same input, and the second time
//! it changes nothing. Two things are exempt: what was received is in the inbox twice, as if it had been delivered twice, and the history, a
//! log, may have an entry twice.

mod jobs;

use super::sinks_tests::{at, facts, key, mode, name};
use super::*;
use crate::clock::Clock;
use crate::plan::{Effect, Planned, Policy, SkipReason};
use crate::record::{ETag, Event, EventKind, FileRecord, KnownEncodings, ObservationSeq, Permissions, SinkName};
use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

fn file(path: &str, etag: &str) -> FileRecord {
    FileRecord { size: Some(3), etag: ETag::parse(etag), ..FileRecord::at(key(path)) }
}

fn event(kind: EventKind, path: &str, new_path: Option<&str>, permissions: Permissions) -> Event {
    Event { new_path: new_path.map(key), permissions, time: Some(at(0)), ..Event::new(kind, key(path)) }
}

fn failed() -> Attempts {
    let failed = Some(AttemptFailure { reason: "broken".to_owned(), message: "it broke".to_owned() });
    Attempts { made: 1, failed, ..Attempts::default() }
}

/// Time stands still.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        at(1000)
    }
}

struct Bed {
    state: State,
    a: SinkState,
    b: SinkState,
    _directory: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state").with_clock(std::sync::Arc::new(Still));
        let a = state.sink(name("a"), Policy::default()).await.expect("registered");
        let b = state.sink(name("b"), Policy::default()).await.expect("registered");
        Self { state, a, b, _directory: directory }
    }

    fn next(&self) -> ObservationSeq {
        self.state.source().observation_next()
    }

    fn observation(&self, path: &str, etag: Option<&str>) -> Observation {
        Observation { path: key(path), facts: etag.map(facts), seq: self.next() }
    }

    fn page(&self, after: Option<&str>, up_to: Option<&str>, shows: &[&str]) -> Page {
        let objects = shows.iter().map(|path| (key(path), facts(path))).collect();
        Page { prefix: String::new(), after: after.map(key), up_to: up_to.map(key), seq: self.next(), objects }
    }

    async fn dump(&self) -> String {
        self.state.writer.call(|connection| Ok(dump(connection)?)).await.expect("read")
    }

    /// Runs a job twice: the second time it changes nothing.
    async fn twice<T>(&self, what: &str, job: impl AsyncFn() -> T) {
        let before = self.dump().await;
        job().await;
        let once = self.dump().await;
        job().await;
        assert_eq!(self.dump().await, once, "{what} is not the same when it is repeated; before: {before}");
    }

    async fn item(&self, path: &str) -> WorkItem {
        self.a.work_item(&key(path)).await.expect("read").expect("it is pending")
    }

    /// The intents of an operation on a path are open, and were opened twice.
    async fn open(&self, path: &str, effects: &[Effect]) {
        let decided = self.item(path).await;
        let content = facts(path).fingerprint();
        let intents = effects.iter().map(|effect| Intent {
            path: key(path),
            new_path: None,
            idempotency_key: Uuid::new_v4(),
            planned: Planned { effect: *effect, content: content.clone(), permissions: mode("0755") },
            file_type: None,
            metadata: None,
            resume: None,
            run: 1,
        });
        let intents: Vec<_> = intents.collect();
        self.twice("opening intents", async || {
            assert_eq!(self.a.intents_open((&decided).into(), intents.clone()).await.expect("stored"), Ok(()));
        })
        .await;
    }

    /// The rows that wait in the inbox, of these events.
    async fn received(&self, events: &[Event]) -> Vec<InboxRow> {
        let batch = events.iter().map(|event| Received { source: EventChannel::Feed, outcome: Ok(event.clone()) }).collect();
        self.state.inbox().receive(batch, at(1)).await.expect("stored");
        self.state.inbox().events_batch(0, 100).await.expect("read")
    }
}

/// All rows of all tables. The places of a queue count by their order only.
fn dump(connection: &Connection) -> rusqlite::Result<String> {
    let mut tables =
        connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut text = String::new();
    for table in tables {
        let query = match table.as_str() {
            "pending" => {
                "SELECT row_number() OVER (ORDER BY seq), sink, path, status, deletion, large, attempts, next_attempt, reason, message, told_at
                 FROM pending"
                    .to_owned()
            }
            "history" => "SELECT DISTINCT at, run, path, new_path, what, sink FROM history".to_owned(),
            table => format!("SELECT * FROM {table}"),
        };
        let mut statement = connection.prepare(&query)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>())?;
        let mut rows = rows.map(|row| Ok(format!("{table} {:?}\n", row?))).collect::<rusqlite::Result<Vec<_>>>()?;
        rows.sort();
        text.extend(rows);
    }
    Ok(text)
}
