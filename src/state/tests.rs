//! The state against its own invariants, on a real file.

use super::inbox_tests::file_manager;
use super::*;
use crate::plan::{Effect, Planned, Policy};
use crate::record::{ETag, FileRecord, ObjectFacts, ObjectKey, ObservationSeq, Permissions, SinkName};
use jiff::Timestamp;
use rusqlite::Connection;

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

fn facts(etag: &str) -> ObjectFacts {
    ObjectFacts { size: 3, etag: ETag::parse(etag), last_modified: None, storage_class: None, version_id: None }
}

fn file(path: &str, etag: &str) -> FileRecord {
    FileRecord { size: Some(3), etag: ETag::parse(etag), ..FileRecord::at(key(path)) }
}

struct Bed {
    state: State,
    sink: SinkState,
    directory: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let sink = file_manager(&state).await;
        Self { state, sink, directory }
    }

    async fn reopened(self) -> Self {
        let Self { state, sink, directory } = self;
        drop((state, sink));
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let sink = file_manager(&state).await;
        Self { state, sink, directory }
    }

    async fn observe(&self, path: &str, etag: Option<&str>, seq: ObservationSeq) {
        let observation = Observation { path: key(path), facts: etag.map(facts), seq };
        self.state.source().observations_record(vec![observation]).await.expect("stored");
    }

    async fn page(&self, after: Option<&str>, up_to: Option<&str>, shows: &[(&str, &str)]) {
        let objects = shows.iter().map(|(path, etag)| (key(path), facts(etag))).collect();
        let seq = self.state.source().observation_next();
        let page = Page { prefix: String::new(), after: after.map(key), up_to: up_to.map(key), seq, objects };
        self.state.source().page_record(page).await.expect("stored");
    }

    async fn applied(&self, path: &str, etag: &str) {
        self.sink.applied_record(file(path, etag), Attempts::default()).await.expect("stored");
    }

    /// The paths of a lane, in their order.
    async fn due(&self, lane: Lane) -> Vec<String> {
        let due = self.sink.claim((lane, 0, i64::MAX), 100).await.expect("claimed");
        due.work.into_iter().map(|(_, work)| work.path.as_str().to_owned()).collect()
    }

    async fn park(&self, path: &str) {
        let failed = Some(AttemptFailure { reason: "broken".to_owned(), message: "it broke".to_owned() });
        self.sink.pending_park(&key(path), Attempts { failed, ..Attempts::default() }, Timestamp::MAX).await.expect("parked");
    }
}

#[tokio::test]
async fn commits_reach_the_disk_before_they_are_answered() {
    let bed = Bed::new().await;
    let pragmas = bed.state.writer.call(|connection| {
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok((synchronous, journal))
    });
    assert_eq!(pragmas.await.expect("read"), (2, "wal".to_owned()), "FULL, WAL");
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_files_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let bed = Bed::new().await;
    bed.page(None, None, &[("a", "x")]).await;
    let _lock = InstanceLock::take(bed.state.path(), "test").expect("free");
    for entry in std::fs::read_dir(bed.directory.path()).expect("listed") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

#[tokio::test]
async fn a_failed_job_is_rolled_back_and_affects_no_other_job() {
    // Jobs that arrive while the first one runs share its transaction, unless it fails.
    for first_fails in [true, false] {
        let bed = Bed::new().await;
        let (they_wait, first_goes_on) = std::sync::mpsc::channel();
        let first = bed.state.writer.call(move |connection| {
            first_goes_on.recv().expect("a receiver waits");
            if first_fails { fail_half_way(connection) } else { database::meta::write_meta(connection, "first", "done") }
        });
        let second = bed.state.writer.call(fail_half_way);
        let other = bed.page(None, None, &[("a", "x")]);
        let (first, second, (), ()) = tokio::join!(first, second, other, async { they_wait.send(()).expect("the first waits") });
        assert_eq!(first.is_err(), first_fails);
        assert!(matches!(second, Err(StateError::Database(_))), "{second:?}");
        let left = bed.state.writer.call(|connection| {
            Ok((database::meta::read_meta(connection, "half")?, database::meta::read_meta(connection, "first")?.is_some()))
        });
        assert_eq!((left.await.expect("read"), bed.due(Lane::Small).await), ((None, !first_fails), vec!["a".to_owned()]));
    }
}

/// The second row fails, and `OR FAIL` leaves the first one in place.
fn fail_half_way(connection: &Connection) -> Result<(), StateError> {
    connection.execute("INSERT OR FAIL INTO meta (name, value) VALUES ('half', 'done'), ('half', 'again')", [])?;
    Ok(())
}

/// It was reported as "the database is closed".
#[tokio::test]
async fn a_database_that_another_program_keeps_locked_is_reported_as_locked_and_the_next_job_is_run() {
    let bed = Bed::new().await;
    let impatient = |connection: &Connection| Ok(connection.busy_timeout(std::time::Duration::from_millis(1))?);
    bed.state.writer.call(impatient).await.expect("set");
    let other = Connection::open(bed.state.path()).expect("a second connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let refused = bed.state.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect_err("it is locked");
    assert!(matches!(refused, StateError::Unreachable(_)), "{refused:?}");
    let message = refused.at(bed.state.path()).to_string();
    assert!(message.contains("sync.db") && message.contains("database is locked, by another program"), "{message}");
    other.execute_batch("ROLLBACK").expect("unlocked");
    bed.state.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("stored");
}

#[tokio::test]
async fn an_older_observation_never_overwrites_a_newer_one() {
    let bed = Bed::new().await;
    let (older, newer) = (bed.state.source().observation_next(), bed.state.source().observation_next());
    bed.observe("a", Some("new"), newer).await;
    bed.observe("a", Some("old"), older).await;
    bed.observe("a", None, older).await;
    let work = bed.sink.work_item(&key("a")).await.expect("read").expect("pending");
    assert_eq!(work.path_state.observed.and_then(|observed| observed.facts), Some(facts("new")));
}

#[tokio::test]
async fn the_next_process_numbers_its_observations_after_the_stored_ones() {
    let bed = Bed::new().await;
    let seq = bed.state.source().observation_next();
    bed.observe("a", Some("x"), seq).await;
    let bed = bed.reopened().await;
    assert!(bed.state.source().observation_next() > seq);
}

#[tokio::test]
async fn a_page_shows_absences_only_within_its_range() {
    let bed = Bed::new().await;
    bed.page(None, None, &[("a", "x"), ("b", "x"), ("c", "x"), ("d", "x")]).await;
    for path in ["a", "b", "c", "d"] {
        bed.applied(path, "x").await;
    }
    bed.applied("bb", "never observed").await;
    bed.page(Some("a"), Some("c"), &[("c", "x")]).await;
    assert_eq!(bed.due(Lane::Deletion).await, ["b", "bb"], "neither a nor d");
    bed.page(None, None, &[("a", "x"), ("b", "x"), ("c", "x"), ("d", "x")]).await;
    assert_eq!(bed.due(Lane::Deletion).await, ["bb"], "b is back");
}

#[tokio::test]
async fn a_page_of_new_keys_has_the_same_result_beside_a_known_key() {
    let sized = |size| ObjectFacts { size, ..facts("e") };
    let objects =
        [("dir/", 0), ("large", 8 << 20), ("small", 3), ("too-large", 1 << 30)].map(|(path, size)| (key(path), sized(size))).to_vec();
    let mut came_to = Vec::new();
    for known in [None, Some("known")] {
        let mut bed = Bed::new().await;
        let policy = Policy { max_file_bytes: Some(32 << 20), ..Policy::default() };
        bed.sink = bed.state.sink(SinkName::file_manager(), policy).await.expect("registered");
        if let Some(known) = known {
            bed.observe(known, None, bed.state.source().observation_next()).await;
        }
        let page =
            Page { prefix: String::new(), after: None, up_to: None, seq: bed.state.source().observation_next(), objects: objects.clone() };
        let counts = bed.state.source().page_record(page).await.expect("stored");
        let waiting = bed.state.overview().await.expect("counted").sinks.remove(0).waiting;
        came_to.push((counts, bed.due(Lane::Small).await, bed.due(Lane::Large).await, format!("{waiting:?}")));
    }
    assert_eq!((came_to[0].1.as_slice(), came_to[0].2.as_slice()), (&["small".to_owned()][..], &["large".to_owned()][..]));
    assert_eq!(came_to[0].0.to_do, 2);
    assert!(came_to[0].3.contains("too_large"), "{}", came_to[0].3);
    assert_eq!(came_to[0], came_to[1]);
}

#[tokio::test]
async fn a_key_observed_after_the_page_was_requested_is_not_absent() {
    let bed = Bed::new().await;
    bed.applied("a", "x").await;
    let page = bed.state.source().observation_next();
    let later = bed.state.source().observation_next();
    bed.observe("a", Some("x"), later).await;
    let page = Page { prefix: String::new(), after: None, up_to: None, seq: page, objects: Vec::new() };
    bed.state.source().page_record(page).await.expect("stored");
    assert!(bed.due(Lane::Deletion).await.is_empty());
}

#[tokio::test]
async fn a_failed_path_waits_until_an_observation_shows_new_facts() {
    let bed = Bed::new().await;
    bed.page(None, None, &[("a", "x"), ("b", "x")]).await;
    bed.park("a").await;
    bed.page(None, None, &[("a", "x"), ("b", "x")]).await;
    assert_eq!(bed.due(Lane::Small).await, ["b"], "the same page changes nothing");
    bed.page(None, None, &[("a", "y"), ("b", "x")]).await;
    assert_eq!(bed.due(Lane::Small).await, ["b", "a"]);
    bed.park("a").await;
    bed.sink.pending_unpark_all().await.expect("released");
    assert_eq!(bed.due(Lane::Small).await, ["b", "a"], "the operator asked");
}

#[tokio::test]
async fn an_outcome_older_than_the_last_observation_leaves_the_path_pending() {
    let bed = Bed::new().await;
    bed.page(None, None, &[("a", "old")]).await;
    let newer = bed.state.source().observation_next();
    bed.observe("a", Some("new"), newer).await;
    bed.applied("a", "old").await;
    assert_eq!(bed.due(Lane::Small).await, ["a"]);
    bed.applied("a", "new").await;
    assert!(bed.due(Lane::Small).await.is_empty());
}

#[tokio::test]
async fn an_intent_survives_the_process_unchanged_and_keeps_its_path_pending() {
    let bed = Bed::new().await;
    bed.page(None, None, &[("a", "x")]).await;
    let intent = Intent {
        new_path: None,
        path: key("a"),
        idempotency_key: uuid::Uuid::new_v4(),
        planned: Planned { effect: Effect::Create, content: facts("x").fingerprint(), permissions: Permissions::default() },
        file_type: Some("text/plain".to_owned()),
        metadata: Some(r#"{"etag":"x"}"#.to_owned()),
        resume: None,
        run: 7,
    };
    let work = bed.sink.work_item(&key("a")).await.expect("read").expect("pending");
    assert_eq!(bed.sink.intents_open((&work).into(), vec![intent.clone()]).await.expect("stored"), Ok(()));
    let bed = bed.reopened().await;
    let work = bed.sink.work_item(&key("a")).await.expect("read").expect("pending");
    assert_eq!(work.intent.as_ref(), Some(&intent));
    // The object is deleted while the intent is open: neither side has a file, and yet the call may have had its effect.
    let seq = bed.state.source().observation_next();
    bed.observe("a", None, seq).await;
    assert_eq!(bed.due(Lane::Small).await, ["a"]);
    bed.sink.intents_abandon(&key("a")).await.expect("ended");
    bed.sink.pending_requeue(&key("a")).await.expect("settled");
    assert_eq!(bed.due(Lane::Deletion).await, ["a"], "unconfirmed, and gone: a delete");
}

#[tokio::test]
async fn row_counts_come_from_counters() {
    let bed = Bed::new().await;
    for (path, etag) in [("a", "x"), ("b", "x"), ("a", "y")] {
        bed.applied(path, etag).await;
    }
    assert_eq!(bed.state.overview().await.expect("read").sinks[0].applied_rows, 2);
    bed.sink.deleted_record(&key("a"), Attempts::default()).await.expect("deleted");
    assert_eq!(bed.state.overview().await.expect("read").sinks[0].applied_rows, 1);
}

#[tokio::test]
async fn the_lock_has_one_holder_and_remembers_the_last_run() {
    let bed = Bed::new().await;
    let mut lock = InstanceLock::take(bed.state.path(), "initial-sync").expect("free");
    lock.remember_run(41).expect("written");
    let refused = InstanceLock::take(bed.state.path(), "other").expect_err("held");
    let StateError::Held(holder) = refused else { panic!("{refused}") };
    assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "initial-sync"));
    drop(lock);
    let lock = InstanceLock::take(bed.state.path(), "a longer command than before").expect("free again");
    assert_eq!(lock.last_run(), 41);
    let next = bed.state.runs().begin(RunKind::Initial, Timestamp::UNIX_EPOCH, lock.last_run()).await.expect("begun");
    assert_eq!(next, 42, "beyond the lock file's, also in a database that has forgotten it");
}
