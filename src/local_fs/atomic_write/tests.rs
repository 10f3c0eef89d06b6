//! Files are placed, replaced and deleted as a whole, and what other programs wrote is kept. Each test runs with all abilities of the
//! system, without those that some systems lack, and with the temporary file beside the target, as on another file system.

mod writer;

mod changed_by_others;
mod names_in_the_way;
mod start;

use super::super::{FileHandle, FileIdentity, FileKind, LocalFsError, StandsAt};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use writer::{Scene, key, scenes};

#[test]
fn a_file_is_created_replaced_and_deleted() {
    for scene in scenes() {
        let created = scene.put("d/a", "one", None);
        assert_eq!(scene.read("d/a"), "one");
        assert_eq!(scene.inspect("d/a", Some(&created)), Some(created));
        let replaced = scene.put("d/a", "two!", Some(&created));
        assert_eq!(scene.read("d/a"), "two!");
        assert_ne!(created, replaced);
        assert_eq!(scene.inspect("d/a", Some(&created)), Some(replaced), "it changed since");

        let removed = scene.delete("d/a", Some(&replaced));
        assert_eq!((removed.path.as_deref(), removed.kept), (Some("d/a".as_ref()), None));
        assert_eq!(scene.inspect("d/a", Some(&replaced)), None);
        assert_eq!(scene.delete("d/a", Some(&replaced)).path, None, "a delete may be repeated");
        scene.assert_nothing_is_left();
    }
}

#[test]
fn an_escaped_key_stands_at_its_path() {
    for scene in scenes() {
        for raw in ["../up", "a//b", "folder/", ".s3-sync/tmp/x", "..", "/etc/passwd"] {
            let handle = scene.put(raw, raw, None);
            assert_eq!(handle.at, StandsAt::OwnPath);
            assert_eq!(scene.read(StandsAt::OwnPath.path(&key(raw)).to_str().expect("text")), raw);
            assert_eq!(scene.inspect(raw, Some(&handle)), Some(handle));
        }
        assert_eq!(fs::read_dir(scene.base.path()).expect("read").count(), 1, "only the root is there");
        scene.assert_nothing_is_left();
    }
}

#[test]
fn time_and_modes_are_set() {
    for scene in scenes() {
        let mut file = scene.writer.create(&key("x/y")).expect("created");
        file.write_all(b"content").expect("written");
        let mtime = "1969-12-31T23:59:59.25Z".parse().expect("a time");
        let placed = scene.place(file.finish(7, Some(mtime)).expect("finished"), "x/y", None);
        let metadata = fs::metadata(scene.root_path().join("x/y")).expect("there");
        assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (-1, 250_000_000));
        let identity = FileIdentity { size: 7, mtime_ns: -750_000_000, inode: metadata.ino() };
        assert_eq!(placed.handle, FileHandle { identity, at: StandsAt::OwnPath });
        // Under any umask: less than these, never more.
        assert_eq!(metadata.mode() & 0o777 & !0o644, 0);
        assert_eq!(fs::metadata(scene.root_path().join("x")).expect("there").mode() & 0o777 & !0o755, 0);
        assert_eq!(fs::metadata(scene.root_path().join(".s3-sync")).expect("there").mode() & 0o077, 0);
    }
}

#[test]
fn a_replaced_file_keeps_its_mode_and_attributes() {
    for scene in scenes() {
        let first = scene.put("a", "one", None);
        let path = scene.root_path().join("a");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o4640)).expect("set");
        let old = fs::File::open(&path).expect("opened");
        let has_attributes = rustix::fs::fsetxattr(&old, "user.note", b"kept", rustix::fs::XattrFlags::empty()).is_ok();
        scene.put("a", "two", Some(&first));
        assert_eq!(scene.read("a"), "two");
        let new = fs::File::open(&path).expect("opened");
        assert_eq!(new.metadata().expect("there").mode() & 0o7777, 0o640, "a set-user-id bit goes");
        let mut value = vec![0; 16];
        let read = rustix::fs::fgetxattr(&new, "user.note", &mut value).ok();
        assert_eq!(read.map(|length| &value[..length]), has_attributes.then_some(&b"kept"[..]));
    }
}

#[test]
fn a_body_of_another_length_is_never_published() {
    for scene in scenes() {
        let handle = scene.put("a", "whole", None);
        for expected in [2, 4] {
            let mut file = scene.writer.create(&key("a")).expect("created");
            file.write_all(b"new").expect("written");
            let finished = file.finish(expected, None);
            assert!(matches!(finished, Err(LocalFsError::WrongLength { written: 3, .. })), "{finished:?}");
        }
        assert_eq!(scene.read("a"), "whole");
        assert_eq!(scene.inspect("a", Some(&handle)), Some(handle));
        scene.assert_nothing_is_left();
    }
}

#[test]
fn an_unfinished_file_is_resumed_by_its_name() {
    for scene in scenes() {
        let mut file = scene.writer.create(&key("a")).expect("created");
        file.write_all(b"one").expect("written");
        let name = file.leave().expect("left");
        let mut resumed = scene.writer.resume(&name).expect("opened").expect("there");
        assert_eq!((resumed.written(), resumed.name()), (3, &*name));
        resumed.write_all(b" two").expect("written");
        scene.place(resumed.finish(7, None).expect("finished"), "a", None);
        assert_eq!(scene.read("a"), "one two");
        for gone in [&*name, "..", "../lock", "lock", ""] {
            assert!(scene.writer.resume(gone).expect("opened").is_none(), "{gone}");
        }
        scene.assert_nothing_is_left();
    }
}

#[test]
fn a_group_of_files_shares_the_sync_of_its_directories() {
    for scene in scenes() {
        let mut syncs = super::super::DirectorySyncs::default();
        for number in 0..5 {
            let mut file = scene.writer.create(&key("d/x")).expect("created");
            file.write_all(b"x").expect("written");
            let file = file.finish(1, None).expect("finished");
            scene.writer.place(file, &key(&format!("d/{number}")), None, &mut syncs).expect("placed");
        }
        // The root, for the new directory, and the directory.
        assert_eq!(syncs.len(), 2, "{syncs:?}");
        scene.writer.sync(syncs).expect("synced");
    }
}

/// All threads make the same directories, and one of them files where the others need directories.
#[test]
fn threads_write_side_by_side() {
    const PATHS: u32 = 10;
    let write = |scene: &Scene, thread: u32| {
        for number in 0..PATHS {
            let (inner, file) = (format!("{number}/a/{thread}"), format!("{number}/a"));
            let raw = if thread == 0 { file } else { inner };
            let handle = scene.put(&raw, &raw, None);
            assert_eq!(scene.inspect(&raw, Some(&handle)).map(|found| found.identity), Some(handle.identity));
        }
    };
    for scene in scenes() {
        std::thread::scope(|threads| {
            for thread in 0..4 {
                let scene: &Scene = &scene;
                threads.spawn(move || write(scene, thread));
            }
        });
        for number in 0..PATHS {
            let found = scene.inspect(&format!("{number}/a"), None).expect("there");
            assert_eq!(found.at, StandsAt::EscapedPath);
        }
        assert_eq!(scene.kept(), [""; 0]);
        scene.assert_nothing_is_left();
    }
}

#[test]
fn a_directory_at_both_paths_is_an_error() {
    for scene in scenes() {
        fs::create_dir_all(scene.root_path().join("a")).expect("created");
        fs::create_dir_all(scene.root_path().join(StandsAt::EscapedPath.path(&key("a")))).expect("created");
        let placed = scene.try_put("a", "x", None);
        assert!(matches!(placed, Err(LocalFsError::InTheWay { found: FileKind::Directory, .. })), "{placed:?}");
        scene.assert_nothing_is_left();
    }
}
