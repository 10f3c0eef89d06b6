//! The state of an older program: a read-only command names the command that migrates it; after that, every command reports as
//! before.

use super::stage::Stage;
use rusqlite::Connection;
use std::fs;

/// A stage with a state of schema version 7 that has the doubles' addresses.
async fn with_version_7() -> Stage {
    let stage = Stage::with(&["plain/1.txt"]).await;
    fs::create_dir(stage.path("data")).expect("made");
    let dump = include_str!("../../fixtures/state-v7.sql")
        .replace("http://127.0.0.1:19000", stage.s3.endpoint())
        .replace("http://127.0.0.1:18001", &stage.files.url());
    Connection::open(stage.path("data/sync.db")).and_then(|database| database.execute_batch(&dump)).expect("loaded");
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_only_reads_names_the_command_that_migrates_and_changes_nothing() {
    let stage = with_version_7().await;
    let before = fs::read(stage.path("data/sync.db")).expect("readable");
    for arguments in [&["status"] as &[_], &["export"], &["why", "guard/0.txt"]] {
        let ran = stage.expect(arguments, 1).await;
        ran.says(&["data/sync.db", "its schema is of version 7: run a command that writes once, to bring it up to date"]);
    }
    assert_eq!(fs::read(stage.path("data/sync.db")).expect("readable"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_migration_every_command_reports_as_before() {
    let stage = with_version_7().await;
    stage.expect(&["dead-letters", "drop", "1"], 0).await;

    let status = stage.expect(&["status", "--json"], 0).await.json();
    let counts = ["database_records", "deletes_held", "inbox", "dead_letters", "unconfirmed"].map(|name| status[name].as_u64());
    assert_eq!(counts, [Some(21), Some(5), Some(3), Some(1), Some(1)], "{status}");
    assert!(status["feed_gap"].is_string(), "{status}");
    let parked = status["pending"].as_array().expect("a list").iter().find(|row| row["reason"] == "file_manager_400");
    assert_eq!(parked.expect("parked")["example"], "doubt/unconfirmed.txt", "{status}");
    stage.expect(&["status"], 0).await.prints(&["deletes that the guard holds: 5", "run 10"]);

    for (key, words) in [
        ("guard/0.txt", "the guard holds its delete"),
        ("fail/parked.txt", "file_manager_400"),
        ("moved/to.txt", "moved/from.txt"),
        ("later/1.txt", "later/1.txt"),
        ("gone/by-event.txt", "delete"),
        ("perms/reported.txt", "0640"),
        ("unicode/Grüße 你.txt", "run 1"),
    ] {
        stage.expect(&["why", key], 0).await.prints(&[words]);
    }
    let exported = stage.expect(&["export", "--side", "applied"], 0).await.stdout;
    assert_eq!(exported.lines().count(), 1 + 21, "{exported}");
    assert!(exported.contains("perms/reported.txt") && exported.contains("alice"), "{exported}");
}
