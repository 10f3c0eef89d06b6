//! What a start does with the files of instances that died, and of those that live.

use super::writer::{NOTHING, Scene, key, root, scenes};
use crate::local_fs::{AtomicWriter, DirectorySyncs, LeftOver};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;

/// A new instance beside the one of the scene.
fn start(scene: &Scene, is_wanted: &dyn Fn(&str) -> bool) -> (AtomicWriter, LeftOver) {
    AtomicWriter::start(root(&scene.root_path(), NOTHING), is_wanted).expect("started")
}

fn instances(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.root_path().join(".s3-sync/tmp")).expect("read");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir() && !path.is_symlink()).collect()
}

/// Writes files into the directory of an instance that died.
fn dead_instance(scene: &Scene, files: &[(String, &str)]) -> PathBuf {
    let directory = format!(".s3-sync/tmp/{}", "d".repeat(32));
    for (name, content) in files {
        scene.write(&format!("{directory}/{name}"), content);
    }
    scene.root_path().join(directory)
}

#[test]
fn files_of_a_dead_instance_are_removed_and_those_of_a_live_one_stay() {
    for scene in scenes() {
        let unfinished = scene.writer.create(&key("a")).expect("created");
        let live = instances(&scene);
        dead_instance(&scene, &[("1".repeat(32), "partial"), ("lock".to_owned(), "")]);
        let (other, left_over) = start(&scene, &|_| false);
        assert_eq!(left_over, LeftOver { removed: 1, ..LeftOver::default() });
        assert_eq!(instances(&scene).len(), 2, "that of this instance and that of the new one");
        scene.place(unfinished.finish(0, None).expect("finished"), "a", None);

        drop(other);
        assert_eq!(instances(&scene), live, "an instance removes its directory when it ends");
    }
}

#[test]
fn an_unfinished_file_that_a_row_names_is_carried_over() {
    for mut scene in scenes() {
        let mut file = scene.writer.create(&key("d/a")).expect("created");
        file.write_all(b"half").expect("written");
        let name = file.leave().expect("left");
        let other = scene.writer.create(&key("d/b")).expect("created").leave().expect("left");
        let idle = tempfile::tempdir().expect("a directory");
        let (idle, _) = AtomicWriter::start(root(idle.path(), NOTHING), &|_| false).expect("started");
        drop(std::mem::replace(&mut scene.writer, idle));

        let (writer, left_over) = start(&scene, &|candidate| candidate == name);
        assert_eq!(left_over, LeftOver { removed: 1, resumable: vec![name.clone()], kept: Vec::new() });
        assert!(writer.resume(&other).expect("opened").is_none());
        let mut resumed = writer.resume(&name).expect("opened").expect("there");
        assert_eq!(resumed.written(), 4);
        resumed.write_all(b" and half").expect("written");
        let complete = resumed.finish(13, None).expect("finished");
        writer.place(complete, &key("d/a"), None, &mut DirectorySyncs::default()).expect("placed");
        assert_eq!(scene.read("d/a"), "half and half");
        scene.assert_nothing_is_left();
    }
}

/// A crash between an exchange and the look at what came out. The name tells the cases apart.
#[test]
fn what_came_out_before_a_crash_is_removed_or_kept() {
    let scene = Scene::new(NOTHING);
    let id = |digit: &str| digit.repeat(32);
    let contents = ["ours, not published", "the expected file", "theirs", "theirs, none expected"];
    let files: Vec<_> = ["1", "2", "3", "4"].iter().zip(contents).map(|(digit, content)| (id(digit), content)).collect();
    let directory = dead_instance(&scene, &files);
    let seen = |digit: &str| fs::metadata(directory.join(id(digit))).expect("there");
    let (own, expected) = (seen("1").ino(), seen("2"));
    let mtime_ns = i128::from(expected.mtime()) * 1_000_000_000 + i128::from(expected.mtime_nsec());
    let expected = format!("{},{mtime_ns},{}", expected.size(), expected.ino());
    for (digit, own, expected) in [("1", own, &*expected), ("2", own, &*expected), ("3", own, &*expected), ("4", 0, "")] {
        let name = format!("{}.out.{own}.{expected}", id(digit));
        fs::rename(directory.join(id(digit)), directory.join(name)).expect("renamed");
    }
    let (_writer, left_over) = start(&scene, &|_| false);
    assert_eq!((left_over.removed, left_over.kept.len()), (2, 2), "{left_over:?}");
    assert_eq!(scene.kept(), ["theirs", "theirs, none expected"]);
    assert!(left_over.kept.iter().all(|path| path.components().any(|part| part.as_os_str() == "recovered")));
    assert!(!directory.exists());
}

/// Names that a user or an attacker put there lead nowhere else.
#[test]
fn strange_entries_in_the_temporary_directory_do_no_harm() {
    let scene = Scene::new(NOTHING);
    let outside = scene.base.path().join("outside");
    fs::create_dir(&outside).expect("created");
    fs::write(outside.join(".s3-sync-x"), "secret").expect("written");
    let notes = [("x", "../outside"), ("x", outside.to_str().expect("text")), ("", ""), ("y", "link"), ("z", "missing/x")];
    for (at, (name, directory)) in notes.iter().enumerate() {
        scene.write(&format!(".s3-sync/tmp/{at}/{name}.at"), directory);
    }
    dead_instance(&scene, &[("a.out.".to_owned(), "odd"), (".out.1.".to_owned(), "odd"), ("x y".to_owned(), "odd")]);
    symlink(&outside, scene.root_path().join("link")).expect("linked");
    symlink(&outside, scene.root_path().join(".s3-sync/tmp/link")).expect("linked");
    fs::create_dir_all(scene.root_path().join(".s3-sync/tmp/deep/er/still")).expect("created");
    let (_writer, _) = start(&scene, &|_| false);
    assert_eq!(fs::read_to_string(outside.join(".s3-sync-x")).expect("there"), "secret");
    assert_eq!(fs::read_dir(&outside).expect("read").count(), 1);
    assert!(scene.root_path().join(".s3-sync/tmp/link").is_symlink());
    assert_eq!(instances(&scene).len(), 2);
}
