//! Several sinks for one source: what they share, what each has separately, and that no sink changes another one's rows.

mod identity;
mod permissions;
mod queues;

use super::*;
use crate::plan::Policy;
use crate::record::{ETag, Event, EventKind, FileRecord, ObjectFacts, ObjectKey, Permissions, SinkName};
use crate::state::tables::sides;
use jiff::Timestamp;
use rusqlite::Connection;

pub(super) fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

pub(super) fn name(raw: &str) -> SinkName {
    raw.parse().expect("the name of a sink")
}

pub(super) fn facts(etag: &str) -> ObjectFacts {
    ObjectFacts { size: 3, etag: ETag::parse(etag), last_modified: None, storage_class: None, version_id: None }
}

pub(super) fn mode(value: &str) -> Permissions {
    Permissions { permissions: Some(value.to_owned()), ..Permissions::default() }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("a moment")
}

fn event(kind: EventKind, path: &str, second: i64) -> Event {
    Event { time: Some(at(second)), ..Event::new(kind, key(path)) }
}

fn renamed(from: &str, to: &str, second: i64) -> Event {
    Event { new_path: Some(key(to)), ..event(EventKind::Rename, from, second) }
}

fn reported(path: &str, value: &str, second: i64) -> Event {
    Event { permissions: mode(value), ..event(EventKind::ChangePermission, path, second) }
}

/// A state with two sinks.
struct Bed {
    state: State,
    a: SinkState,
    b: SinkState,
    _directory: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        Self::with(Policy::default(), Policy::default()).await
    }

    async fn with(of_a: Policy, of_b: Policy) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let a = state.sink(name("a"), of_a).await.expect("registered");
        let b = state.sink(name("b"), of_b).await.expect("registered");
        Self { state, a, b, _directory: directory }
    }

    fn sinks(&self) -> [&SinkState; 2] {
        [&self.a, &self.b]
    }

    async fn observe(&self, path: &str, etag: Option<&str>) {
        let observation = Observation { path: key(path), facts: etag.map(facts), seq: self.state.source().observation_next() };
        self.state.source().observations_record(vec![observation]).await.expect("stored");
    }

    /// The only page of a listing.
    async fn page(&self, shows: &[(&str, &str)]) -> PageCounts {
        let objects = shows.iter().map(|(path, etag)| (key(path), facts(etag))).collect();
        let page = Page { prefix: String::new(), after: None, up_to: None, seq: self.state.source().observation_next(), objects };
        self.state.source().page_record(page).await.expect("stored")
    }

    /// Events that arrive and are replayed, with the results of the lookups of their paths.
    async fn replay(&self, events: &[Event], found: &[(&str, Option<&str>)]) -> Replayed {
        let batch = events.iter().map(|event| Received { source: EventChannel::Feed, outcome: Ok(event.clone()) }).collect();
        self.state.inbox().receive(batch, at(1000)).await.expect("stored");
        let rows = self.state.inbox().events_batch(0, 100).await.expect("read");
        let seq = self.state.source().observation_next();
        let observations = found.iter().map(|(path, etag)| Observation { path: key(path), facts: etag.map(facts), seq }).collect();
        self.state.source().replay(Replay { rows, observations, ..Replay::default() }).await.expect("stored")
    }

    /// The paths with reported permissions, and the number of rows in `outdated_permissions`.
    async fn kept_permissions(&self) -> (Vec<String>, i64) {
        let read = self.state.writer.call(|connection| {
            let outdated = connection.query_row("SELECT count(*) FROM outdated_permissions", [], |row| row.get(0))?;
            Ok((column(connection, "SELECT path FROM permissions ORDER BY path")?, outdated))
        });
        read.await.expect("read")
    }
}

fn column(connection: &Connection, text: &str) -> Result<Vec<String>, StateError> {
    let mut statement = connection.prepare(text)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl SinkState {
    /// The sink holds this content, with these permissions.
    async fn holds(&self, path: &str, etag: &str, permissions: Permissions) {
        let file = FileRecord { size: Some(3), etag: ETag::parse(etag), permissions, ..FileRecord::at(key(path)) };
        self.applied_record(file, Attempts::default()).await.expect("stored");
    }

    /// The permissions that the sink should have, and those that it has.
    async fn permissions_at(&self, path: &str) -> (Option<String>, Option<String>) {
        let path = key(path);
        let sides = self.call(move |connection, sink| sides::sides(connection, sink, &path)).await.expect("read");
        (sides.wanted.permissions, sides.applied.and_then(|row| row.file.permissions.permissions))
    }

    async fn goes(&self, path: &str) {
        self.deleted_record(&key(path), Attempts::default()).await.expect("stored");
    }

    /// The pending paths with their status, in order of the paths.
    async fn pending(&self) -> Vec<String> {
        let pending = self.call(|connection, sink| {
            let text = "SELECT path || ' ' || status || iif(deletion, ' deletion', '') FROM pending WHERE sink = %s ORDER BY path";
            column(connection, &text.replace("%s", &sink.id.0.to_string()))
        });
        pending.await.expect("read")
    }
}
