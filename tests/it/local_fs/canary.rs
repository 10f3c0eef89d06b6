//! While another program swaps a directory for a link that leads out of the root, nothing outside is written or read.

use super::{files_below, key, put, start};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use s3_sync::local_fs::{AtomicWriter, DirectorySyncs, LocalFsError};
use std::fs::{self, FileTimes};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// Times and sizes of all that is outside. An access time before the last modification changes with the next read, also where the
/// system updates it rarely.
fn outside(directory: &Path) -> [[i64; 5]; 3] {
    ["", "secret", "a"].map(|name| {
        let seen = fs::metadata(directory.join(name)).expect("there");
        [seen.atime(), seen.mtime(), seen.ctime(), seen.ctime_nsec(), i64::try_from(seen.size()).expect("small")]
    })
}

/// The directory and the link exchange their names, so `d` is always one of them.
fn swap(root: &Path) -> Result<(), rustix::io::Errno> {
    renameat_with(CWD, root.join("d"), CWD, root.join("link"), RenameFlags::EXCHANGE)
}

/// Ends the thread that swaps, also if an assertion fails.
struct EndsSwapping<'a>(&'a AtomicBool);

impl Drop for EndsSwapping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What is in a directory beside the root, which `link` leads to.
fn make_canary(base: &Path) -> (PathBuf, PathBuf) {
    let (root, canary) = (base.join("root"), base.join("canary"));
    fs::create_dir_all(root.join("d")).expect("created");
    fs::create_dir(&canary).expect("created");
    for name in ["secret", "a"] {
        fs::write(canary.join(name), "canary").expect("written");
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let times = FileTimes::new().set_accessed(long_ago).set_modified(long_ago + Duration::from_secs(10));
        fs::File::options().write(true).open(canary.join(name)).and_then(|file| file.set_times(times)).expect("set");
    }
    symlink(&canary, root.join("link")).expect("linked");
    (root, canary)
}

/// One of each operation below `d`.
fn attempt(writer: &AtomicWriter, number: u64) -> [Result<(), LocalFsError>; 5] {
    let secret = Path::new("d/secret");
    [
        put(writer, "d/a", &format!("ours {number}"), None).map(drop),
        put(writer, &format!("d/new {number}/x"), "ours", None).map(drop),
        writer.root().open_file(secret).map(|opened| assert!(opened.is_none(), "this file is outside")),
        writer.root().stat(secret).map(|seen| assert!(seen.is_none(), "this file is outside")),
        writer.delete(&key("d/a"), None, &mut DirectorySyncs::default()).map(drop),
    ]
}

#[test]
fn a_directory_that_becomes_a_link_leads_nowhere() {
    const WANTED: u32 = 100;
    let max_attempts = crate::amount("CANARY_ATTEMPTS", 20_000);
    let base = tempfile::tempdir().expect("a directory");
    let (root, canary) = make_canary(base.path());
    let before = outside(&canary);
    let writer = start(&root);
    let (is_done, mut placed, mut refused) = (AtomicBool::new(false), 0, 0);
    std::thread::scope(|threads| {
        let _ends = EndsSwapping(&is_done);
        threads.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                swap(&root).expect("exchanged");
            }
        });
        for number in 0..max_attempts {
            for result in attempt(&writer, number) {
                match result {
                    Ok(()) => placed += 1,
                    Err(LocalFsError::InTheWay { .. }) => refused += 1,
                    Err(LocalFsError::KeepsChanging { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            if placed >= WANTED && refused >= WANTED {
                break;
            }
        }
    });
    assert_eq!(outside(&canary), before);
    assert_eq!(fs::read_dir(&canary).expect("read").count(), 2);
    assert!(placed >= WANTED && refused >= WANTED, "{placed} were done and {refused} were refused: too few to prove anything");
    assert!(files_below(&root).iter().all(|(_, content)| !content.contains("canary")), "nothing came in either");
}
