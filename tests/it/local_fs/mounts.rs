//! Another file system below the root, and one that is full. Needs mounts in a namespace of the test's own; where the system forbids
//! these, the test says so and ends.

use super::{files_below, from_parent, key, put, start, temporary_below};
use s3_sync::local_fs::AtomicWriter;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = "LOCAL_FS_MOUNTED_ROOT";

/// Runs `child` with a file system of 1 MiB at `small` below a root.
#[test]
fn another_file_system_below_the_root() {
    let base = tempfile::tempdir().expect("a directory");
    fs::create_dir(base.path().join("small")).expect("created");
    let mount = "mount -t tmpfs -o size=1m none \"$LOCAL_FS_MOUNTED_ROOT/small\" || exit 77\nexec \"$0\" --exact local_fs::mounts::child --nocapture";
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", mount])
        .arg(std::env::current_exe().expect("this binary"))
        .env(ROOT, base.path())
        .output();
    match ran {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("1 passed"), "{said}");
        }
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("test ") => panic!("{output:?}"),
        not_run => eprintln!("skipped: mounts are not permitted here: {not_run:?}"),
    }
}

/// Not a test by itself: it runs where the mount is.
#[test]
fn child() {
    let Some(root) = from_parent(ROOT).map(PathBuf::from) else { return };
    let writer = start(&root);
    the_temporary_file_stands_beside_its_target(&writer, &root);
    a_foreign_file_is_copied_to_where_it_is_kept(&writer, &root);
    a_full_disk_leaves_nothing_half_written(&writer, &root);
}

fn the_temporary_file_stands_beside_its_target(writer: &AtomicWriter, root: &Path) {
    let file = writer.create(&key("small/new/directory/a")).expect("created");
    let temporary = temporary_below(root);
    assert!(temporary.iter().any(|path| path.starts_with(root.join("small"))), "{temporary:?}");
    drop(file);
    assert_eq!(temporary_below(root), Vec::<PathBuf>::new());

    let one = put(writer, "small/a", "one", None).expect("placed");
    put(writer, "small/a", "two", Some(&one.handle)).expect("replaced");
    assert_eq!(fs::read_to_string(root.join("small/a")).expect("there"), "two");
    assert_eq!(temporary_below(root), Vec::<PathBuf>::new());
}

fn a_foreign_file_is_copied_to_where_it_is_kept(writer: &AtomicWriter, root: &Path) {
    fs::write(root.join("small/theirs"), "a user's file").expect("written");
    let times = fs::metadata(root.join("small/theirs")).expect("there").modified().expect("a time");
    let placed = put(writer, "small/theirs", "ours", None).expect("placed");
    let kept = root.join(&placed.kept[0]);
    assert_eq!(fs::read_to_string(&kept).expect("kept"), "a user's file");
    assert_eq!(fs::metadata(&kept).expect("kept").modified().expect("a time"), times);
    assert_eq!(fs::read_to_string(root.join("small/theirs")).expect("there"), "ours");
}

fn a_full_disk_leaves_nothing_half_written(writer: &AtomicWriter, root: &Path) {
    let old = put(writer, "small/full", "old", None).expect("placed");
    let before = files_below(&root.join("small"));
    let mut file = writer.create(&key("small/full")).expect("created");
    let written = (0..512).try_for_each(|_| file.write_all(&[b'n'; 4096]));
    assert_eq!(written.map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
    drop(file);
    assert_eq!(files_below(&root.join("small")), before);
    assert_eq!(temporary_below(root), Vec::<PathBuf>::new());

    put(writer, "small/full", "new", Some(&old.handle)).expect("it goes on when it can");
    assert_eq!(fs::read_to_string(root.join("small/full")).expect("there"), "new");
}
