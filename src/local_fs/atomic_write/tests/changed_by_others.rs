//! Other programs write below the root, too. Nothing of theirs is lost.

use super::writer::{NOTHING, Scene, key, scenes};
use crate::local_fs::{FileKind, LocalFsError};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_file_that_we_did_not_write_is_kept() {
    for scene in scenes() {
        scene.write("d/a", "theirs");
        let placed = scene.try_put("d/a", "ours", None).expect("placed");
        assert_eq!(scene.read("d/a"), "ours");
        assert_eq!(placed.kept.len(), 1);
        assert!(placed.kept[0].starts_with(".s3-sync/kept") && placed.kept[0].ends_with("d/a"), "{:?}", placed.kept);
        assert_eq!(scene.read(placed.kept[0].to_str().expect("text")), "theirs");
        scene.assert_nothing_is_left();
    }
}

#[test]
fn equal_content_is_taken_over_and_not_kept() {
    for scene in scenes() {
        for content in ["", "same", &"n".repeat(200_000)] {
            scene.write("a", content);
            scene.put("a", content, None);
            assert_eq!(scene.read("a"), content);
        }
        for (theirs, ours) in [("same", "sama"), (&*"n".repeat(65_536), &*"m".repeat(65_536))] {
            scene.write("b", theirs);
            scene.try_put("b", ours, None).expect("placed");
            assert!(scene.kept().contains(&theirs.to_owned()));
        }
        scene.assert_nothing_is_left();
    }
}

#[test]
fn a_file_that_changed_since_is_kept_when_it_is_replaced_and_when_it_is_deleted() {
    for scene in scenes() {
        let handle = scene.put("a", "one", None);
        scene.write("a", "edited");
        let placed = scene.try_put("a", "two", Some(&handle)).expect("placed");
        assert_eq!((scene.read("a"), scene.kept()), ("two".to_owned(), vec!["edited".to_owned()]));

        scene.write("a", "edited again");
        let removed = scene.delete("a", Some(&placed.handle));
        assert!(removed.kept.is_some() && removed.path.is_some());
        assert_eq!(scene.kept(), ["edited", "edited again"]);
        assert!(!scene.root_path().join("a").exists());
        scene.assert_nothing_is_left();
    }
}

/// An editor that saves by renaming: size and time may be the same, the inode is another one.
#[test]
fn another_file_of_the_same_size_and_time_is_kept() {
    for scene in scenes() {
        let handle = scene.put("a", "one", None);
        scene.write("b", "two");
        let times = fs::metadata(scene.root_path().join("a")).expect("there").modified().expect("a time");
        fs::File::options().write(true).open(scene.root_path().join("b")).expect("opened").set_modified(times).expect("set");
        fs::rename(scene.root_path().join("b"), scene.root_path().join("a")).expect("renamed");
        scene.delete("a", Some(&handle));
        assert_eq!(scene.kept(), ["two"]);
    }
}

#[test]
fn a_link_is_kept_and_what_it_leads_to_is_not_touched() {
    for scene in scenes() {
        let outside = scene.base.path().join("outside");
        fs::write(&outside, "secret").expect("written");
        symlink(&outside, scene.root_path().join("a")).expect("linked");
        let placed = scene.try_put("a", "secret", None).expect("placed");
        assert_eq!(fs::read_link(scene.root_path().join(&placed.kept[0])).expect("a link"), outside);
        assert_eq!(fs::read_to_string(&outside).expect("there"), "secret");
        assert!(fs::symlink_metadata(scene.root_path().join("a")).expect("there").is_file());
        scene.assert_nothing_is_left();
    }
}

/// A link to a directory is the user's own way of arranging things: its object fails, and the link stays.
#[test]
fn a_link_in_place_of_a_directory_fails_the_object() {
    for scene in scenes() {
        let outside = scene.base.path().join("outside");
        fs::create_dir(&outside).expect("created");
        symlink(&outside, scene.root_path().join("d")).expect("linked");
        let created = scene.writer.create(&key("d/a"));
        assert!(matches!(created, Err(LocalFsError::InTheWay { found: FileKind::Link, .. })), "{created:?}");
        assert_eq!(fs::read_dir(&outside).expect("read").count(), 0);
        scene.assert_nothing_is_left();
    }
}

/// A program that saves all the time, while we replace and delete: each of its versions is kept or there.
#[test]
fn no_version_of_a_program_that_saves_meanwhile_is_lost() {
    const SAVES: usize = 300;
    let scene = Scene::new(NOTHING);
    let (path, draft) = (scene.root_path().join("a"), scene.base.path().join("draft"));
    std::thread::scope(|threads| {
        let saver = threads.spawn(|| {
            for number in 0..SAVES {
                fs::write(&draft, format!("version {number}")).expect("written");
                // A link does not replace, so this program loses no version of its own.
                while fs::hard_link(&draft, &path).is_err() {
                    std::thread::yield_now();
                }
                fs::remove_file(&draft).expect("removed");
            }
        });
        let mut handle = None;
        while !saver.is_finished() {
            handle = Some(scene.try_put("a", "ours", handle.as_ref()).expect("placed").handle);
            scene.delete("a", handle.as_ref());
        }
    });
    let mut found: Vec<_> = scene.kept().into_iter().chain(fs::read_to_string(&path)).filter(|content| content != "ours").collect();
    let mut expected: Vec<_> = (0..SAVES).map(|number| format!("version {number}")).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    scene.assert_nothing_is_left();
}
