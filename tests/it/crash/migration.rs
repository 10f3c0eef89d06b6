//! Kills during the migration of a large state of schema version 7: the state is completely of one version or the other, and the
//! next start migrates it.

use super::Scene;
use mock_api::{CallName, Fault, FaultAction};
use rusqlite::Connection;
use std::path::Path;
use std::time::{Duration, Instant};

const ROWS: i64 = 100_000;
/// A WAL file begins with 32 bytes; a frame is a page of 4096 bytes and its header of 24.
const PAGE: u64 = 4096;

/// Creates that state: the schema of the fixture with many other rows.
fn fill(database: &Path, addresses: &[(&str, &str)]) {
    std::fs::create_dir_all(database.parent().expect("a directory")).expect("made");
    let text = include_str!("../../fixtures/state-v7.sql").to_owned();
    let text = addresses.iter().fold(text, |text, (old, new)| text.replace(old, new));
    let connection = Connection::open(database).expect("a database");
    connection.execute_batch(&text).expect("loaded");
    let rows = format!("WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < {ROWS})");
    connection
        .execute_batch(&format!(
            "BEGIN;
             DELETE FROM intents; DELETE FROM pending; DELETE FROM lineage; DELETE FROM told; DELETE FROM inbox; DELETE FROM observed;
             DELETE FROM applied; DELETE FROM dead_letters; DELETE FROM history; UPDATE counters SET value = 0;
             {rows} INSERT INTO observed (path, look, present, size, etag, last_modified, storage_class)
                 SELECT printf('customers/%08d.pdf', n), 1, 1, n + 1, printf('%032x', n), 1700000000000000, 'STANDARD' FROM number;
             INSERT INTO applied (sink, path, confirmed, size, etag, internal_id)
                 SELECT 1, path, 1, size, etag, 'id of ' || path FROM observed;
             INSERT INTO told (path, permissions, permissions_at, permissions_look)
                 SELECT path, 'rw', 1700000000000000, 1 FROM observed WHERE size % 10 = 0;
             COMMIT; PRAGMA journal_mode = wal; PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .expect("filled");
}

/// Asserts that all rows are in the tables of one version or the other; returns the version.
fn whole(database: &Path) -> i64 {
    let connection = Connection::open(database).expect("a database");
    let count = |text: &str| -> i64 { connection.query_row(text, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{text}: {error}")) };
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(check, "ok");
    let version = count("PRAGMA user_version");
    let (table, left, new) = if version == 7 { ("told", 2, 0) } else { ("permissions", 0, 2) };
    assert_eq!(count("SELECT count(*) FROM observed WHERE present = 1 AND size > 0"), ROWS);
    assert_eq!(count(&format!("SELECT count(*) FROM {table} WHERE permissions = 'rw'")), ROWS / 10);
    assert_eq!(count("SELECT count(*) FROM applied WHERE confirmed = 1"), ROWS);
    assert_eq!(count("SELECT applied_rows FROM sinks WHERE id = 1"), ROWS);
    let tables = |names: &str| count(&format!("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ({names})"));
    assert_eq!((tables("'told', 'observed_before'"), tables("'sources', 'outdated_permissions'")), (left / 2, new), "version {version}");
    version
}

async fn grows_beyond(file: &Path, bytes: u64) {
    let began = Instant::now();
    while std::fs::metadata(file).map_or(0, |facts| facts.len()) <= bytes {
        assert!(began.elapsed() < Duration::from_secs(20), "{} never had {bytes} bytes", file.display());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_migration_killed_at_any_moment_leaves_a_whole_state_and_the_next_start_completes_it() {
    let scene = Scene::with_objects(0).await;
    let database = scene.database();
    let (log, template) = (database.with_extension("db-wal"), database.with_extension("template"));
    fill(&database, &[("http://127.0.0.1:19000", &scene.bucket_url()), ("http://127.0.0.1:18001", &scene.file_manager_url())]);
    std::fs::copy(&database, &template).expect("copied");
    let before = std::fs::metadata(&template).expect("a file").len();
    // After the migration the run waits for the feed: it never ends before the kill.
    let feed = scene.file_manager_url();
    let run = || scene.start(&["incremental-sync"], &[("EVENTS_API_URL", &feed)]);
    scene.file_manager().order(Fault::new(FaultAction::Hang).call(CallName::PubSubFullList).always());

    // The WAL begins to grow; then it holds some, most or all of the new rows, or is being copied into the database.
    let mut versions = Vec::new();
    for (file, beyond) in [(&log, 0), (&log, 500 * PAGE), (&log, 1500 * PAGE), (&log, 2500 * PAGE), (&database, before)] {
        std::fs::copy(&template, &database).expect("copied");
        let mut process = run();
        process.lives_until(grows_beyond(file, beyond)).await.expect("it brings the state up to date");
        process.kill().await;
        versions.push(whole(&database));
    }
    assert!(versions.contains(&7) && versions.last() > Some(&7), "{versions:?}: it is one transaction");

    // Repeated kills, each during the migration after the last one, do no harm either.
    std::fs::copy(&template, &database).expect("copied");
    for beyond in [0, 1000 * PAGE, 2000 * PAGE] {
        let mut process = run();
        process.lives_until(grows_beyond(&log, beyond)).await.expect("it brings the state up to date");
        process.kill().await;
    }
    scene.file_manager().clear_faults();
    let ended = run().end().await;
    assert_eq!((ended.code, whole(&database)), (Some(0), 10), "{}", ended.stderr);
    assert_eq!(scene.file_manager().effects().total, 0, "nothing was to be done");
}
