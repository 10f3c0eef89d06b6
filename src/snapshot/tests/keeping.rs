//! Tests of the files kept on disk: only complete files, only of the newest runs, and no file of another program.

use super::*;
use crate::snapshot::SnapshotRows;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use tempfile::TempDir;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn store(directory: &TempDir, kept_runs: usize) -> SnapshotStore {
    SnapshotStore::new(directory.path(), NonZeroUsize::new(kept_runs).expect("not zero"))
}

fn name(side: SnapshotSide, time: &str, run: u64) -> SnapshotName {
    SnapshotName { side, rows: SnapshotRows::Full, at: time.parse().expect("a time"), run }
}

fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn a_name_has_side_time_and_run_and_other_names_are_rejected() {
    let new = name(SnapshotSide::New, "2026-11-21T00:52:00.9+01:00", 7);
    assert_eq!(new.to_string(), "sync_state_new_20261120_235200_r7.csv");
    let old = name(SnapshotSide::Old, "2026-01-02T03:04:05Z", u64::MAX);
    assert_eq!(SnapshotName::parse(&old.to_string()), Some(old));
    let changes = SnapshotName { rows: SnapshotRows::Changed, ..old };
    assert!(changes.to_string().starts_with("sync_changes_old_2026"));
    assert_eq!(SnapshotName::parse(&changes.to_string()), Some(changes));
    for foreign in [
        "sync_state_new_20261120_235200.csv",
        "sync_state_new_20261120_235200_r07.csv",
        "sync_state_new_20261120_235200_r+7.csv",
        "sync_state_new_20261120_235200_r.csv",
        "sync_state_new_20261320_235200_r7.csv",
        "sync_state_new_2026112_235200_r7.csv",
        "sync_state_newer_20261120_235200_r7.csv",
        "sync_state_new_20261120_235200_r7.csv.bak",
        "sync_deltas_new_20261120_235200_r7.csv",
    ] {
        assert_eq!(SnapshotName::parse(foreign), None, "{foreign}");
    }
}

#[test]
fn a_snapshot_appears_only_when_it_is_complete() {
    let directory = directory();
    let name = name(SnapshotSide::New, "2026-11-21T13:52:00Z", 1);
    let mut pending = store(&directory, 1).create(name).expect("begun");
    pending.push(&bare("a")).expect("a row");
    assert_eq!(names(&directory), [".sync_state_new_20261121_135200_r1.csv.s3-sync-partial"]);
    let path = pending.commit().expect("committed");
    assert_eq!(names(&directory), ["sync_state_new_20261121_135200_r1.csv"]);
    assert_eq!(path, directory.path().join(name.to_string()));
    assert_eq!(open(&path).expect("a header").collect::<Result<Vec<_>, _>>().expect("rows"), [bare("a")]);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).expect("there").permissions()) & 0o777, 0o600);
}

#[test]
fn a_discarded_snapshot_leaves_nothing_and_keeps_the_existing_file() {
    let directory = directory();
    let path = directory.path().join("mine.csv");
    fs::write(&path, "before").expect("written");
    let mut pending = create(&path).expect("begun");
    pending.push(&bare("b")).expect("a row");
    assert!(pending.push(&bare("a")).is_err());
    drop(pending);
    assert_eq!(names(&directory), ["mine.csv"]);
    assert_eq!(fs::read(&path).expect("there"), b"before");
    create(&path).expect("begun").commit().expect("committed");
    assert!(open(&path).is_ok(), "replaced");
}

#[test]
fn the_next_write_removes_leftovers_of_a_crash_but_no_file_in_use() {
    let directory = directory();
    let store = store(&directory, 1);
    let leftover = ".sync_state_old_20261121_135200_r1.csv.s3-sync-partial";
    let foreign = [".mine.s3-sync-partial", ".sync_state_old_20261121_135200_r1.csv.tmp"];
    for file in foreign.iter().chain([&leftover]) {
        fs::write(directory.path().join(file), "half a li").expect("written");
    }
    let [old, new] = [SnapshotSide::Old, SnapshotSide::New].map(|side| name(side, "2026-11-21T13:52:00Z", 2));
    let first = store.create(old).expect("begun");
    let second = store.create(new).expect("begun beside it");
    assert!(!names(&directory).iter().any(|name| name == leftover), "the leftover is gone");
    assert!(store.create(new).is_err(), "no other writer has that file meanwhile");
    for pending in [first, second] {
        pending.commit().expect("committed");
    }
    let mut expected = vec![old.to_string(), new.to_string()];
    expected.extend(foreign.map(str::to_owned));
    expected.sort_unstable();
    assert_eq!(names(&directory), expected);
}

#[test]
fn a_leftover_of_the_same_name_is_no_obstacle() {
    let directory = directory();
    fs::write(directory.path().join(".export.csv.s3-sync-partial"), "half a li").expect("written");
    create(&directory.path().join("export.csv")).expect("begun").commit().expect("committed");
    assert_eq!(names(&directory), ["export.csv"]);
}

/// Run 10 is newer than run 9, although its name sorts before it and the clock was set back in between.
#[test]
fn the_newest_runs_are_kept_by_number_and_foreign_files_are_not_touched() {
    let directory = directory();
    let store = store(&directory, 2);
    let runs = [(8, "2026-11-22"), (9, "2026-11-23"), (10, "2026-11-21"), (1, "2026-11-24")];
    for (run, day) in runs {
        for side in [SnapshotSide::Old, SnapshotSide::New] {
            let name = name(side, &format!("{day}T00:00:00Z"), run);
            store.create(name).expect("begun").commit().expect("committed");
        }
    }
    let foreign = ["notes.csv", "sync_state_new_20200101_000000.csv"];
    for file in foreign {
        fs::write(directory.path().join(file), "").expect("written");
    }
    fs::create_dir(directory.path().join("sync_state_new_20200101_000000_r2.csv")).expect("a directory with such a name");
    assert_eq!(store.prune().expect("pruned"), 4);
    assert_eq!(
        names(&directory),
        [
            "notes.csv",
            "sync_state_new_20200101_000000.csv",
            "sync_state_new_20200101_000000_r2.csv",
            "sync_state_new_20261121_000000_r10.csv",
            "sync_state_new_20261123_000000_r9.csv",
            "sync_state_old_20261121_000000_r10.csv",
            "sync_state_old_20261123_000000_r9.csv",
        ]
    );
    assert_eq!(store.prune().expect("pruned"), 0);
}

#[test]
fn an_error_names_the_action_and_the_path() {
    let store = SnapshotStore::new("/no/such/directory", NonZeroUsize::MIN);
    let words = store.prune().expect_err("there is none").to_string();
    assert!(words.starts_with("cannot read /no/such/directory: "), "{words}");
    let words = create(Path::new("..")).err().expect("no file").to_string();
    assert_eq!(words, "cannot create ..: the path names no file");
}
