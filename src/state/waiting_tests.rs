//! Waiting paths cost a cycle nothing, counted in steps of SQLite's virtual machine; and their counters are right.

use super::inbox_tests::{at, file_manager, reported};
use super::*;
use crate::plan::SkipReason;
use crate::record::{ETag, FileRecord, ObjectFacts, ObjectKey};
use jiff::Timestamp;
use rusqlite::{Connection, StatementStatus, ToSql};

/// A state of `number` paths of each kind: parked, skipped, held.
async fn waiting(number: i64) -> (State, SinkState, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
    let sink = file_manager(&state).await;
    let filled = state.writer.call(move |connection| {
        for (status, deletion) in [("parked", 0), ("skipped", 0), ("held", 1)] {
            connection.execute(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
                 INSERT INTO pending (sink, path, status, deletion, large, next_attempt, reason, message)
                 SELECT 1, ?2 || n, ?2, ?3, 0, 1000, 'broken', 'it broke' FROM n",
                rusqlite::params![number, status, deletion],
            )?;
        }
        connection.execute_batch(
            "INSERT INTO runs (number, kind, started_at) VALUES (1, 'incremental', 0), (2, 'incremental', 0);
             UPDATE pending SET first_skipped_run = 1 WHERE status = 'skipped';
             INSERT INTO pending (sink, path, status, deletion, large) VALUES (1, 'new', 'due', 0, 0), (1, 'gone', 'due', 1, 0)",
        )?;
        Ok(())
    });
    filled.await.expect("filled");
    (state, sink, directory)
}

/// The number of virtual machine steps that a statement takes.
fn steps(connection: &Connection, text: &str, values: &[&dyn ToSql]) -> Result<i32, StateError> {
    let mut statement = connection.prepare(text)?;
    let mut rows = statement.query(values)?;
    while rows.next()?.is_some() {}
    drop(rows);
    Ok(statement.get_status(StatementStatus::VmStep))
}

#[tokio::test]
async fn the_queries_of_a_cycle_do_not_grow_with_parked_skipped_or_held_rows() {
    let mut taken = Vec::new();
    for number in [5, 500] {
        let (state, _sink, _directory) = waiting(number).await;
        let each = state.writer.call(|connection| {
            [
                (transactions::unpark::RELEASE_DUE, [&1 as &dyn ToSql, &999].as_slice()),
                (tables::pending::ANY_DUE, &[&1]),
                (transactions::moves::BOTH_WAIT, &[&1]),
                (views::snapshot_rows::DUE_PATHS, &[&1]),
                (views::overview::COUNTS, &[&1]),
                (tables::pending::NEW_SKIPS, &[&1]),
                (views::overview::DUE_EXAMPLE, &[&1, &0]),
                (views::overview::WAITING_EXAMPLE, &[&1, &"parked", &0, &"broken"]),
                (views::overview::WAITING_EXAMPLE, &[&1, &"held", &1, &"broken"]),
                (views::overview::OLDEST_PENDING, &[&1]),
                (transactions::delete_guard::COUNT_DUE, &[&1]),
                (transactions::delete_guard::HOLD, &[&1]),
            ]
            .into_iter()
            .map(|(text, values)| Ok((text, steps(connection, text, values)?)))
            .collect::<Result<Vec<_>, StateError>>()
        });
        taken.push(each.await.expect("asked"));
    }
    assert_eq!(taken[0], taken[1]);
}

#[tokio::test]
async fn the_counts_of_waiting_rows_follow_each_change() {
    let (state, sink, _directory) = waiting(3).await;
    let (parked, held) = (ObjectKey::new("parked1").expect("a key"), ObjectKey::new("held2").expect("a key"));
    let failed = Some(AttemptFailure { reason: "other".to_owned(), message: "something else".to_owned() });
    sink.pending_park(&parked, Attempts { failed, ..Attempts::default() }, Timestamp::UNIX_EPOCH).await.expect("stored");
    sink.pending_mark_possibly_deleted(&held).await.expect("stored");
    let facts = ObjectFacts { size: 1, etag: None, last_modified: None, storage_class: None, version_id: None };
    for path in ["skipped1", "gone", "brand new"] {
        let path = ObjectKey::new(path).expect("a key");
        state
            .source()
            .observations_record(vec![Observation { path, facts: Some(facts.clone()), seq: state.source().observation_next() }])
            .await
            .expect("stored");
    }
    state
        .source()
        .observations_record(vec![Observation { path: held, facts: None, seq: state.source().observation_next() }])
        .await
        .expect("stored");
    let (waiting, counted) = (
        state.overview().await.expect("read").sinks.remove(0).waiting,
        state
            .writer
            .call(|connection| {
                let mut statement = connection.prepare(
            "SELECT status, deletion, iif(status = 'due', NULL, reason) AS why, count(*) FROM pending GROUP BY status, deletion, why",
        )?;
                let rows = statement.query_map([], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?, row.get::<_, Option<String>>(2)?, row.get::<_, i64>(3)?))
                })?;
                Ok(rows.collect::<Result<Vec<_>, _>>()?)
            })
            .await
            .expect("counted"),
    );
    let mut counts: Vec<_> = waiting
        .iter()
        .map(|line| (line.status.clone(), line.deletion, line.reason.clone(), i64::try_from(line.paths).expect("few")))
        .collect();
    counts.sort();
    assert_eq!(counts, counted);
    let other = waiting.iter().find(|line| line.reason.as_deref() == Some("other")).expect("parked");
    assert_eq!((other.paths, other.example.as_ref(), other.message.as_deref()), (1, Some(&parked), Some("something else")));
}

/// Every removal was compared with every addition, in the one writer's transaction: 20,000 of each took minutes.
#[tokio::test]
async fn pairing_by_content_compares_no_two_paths() {
    let mut taken = Vec::new();
    for number in [200, 800] {
        let (state, _sink, _directory) = waiting(1).await;
        let paired = state.writer.call(move |connection| {
            connection.execute_batch(&format!(
                "CREATE TEMP TABLE n AS WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {number}) SELECT n FROM n;
                 INSERT INTO applied (sink, path, confirmed, size, etag) SELECT 1, 'old' || n, 1, 5, 'e' || n FROM n;
                 INSERT INTO observed (source, path, look, present, size, etag)
                     SELECT 1, 'new' || n, 1, 1, 5, 'e' || (n / 2 * 2) FROM n WHERE n <= 3
                     UNION ALL SELECT 1, 'new' || n, 1, 1, 5, 'e' || n FROM n WHERE n > 3;
                 INSERT INTO pending (sink, path, status, deletion, large) SELECT 1, 'old' || n, iif(n % 2, 'due', 'held'), 1, 0 FROM n;
                 INSERT INTO pending (sink, path, status, deletion, large) SELECT 1, 'new' || n, 'due', 0, 0 FROM n;"
            ))?;
            let steps = steps(connection, transactions::moves::PAIR, &[&1, &1])?;
            let paired: i64 =
                connection.query_row("SELECT count(*) FROM lineage WHERE substr(path, 4) = substr(origin, 4)", [], |row| row.get(0))?;
            Ok((steps, paired))
        });
        let (steps, paired) = paired.await.expect("paired");
        assert_eq!(paired, number - 3, "two new ones have one content, and two old ones none of the new ones'");
        taken.push(steps);
    }
    assert!(taken[1] < 8 * taken[0], "four times as many: {taken:?}");
}

/// A consumed event counted as applied, whatever the result of its change.
#[tokio::test]
async fn an_event_counts_as_waiting_until_its_change_is_applied_or_skipped() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
    let sink = file_manager(&state).await;
    let key = |raw: &str| ObjectKey::new(raw).expect("not empty");
    let facts = |class: Option<&str>| ObjectFacts {
        size: 3,
        etag: ETag::parse("x"),
        last_modified: None,
        storage_class: class.map(str::to_owned),
        version_id: None,
    };
    // A listing finds this file first; an event reports it later.
    let listed = Observation { path: key("listed"), facts: Some(facts(None)), seq: state.source().observation_next() };
    state.source().observations_record(vec![listed]).await.expect("stored");
    assert_eq!(sink.oldest_unapplied().await.expect("read"), None, "no event reported it");
    for (second, path) in [(1, "applied"), (2, "listed"), (3, "parked")] {
        state.inbox().receive(vec![reported(path)], at(second)).await.expect("received");
    }
    assert_eq!(sink.oldest_unapplied().await.expect("read"), Some(at(1)), "in the inbox");
    let seq = state.source().observation_next();
    let observations = ["applied", "listed", "parked"].map(|path| Observation { path: key(path), facts: Some(facts(None)), seq });
    let rows = state.inbox().events_batch(0, 10).await.expect("read");
    state.source().replay(Replay { rows, observations: observations.to_vec(), ..Replay::default() }).await.expect("replayed");
    assert_eq!((state.inbox().events_len().await.expect("counted"), sink.oldest_unapplied().await.expect("read")), (0, Some(at(1))));
    for (path, oldest) in [("applied", Some(at(2))), ("listed", Some(at(3)))] {
        let file = FileRecord { size: Some(3), etag: ETag::parse("x"), ..FileRecord::at(key(path)) };
        sink.applied_record(file, Attempts::default()).await.expect("stored");
        assert_eq!(sink.oldest_unapplied().await.expect("read"), oldest, "after {path}");
    }
    let failed = Some(AttemptFailure { reason: "broken".to_owned(), message: "it broke".to_owned() });
    sink.pending_park(&key("parked"), Attempts { failed, ..Attempts::default() }, Timestamp::MAX).await.expect("parked");
    assert_eq!(sink.oldest_unapplied().await.expect("read"), Some(at(3)), "it waits for its next attempt");
    sink.pending_skip(&key("parked"), SkipReason::Archived).await.expect("skipped");
    assert_eq!(sink.oldest_unapplied().await.expect("read"), None, "it waits for nothing");
}
