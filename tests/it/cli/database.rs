//! A database path that cannot be used, or a damaged database, or one of a newer program: a clear message, the right exit code,
//! no panic.

use super::stage::Stage;
use std::fs;

/// Byte 60 of an SQLite file: `user_version`, four bytes, big-endian.
const USER_VERSION: std::ops::Range<usize> = 60..64;

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_database_path_is_named() {
    let mut stage = Stage::with(&["a.txt"]).await;
    fs::write(stage.path("a-file"), "").expect("written");
    fs::create_dir(stage.path("a-directory")).expect("made");
    for (place, code, words) in [
        ("a-directory", 2, ["database a-directory", "this is not a file", "DATABASE_PATH"]),
        ("a-file/sync.db", 1, ["database a-file/sync.db", "directory cannot be made", "DATABASE_PATH"]),
        ("/proc/sync.db", 1, ["/proc/sync.db", "No such file or directory", "s3-sync: database"]),
    ] {
        stage.setting("DATABASE_PATH", place);
        let ran = stage.expect(&["initial-sync"], code).await;
        ran.says(&words);
        assert_eq!((ran.stderr.lines().count(), ran.stdout.as_str()), (1, ""), "{ran:?}");
    }
    assert_eq!(stage.left_behind().len(), 1, "no lock file, no database: {:?}", stage.left_behind());
    assert_eq!(stage.api().calls_in_all(), 0);
}

/// A pipe represents everything that has a mode and is no file: with `/dev/null` as the database, the program would make it
/// unusable for others.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_no_file_keeps_its_mode() {
    let mut stage = Stage::with(&["a.txt"]).await;
    let pipe = stage.path("a-pipe");
    let made = std::process::Command::new("mkfifo").args(["-m", "0666"]).arg(&pipe).status().expect("mkfifo is on every Linux");
    assert!(made.success());
    stage.setting("DATABASE_PATH", "a-pipe");
    for arguments in [["initial-sync"], ["status"], ["export"]] {
        stage.expect(&arguments, 2).await.says(&["database a-pipe", "this is not a file", "DATABASE_PATH"]);
    }
    assert_eq!(stage.left_behind().into_iter().collect::<Vec<_>>(), [(pipe, 0o666)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_directory_is_created() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.setting("DATABASE_PATH", "not/there/yet/s.db");
    stage.expect(&["test"], 0).await;
    assert!(!stage.path("not").exists(), "a test makes nothing");
    stage.expect(&["initial-sync"], 0).await;
    assert!(stage.path("not/there/yet/s.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_foreign_database_is_named_with_a_remedy() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    let mut damaged = fs::read(stage.path("data/sync.db")).expect("readable");
    damaged[100..].fill(0xa5);
    fs::write(stage.path("damaged.db"), damaged).expect("written");
    fs::write(stage.path("letter.db"), "Dear Sir or Madam, ".repeat(500)).expect("written");
    let calls = stage.api().effects().total;
    for (place, words) in [("letter.db", "file is not a database"), ("damaged.db", "malformed")] {
        stage.setting("DATABASE_PATH", place);
        let before = fs::read(stage.path(place)).expect("readable");
        for arguments in [["initial-sync"], ["status"], ["export"]] {
            let ran = stage.expect(&arguments, 1).await;
            ran.says(&[place, words, "put a backup of it back, or move it away"]);
            assert!(!ran.stderr.contains("panicked"), "{ran:?}");
        }
        stage.expect(&["test"], 1).await.prints(&["failed   database", place, words]);
        assert_eq!(fs::read(stage.path(place)).expect("readable"), before, "{place} is as it was");
    }
    assert_eq!(stage.api().effects().total, calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_program_is_left_alone() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    let mut newer = fs::read(stage.path("data/sync.db")).expect("readable");
    newer[USER_VERSION].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(stage.path("data/sync.db"), &newer).expect("written");
    for arguments in [["initial-sync"], ["status"], ["export"]] {
        stage.expect(&arguments, 2).await.says(&[
            "data/sync.db",
            "schema version 99",
            "this program knows",
            "use the program that wrote it",
        ]);
    }
    stage.expect(&["test"], 1).await.prints(&["failed   database", "schema version 99"]);
    assert_eq!(fs::read(stage.path("data/sync.db")).expect("readable"), newer);
}
