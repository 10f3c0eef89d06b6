//! The root opens nothing outside of it.

use super::*;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// Each test runs with `openat2` and with the walk in its place.
fn roots() -> impl Iterator<Item = (TempDir, Root)> {
    [true, false].into_iter().map(|openat2| {
        let base = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(base.path().join("root/d/e")).expect("created");
        fs::create_dir(base.path().join("outside")).expect("created");
        fs::write(base.path().join("outside/secret"), "secret").expect("written");
        fs::write(base.path().join("root/d/f"), "content").expect("written");
        let mut root = Root::open(&base.path().join("root")).expect("opened");
        root.abilities.openat2 &= openat2;
        (base, root)
    })
}

#[test]
fn a_path_that_could_lead_out_is_refused() {
    for (_base, root) in roots() {
        let long = "n".repeat(256);
        for path in
            ["", "/", "..", "../outside/secret", "d/../../outside/secret", "/etc/passwd", "d//f", "./d/f", "d/.", "d/", "a\0b", &long]
        {
            let path = Path::new(path);
            assert!(matches!(root.open_file(path), Err(LocalFsError::InvalidPath { .. })), "{path:?}");
            assert!(matches!(root.stat(path), Err(LocalFsError::InvalidPath { .. })), "{path:?}");
            let made = root.entry_in_new_directory(path, &mut DirectorySyncs::default());
            assert!(matches!(made, Err(LocalFsError::InvalidPath { .. })), "{path:?}");
        }
    }
}

/// Without the check of the text: the system alone refuses it.
#[test]
fn the_system_refuses_a_way_out_as_well() {
    for (_base, root) in roots().filter(|(_, root)| root.abilities.openat2) {
        for path in ["../outside", "/etc", "d/../../outside"] {
            let opened = open_beneath(&root.directory, Path::new(path));
            assert_eq!(opened.map(drop), Err(Errno::XDEV), "{path}");
        }
    }
}

#[test]
fn a_link_on_the_way_is_reported_and_not_followed() {
    for (base, root) in roots() {
        symlink(base.path().join("outside"), base.path().join("root/link")).expect("linked");
        symlink("d", base.path().join("root/inner")).expect("linked");
        for path in ["link/secret", "inner/f", "link/new/x"] {
            let first = Path::new(path.split('/').next().expect("a name"));
            let is_the_link = |error: &LocalFsError| matches!(error, LocalFsError::InTheWay { path, found: FileKind::Link, wanted: FileKind::Directory } if path == first);
            let path = Path::new(path);
            assert!(root.open_file(path).as_ref().is_err_and(is_the_link), "{path:?}");
            assert!(root.stat(path).as_ref().is_err_and(is_the_link), "{path:?}");
            assert!(root.make_directories(path, &mut DirectorySyncs::default()).as_ref().is_err_and(is_the_link), "{path:?}");
        }
        let last = root.open_file(Path::new("link"));
        assert!(matches!(last, Err(LocalFsError::InTheWay { found: FileKind::Link, wanted: FileKind::File, .. })), "{last:?}");
        assert_eq!(root.stat(Path::new("link")).expect("seen").map(|stat| stat.kind), Some(FileKind::Link));
        assert!(!base.path().join("outside/new").exists());
    }
}

#[test]
fn a_file_is_seen_and_read() {
    for (_base, root) in roots() {
        let mut content = String::new();
        root.open_file(Path::new("d/f")).expect("opened").expect("there").read_to_string(&mut content).expect("read");
        assert_eq!(content, "content");
        let seen = root.stat(Path::new("d/f")).expect("seen").expect("there");
        assert_eq!((seen.kind, seen.identity.size), (FileKind::File, 7));
        for missing in ["x", "d/x", "x/y/z", "d/f/below"] {
            assert!(root.stat(Path::new(missing)).expect("seen").is_none(), "{missing}");
            assert!(root.open_file(Path::new(missing)).expect("opened").is_none(), "{missing}");
        }
        assert!(matches!(root.open_file(Path::new("d")), Err(LocalFsError::InTheWay { found: FileKind::Directory, .. })));
    }
}

#[test]
fn a_pipe_is_not_opened() {
    for (base, root) in roots() {
        rustix::fs::mknodat(rustix::fs::CWD, base.path().join("root/pipe"), rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .expect("a pipe");
        assert!(matches!(root.open_file(Path::new("pipe")), Err(LocalFsError::InTheWay { found: FileKind::Other, .. })));
    }
}

#[test]
fn directories_are_made_to_any_depth_and_noted() {
    for (base, root) in roots() {
        let mut syncs = DirectorySyncs::default();
        root.make_directories(Path::new("d/e/new/deep"), &mut syncs).expect("made");
        root.make_directories(Path::new("d/e"), &mut syncs).expect("there");
        assert!(base.path().join("root/d/e/new/deep").is_dir());
        assert_eq!(syncs.len(), 2, "{syncs:?}");
        // Longer than what the system takes in one call.
        let long: PathBuf = (0..40).map(|_| "n".repeat(200)).collect();
        root.make_directories(&long, &mut syncs).expect("made");
        assert_eq!(root.stat(&long).expect("seen").map(|stat| stat.kind), Some(FileKind::Directory));
        root.sync(syncs).expect("synced");

        let in_the_way = root.make_directories(Path::new("d/f/x"), &mut DirectorySyncs::default());
        assert!(matches!(in_the_way, Err(LocalFsError::InTheWay { found: FileKind::File, .. })), "{in_the_way:?}");
    }
}

#[test]
fn only_empty_and_unwanted_directories_are_removed() {
    for (base, root) in roots() {
        let make = |path| fs::create_dir_all(base.path().join("root").join(path)).expect("created");
        make("d/1/2/3/4");
        let mut syncs = DirectorySyncs::default();
        root.remove_empty_parents(Path::new("d/1/2/3/4/gone"), &|path| path == Path::new("d/1/2"), &mut syncs).expect("removed");
        assert!(base.path().join("root/d/1/2").is_dir() && !base.path().join("root/d/1/2/3").exists());
        root.remove_empty_parents(Path::new("d/1/2/gone"), &|_| false, &mut syncs).expect("removed");
        assert!(base.path().join("root/d/f").is_file() && !base.path().join("root/d/1").exists());
        root.sync(syncs).expect("directories that are gone need no sync");
    }
}

#[test]
fn the_root_may_be_a_link_and_stays_the_directory_that_was_opened() {
    let (base, _) = roots().next().expect("a root");
    symlink(base.path().join("root"), base.path().join("by-link")).expect("linked");
    let root = Root::open(&base.path().join("by-link")).expect("opened");
    fs::remove_file(base.path().join("by-link")).expect("removed");
    symlink(base.path().join("outside"), base.path().join("by-link")).expect("linked");
    assert!(root.stat(Path::new("d/f")).expect("seen").is_some());
    assert!(Root::open(&base.path().join("root/d/f")).is_err(), "a file is no root");
}
