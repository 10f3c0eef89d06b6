//! A process that is killed after any step on disk leaves every file old or new, and what others wrote is still there. The next start
//! cleans up, and the same work leads to the same end.

use super::{files_below, from_parent, key, put, start, temporary_below};
use s3_sync::failpoint;
use s3_sync::local_fs::{AtomicWriter, DirectorySyncs, FileHandle, LocalFsError};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const ROOT: &str = "LOCAL_FS_KILLED_ROOT";
const STEP: &str = "LOCAL_FS_KILLED_STEP";
const HANDLES: &str = "LOCAL_FS_KILLED_HANDLES";

/// What the writer knew of `replaced/a`, `deleted/a`, `edited`, `edited and deleted` and `way`.
type Handles = [FileHandle; 5];

/// Files as an earlier run left them. Two were edited since, and of two the writer knows nothing.
fn prepare(root: &Path) -> Handles {
    let writer = start(root);
    let old = |raw| put(&writer, raw, "old", None).expect("placed").handle;
    let handles = [old("replaced/a"), old("deleted/a"), old("edited"), old("edited and deleted"), old("way")];
    fs::write(root.join("edited"), "an edit").expect("written");
    fs::write(root.join("edited and deleted"), "another edit").expect("written");
    fs::write(root.join("theirs"), "a user's file").expect("written");
    handles
}

const NOT_OURS: [&str; 3] = ["a user's file", "an edit", "another edit"];

/// One of each kind of work.
fn work(writer: &AtomicWriter, [replaced, deleted, edited, edited_and_deleted, _]: &Handles) -> Result<(), LocalFsError> {
    put(writer, "created/new/a", "new", None)?;
    put(writer, "replaced/a", "new", Some(replaced))?;
    put(writer, "edited", "new", Some(edited))?;
    put(writer, "theirs", "new", None)?;
    // The file `way` makes way for a directory.
    put(writer, "way/a", "new", None)?;
    let mut syncs = DirectorySyncs::default();
    writer.delete(&key("deleted/a"), Some(deleted), &mut syncs)?;
    writer.root().remove_empty_parents(Path::new("deleted/a"), &|_| false, &mut syncs)?;
    writer.delete(&key("edited and deleted"), Some(edited_and_deleted), &mut syncs)?;
    writer.sync(syncs)
}

/// Not a test by itself: the process that the test below kills.
#[test]
fn child() {
    let (Some(root), Some(step), Some(handles)) = (from_parent(ROOT), from_parent(STEP), from_parent(HANDLES)) else { return };
    let handles: Vec<_> = handles.split(' ').map(|text| FileHandle::parse(text).expect("a handle")).collect();
    failpoint::arm(&format!("{}:{step}", failpoint::AFTER_A_STEP_ON_DISK));
    let writer = start(Path::new(&root));
    work(&writer, &handles.try_into().expect("all handles")).expect("done");
}

/// Runs the child up to a step and kills it there. False = it finished before.
fn kill_at(step: u32, root: &Path, handles: &Handles) -> bool {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "local_fs::killed::child", "--nocapture"])
        .env(ROOT, root)
        .env(STEP, step.to_string())
        .env(HANDLES, handles.map(|handle| handle.to_string()).join(" "))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let stderr = BufReader::new(child.stderr.take().expect("piped"));
    let is_there = |line: &String| line.contains(failpoint::AFTER_A_STEP_ON_DISK);
    let reached = stderr.lines().map_while(Result::ok).find(is_there).is_some();
    if reached {
        child.kill().expect("killed");
    }
    let status = child.wait().expect("ended");
    assert_eq!(status.success(), !reached, "step {step}: {status}");
    reached
}

fn assert_old_or_new(root: &Path, step: u32) {
    let content = |path: &str| fs::read_to_string(root.join(path)).ok();
    let check = |path: &str, allowed: &[Option<&str>]| {
        assert!(allowed.contains(&content(path).as_deref()), "step {step}: {path}: {:?}", content(path));
    };
    check("created/new/a", &[None, Some("new")]);
    check("replaced/a", &[Some("old"), Some("new")]);
    check("edited", &[Some("an edit"), Some("new")]);
    check("theirs", &[Some("a user's file"), Some("new")]);
    check("deleted/a", &[Some("old"), None]);
    check("edited and deleted", &[Some("another edit"), None]);
    check("way/a", &[None, Some("new")]);
}

/// Everything that is not ours exists, either at its place or kept, and nothing else is kept.
fn assert_nothing_is_lost(root: &Path, step: u32) {
    let files = files_below(root);
    for content in NOT_OURS {
        let count = files.iter().filter(|(_, found)| found == content).count();
        assert_eq!(count, 1, "step {step}: {content}: {files:?}");
    }
    let kept = files.iter().filter(|(path, _)| path.starts_with(root.join(".s3-sync/kept")));
    assert!(kept.clone().all(|(_, content)| NOT_OURS.contains(&&**content)), "step {step}: {files:?}");
}

#[test]
fn a_kill_after_any_step_leaves_old_or_new() {
    let mut step = 1;
    loop {
        let base = tempfile::tempdir().expect("a directory");
        let root = base.path();
        let handles = prepare(root);
        let killed = kill_at(step, root, &handles);
        assert_old_or_new(root, step);

        let writer = start(root);
        assert_eq!(temporary_below(root), [""; 0].map(std::path::PathBuf::from), "step {step}");
        assert_old_or_new(root, step);
        assert_nothing_is_lost(root, step);
        let way = writer.inspect(&key("way"), Some(&handles[4])).expect("seen");
        assert_eq!(way.map(|found| found.identity), Some(handles[4].identity), "step {step}");

        work(&writer, &handles).expect("the same work again");
        assert_nothing_is_lost(root, step);
        for path in ["created/new/a", "replaced/a", "edited", "theirs", "way/a"] {
            assert_eq!(fs::read_to_string(root.join(path)).expect("there"), "new", "step {step}: {path}");
        }
        assert!(!root.join("deleted").exists() && !root.join("edited and deleted").exists(), "step {step}");
        if !killed {
            break;
        }
        step += 1;
    }
    assert!(step > 30, "only {step} steps were reached");
}
