//! Keys of which one is the directory of the other.

use super::writer::{key, scenes};
use crate::local_fs::key_path::directory_of_marker;
use crate::local_fs::{DirectorySyncs, StandsAt};
use std::fs;

#[test]
fn a_file_and_a_directory_of_one_name_stand_side_by_side_in_any_order() {
    let orders = [["a", "a/b", "a/b/c"], ["a/b/c", "a/b", "a"], ["a/b", "a", "a/b/c"], ["a", "a/b/c", "a/b"]];
    for scene in scenes() {
        for order in orders {
            let handles: Vec<_> = order.iter().map(|raw| (*raw, scene.put(raw, raw, None))).collect();
            for (raw, handle) in &handles {
                let found = scene.inspect(raw, Some(handle)).expect("found after it made way");
                assert_eq!(found.identity, handle.identity, "{raw} in {order:?}");
                let at = if *raw == "a/b/c" { StandsAt::OwnPath } else { StandsAt::EscapedPath };
                assert_eq!(found.at, at, "{raw} in {order:?}");
                assert_eq!(scene.read(found.at.path(&key(raw)).to_str().expect("text")), *raw);
            }
            for (raw, handle) in &handles {
                let replaced = scene.put(raw, "new", Some(handle));
                assert_eq!(scene.read(replaced.at.path(&key(raw)).to_str().expect("text")), "new");
                assert_eq!(scene.delete(raw, Some(&replaced)).kept, None);
                assert_eq!(scene.inspect(raw, Some(&replaced)), None);
            }
            fs::remove_dir_all(scene.root_path().join("a")).expect("only directories are left");
            assert_eq!(fs::read_dir(scene.root_path()).expect("read").count(), 1, "only our own directory is left");
        }
        scene.assert_nothing_is_left();
    }
}

/// The escaped path is taken by the file of this key, so the one that appeared at its own path since is a user's.
#[test]
fn a_file_that_cannot_take_its_escaped_path_is_kept() {
    for scene in scenes() {
        scene.put("a/b", "b", None);
        let handle = scene.put("a", "ours", None);
        assert_eq!(handle.at, StandsAt::EscapedPath);
        fs::remove_dir_all(scene.root_path().join("a")).expect("removed");
        scene.write("a", "theirs");
        let placed = scene.try_put("a/b", "b", None).expect("placed");
        assert_eq!(placed.kept.len(), 1);
        assert_eq!(scene.kept(), ["theirs"]);
        assert_eq!(scene.inspect("a", Some(&handle)), Some(handle));
    }
}

/// Its directory went, and it stays where it is: a file is not moved for its name alone.
#[test]
fn a_file_at_its_escaped_path_is_replaced_there() {
    for scene in scenes() {
        scene.put("a/b", "b", None);
        let handle = scene.put("a", "one", None);
        fs::remove_dir_all(scene.root_path().join("a")).expect("removed");
        let replaced = scene.put("a", "two", Some(&handle));
        assert_eq!(replaced.at, StandsAt::EscapedPath);
        assert!(!scene.root_path().join("a").exists());
        assert_eq!(scene.inspect("a", None), Some(replaced), "also without its handle");
    }
}

/// Also below a directory whose name changes when it is escaped, and for a file whose name only a row can tell.
#[test]
fn a_file_makes_way_below_any_name() {
    for scene in scenes() {
        let handle = scene.put("100%/a", "file", None);
        scene.put("100%/a/b", "inner", None);
        let found = scene.inspect("100%/a", Some(&handle)).expect("found");
        assert!(found.at.path(&key("100%/a")).starts_with("100%25"));

        // The escaped name of the key `a`, as the directory of another key.
        let directory = StandsAt::EscapedPath.path(&key("a"));
        scene.put(&format!("{}/x", directory.display()), "inner", None);
        assert_eq!(scene.put("a", "file", None).at, StandsAt::OwnPath);
    }
}

#[test]
fn the_directory_of_a_marker_is_made_where_a_file_stands() {
    for scene in scenes() {
        let handle = scene.put("d/e", "file", None);
        let directory = directory_of_marker(&key("d/e/")).expect("a marker");
        let mut syncs = DirectorySyncs::default();
        assert!(scene.writer.make_directory(&directory, &mut syncs).expect("made").is_empty());
        scene.writer.sync(syncs).expect("synced");
        assert!(scene.root_path().join("d/e").is_dir());
        let found = scene.inspect("d/e", Some(&handle)).expect("found");
        assert_eq!((found.identity, found.at), (handle.identity, StandsAt::EscapedPath));
    }
}

/// Two names of one file that differ in case alone: both are there, so the file system does not fold case.
#[test]
fn a_hard_link_is_no_folded_name() {
    for scene in scenes() {
        scene.write("a.txt", "theirs");
        fs::hard_link(scene.root_path().join("a.txt"), scene.root_path().join("A.TXT")).expect("linked");
        let placed = scene.try_put("A.TXT", "ours", None).expect("placed");
        assert_eq!((placed.handle.at, placed.kept.len()), (StandsAt::OwnPath, 1));
        assert_eq!(scene.read("a.txt"), "theirs");
    }
}
