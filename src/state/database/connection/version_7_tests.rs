//! The migration of a state as the program of schema version 7 left it: no row is lost.

use super::{MIGRATIONS, open_to_read, open_to_write};
use rusqlite::Connection;
use rusqlite::types::Value;
use std::path::{Path, PathBuf};

/// Pairs of queries with equal results: the first runs on version 7, the second on the current version.
const SAME: &[(&str, &str)] = &[
    (
        "SELECT 1, * FROM observed ORDER BY path",
        "SELECT source, path, look, present, size, etag, last_modified, storage_class, version_id, gone_told_at, gone_by_event, gone_look
         FROM observed ORDER BY path",
    ),
    (
        "SELECT sink, path, confirmed, size, etag, last_modified, storage_class, version_id, file_type, internal_id, permissions, owner,
                owner_group, run, applied_at FROM applied ORDER BY path",
        "SELECT sink, path, confirmed, size, etag, last_modified, storage_class, version_id, file_type, handle, permissions, owner,
                owner_group, run, applied_at FROM applied ORDER BY path",
    ),
    ("SELECT 1, * FROM told ORDER BY path", "SELECT * FROM permissions ORDER BY path"),
    ("SELECT *, NULL FROM intents ORDER BY path, plane", "SELECT * FROM intents ORDER BY path, plane"),
    ("SELECT *, NULL FROM history ORDER BY id", "SELECT * FROM history ORDER BY id"),
    ("SELECT *, NULL FROM pending ORDER BY seq", "SELECT * FROM pending ORDER BY seq"),
    ("SELECT * FROM waiting ORDER BY 1, 2, 3, 4", "SELECT * FROM waiting ORDER BY 1, 2, 3, 4"),
    ("SELECT * FROM lineage ORDER BY path", "SELECT * FROM lineage ORDER BY path"),
    ("SELECT * FROM runs ORDER BY number", "SELECT * FROM runs ORDER BY number"),
    ("SELECT * FROM inbox ORDER BY seq", "SELECT * FROM inbox ORDER BY seq"),
    ("SELECT * FROM dead_letters ORDER BY id", "SELECT * FROM dead_letters ORDER BY id"),
    ("SELECT * FROM feed_identities ORDER BY 1, 2", "SELECT * FROM feed_identities ORDER BY 1, 2"),
    ("SELECT * FROM queues ORDER BY 1", "SELECT * FROM queues ORDER BY 1"),
    ("SELECT * FROM counters WHERE name <> 'intents' ORDER BY 1", "SELECT * FROM counters ORDER BY 1"),
    ("SELECT * FROM sqlite_sequence ORDER BY 1", "SELECT * FROM sqlite_sequence ORDER BY 1"),
    (
        "SELECT name, value FROM meta WHERE name IN ('feed_address', 'feed_gap')
         UNION ALL SELECT 'last_sink', '1' ORDER BY 1",
        "SELECT name, value FROM meta ORDER BY 1",
    ),
];

const SINK: &str = "SELECT id, source, name, kind, address, policy, applied_rows, open_intents, held_deletes, held_of_rows,
                           held_as_nothing_was_listed, rows_before_listing, listing_unjudged, settings, outside_prefix FROM sinks";
const SOURCE: &str = "SELECT id, name, kind, address, listed_up_to, listed_everything, listing_saw_files, initial_completed_by,
                             reconcile_unfinished FROM sources";

/// A database of version 7, changed by these statements.
fn version_7(directory: &Path, statements: &str) -> PathBuf {
    let path = directory.join("sync.db");
    Connection::open(&path).expect("a database").execute_batch(statements).expect("it can be loaded");
    path
}

fn rows(connection: &Connection, text: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).expect("asked");
    rows.collect::<Result<_, _>>().expect("rows")
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn count(connection: &Connection, text: &str) -> i64 {
    connection.query_row(text, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_migration_keeps_every_row_of_a_real_state() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = version_7(directory.path(), include_str!("../../../../tests/fixtures/state-v7.sql"));
    let old = Connection::open(&path).expect("a database");
    let before: Vec<_> = SAME.iter().map(|(before, _)| rows(&old, before)).collect();
    assert!(before.iter().all(|rows| !rows.is_empty()), "the fixture has rows of each kind");
    drop(old);

    let new = open_to_write(&path).expect("brought up to date");
    for ((_, after), before) in SAME.iter().zip(before) {
        assert_eq!(rows(&new, after), before, "{after}");
    }
    let settings = "max_file_bytes=Some(1048576) attempts=1 verify=true";
    let numbers = |numbers: &[i64]| numbers.iter().copied().map(Value::Integer).collect::<Vec<_>>();
    let named = ["file_manager", "file_manager", "http://127.0.0.1:18001", "{}"].map(text).to_vec();
    let counted = [numbers(&[21, 3, 5, 21, 0, 21, 1]), vec![text(settings)], numbers(&[0])].concat();
    assert_eq!(rows(&new, SINK), [[numbers(&[1, 1]), named, counted].concat()]);
    let named = ["bucket", "bucket", "http://127.0.0.1:19000/customer-bucket/", "guard/5.txt"].map(text).to_vec();
    assert_eq!(rows(&new, SOURCE), [[numbers(&[1]), named, numbers(&[0, 1, 1, 1])].concat()]);
    assert_eq!(rows(&new, "PRAGMA integrity_check"), [[text("ok")]]);
    let tables = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name";
    let fresh = open_to_write(&directory.path().join("fresh.db")).expect("a database");
    assert_eq!(rows(&new, tables).len(), rows(&fresh, tables).len(), "nothing of version 7 is left");
}

#[test]
fn counters_stay_right_after_the_migration() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = version_7(directory.path(), include_str!("../../../../tests/fixtures/state-v7.sql"));
    let new = open_to_write(&path).expect("brought up to date");
    new.execute_batch(
        "DELETE FROM intents WHERE path = 'open/intent.txt'; DELETE FROM applied WHERE path = 'plain/0.txt';
         DELETE FROM pending WHERE status = 'held'; DELETE FROM pending WHERE path = 'open/intent.txt';",
    )
    .expect("deleted");
    assert_eq!(rows(&new, "SELECT applied_rows, open_intents FROM sinks"), [[Value::Integer(20), Value::Integer(2)]]);
    let waiting = "SELECT sum(paths) FROM waiting WHERE status = 'held' UNION ALL SELECT sum(paths) FROM waiting WHERE status = 'due'";
    assert_eq!(rows(&new, waiting), [[Value::Integer(0)], [Value::Integer(1)]]);
}

/// A new state runs the first migrations, too, which add a sink: a sink that no run has configured does not count.
#[test]
fn a_state_that_was_never_used_has_no_sink_and_one_that_names_its_sink_keeps_it() {
    for (meta, sinks) in [("", 0), ("INSERT INTO meta (name, value) VALUES ('sink_file_manager', 'http://files')", 1)] {
        let directory = tempfile::tempdir().expect("a directory");
        let path = version_7(directory.path(), &format!("{}{meta}; PRAGMA user_version = 7", MIGRATIONS[..7].concat()));
        let new = open_to_write(&path).expect("brought up to date");
        assert_eq!(count(&new, "SELECT count(*) FROM sinks WHERE address = 'http://files'"), sinks);
        assert_eq!(count(&new, "SELECT count(*) FROM sinks"), sinks);
        assert_eq!(count(&new, "SELECT count(*) FROM waiting"), 2 * sinks, "what is due is counted where there is a sink");
        assert_eq!(count(&new, "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'last_sink'"), sinks);
        assert_eq!(count(&new, "SELECT count(*) FROM sources WHERE address IS NULL AND initial_completed_by IS NULL"), 1);
    }
}

#[test]
fn opening_an_old_state_read_only_names_the_command_that_migrates_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = version_7(directory.path(), include_str!("../../../../tests/fixtures/state-v7.sql"));
    let refused = open_to_read(&path).expect_err("it is of an older version").to_string();
    let words = "its schema is of version 7: run a command that writes once, to bring it up to date";
    assert!(refused.contains(words), "{refused}");
    assert_eq!(count(&Connection::open(&path).expect("a database"), "PRAGMA user_version"), 7, "and it is as it was");
    drop(open_to_write(&path).expect("brought up to date"));
    open_to_read(&path).expect("it can be read");
}
