//! The mirror: each object is a file beneath `LOCAL_DOWNLOAD_DIR`.

use super::stage::Stage;
use std::collections::BTreeMap;
use std::path::Path;

/// The files beneath a directory, without the mirror's own.
fn files(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let below = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            if path.is_dir() {
                directories.extend((below != ".s3-sync").then_some(path));
            } else {
                found.insert(below, std::fs::read_to_string(&path).expect("text"));
            }
        }
    }
    found
}

fn expected(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// A bucket with two objects, and a mirror as the only sink.
async fn mirror_alone() -> Stage {
    let mut stage = Stage::with(&["a.txt", "d/b.txt"]).await;
    stage.without("FILE_MANAGER_API_URL");
    stage.setting("LOCAL_DOWNLOAD_DIR", "mirror");
    stage
}

#[tokio::test]
async fn a_mirror_follows_the_bucket_and_keeps_what_others_wrote() {
    let stage = mirror_alone().await;
    let root = stage.path("mirror");
    stage.expect(&["test"], 0).await.prints(&["ok       sink mirror"]);
    assert!(!root.exists(), "a check changes nothing");
    stage.expect(&["initial-sync"], 0).await.prints(&["2 created", "2 files confirmed by the sink mirror"]);
    assert_eq!(files(&root), expected(&[("a.txt", "content of a.txt"), ("d/b.txt", "content of d/b.txt")]));

    // Another program writes where an object comes, and changes a file before its object is deleted.
    std::fs::write(root.join("new.txt"), "mine").expect("written");
    std::fs::write(root.join("d/b.txt"), "mine, too").expect("written");
    stage.put("a.txt", "changed");
    stage.put("new.txt", "new");
    stage.s3.server().remove(super::stage::BUCKET, "d/b.txt");
    let ran = stage.expect(&["reconcile"], 0).await;
    ran.prints(&[
        "1 created, 1 updated, 1 deleted",
        "kept      2 files that this service did not write: in .s3-sync/kept of its directory",
    ]);
    assert_eq!(files(&root), expected(&[("a.txt", "changed"), ("new.txt", "new")]));
    let kept = files(&root.join(".s3-sync/kept"));
    assert_eq!(kept.into_values().collect::<Vec<_>>().len(), 2);

    stage.expect(&["reconcile"], 0).await.prints(&["0 created, 0 updated, 0 deleted"]);
}

#[tokio::test]
async fn a_mirror_that_is_added_is_confirmed_once_and_its_trouble_is_its_own() {
    let mut stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    stage.setting("LOCAL_DOWNLOAD_DIR", "mirror");
    stage.expect(&["reconcile"], 2).await.says(&["--new-sink mirror"]);
    stage.expect(&["initial-sync", "--new-sink", "mirror"], 0).await.prints(&["mirror    in sync: 1 created"]);

    // Its directory is gone, and a file stands there: the file manager goes on.
    std::fs::remove_dir_all(stage.path("mirror")).expect("removed");
    std::fs::write(stage.path("mirror"), "in the way").expect("written");
    stage.put("b.txt", "b");
    let ran = stage.expect(&["reconcile"], 1).await;
    ran.prints(&["mirror    NOT in sync yet"]);
    assert!(stage.api().files().contains_key("b.txt"));

    // The directory is there again, empty: what was in it comes back, too.
    std::fs::remove_file(stage.path("mirror")).expect("removed");
    let ran = stage.expect(&["reconcile"], 0).await;
    ran.prints(&["mirror    in sync", "1 file that others had changed or deleted: written again"]);
    assert_eq!(files(&stage.path("mirror")), expected(&[("a.txt", "content of a.txt"), ("b.txt", "b")]));
}

/// A reconcile asks S3 for nothing but the listing, and looks at each file on disk.
#[tokio::test]
async fn files_that_others_delete_or_change_come_back_and_unchanged_ones_cost_no_request() {
    let stage = mirror_alone().await;
    let root = stage.path("mirror");
    stage.put("same.txt", "same");
    stage.expect(&["initial-sync"], 0).await;
    std::fs::remove_file(root.join("a.txt")).expect("removed");
    std::fs::write(root.join("d/b.txt"), "changed here").expect("written");
    stage.s3.server().clear_requests();
    stage
        .expect(&["reconcile"], 0)
        .await
        .prints(&["changed   2 files that others had changed or deleted: written again", "kept      1 file"]);
    let objects = [("a.txt", "content of a.txt"), ("d/b.txt", "content of d/b.txt"), ("same.txt", "same")];
    assert_eq!(files(&root), expected(&objects));
    let asked = |operation: &str| stage.s3.server().requests().iter().filter(|request| request.operation == operation).count();
    assert_eq!((asked("GetObject"), asked("HeadObject")), (2, 0), "each of the two is read once");
    stage.s3.server().clear_requests();
    stage.expect(&["reconcile"], 0).await;
    assert_eq!((asked("GetObject"), asked("HeadObject"), asked("ListObjectsV2")), (0, 0, 1));
}

#[tokio::test]
async fn a_mirror_over_the_state_or_the_log_is_refused_and_nothing_is_touched() {
    for (mirror, log) in [("data", None), (".", None), ("data/mirror", None), ("link/below", None), ("logs", Some("logs/sync.log"))] {
        let mut stage = mirror_alone().await;
        std::fs::create_dir(stage.path("data")).expect("created");
        std::os::unix::fs::symlink(stage.path("data"), stage.path("link")).expect("linked");
        stage.setting("LOCAL_DOWNLOAD_DIR", stage.path(mirror).display().to_string());
        if let Some(log) = log {
            stage.setting("LOG_FILE", log);
        }
        stage.without("DATABASE_PATH");
        let before = stage.left_behind();
        let ran = stage.expect(&["initial-sync"], 2).await;
        ran.says(&["LOCAL_DOWNLOAD_DIR is", "one contains the other", "give LOCAL_DOWNLOAD_DIR a directory of its own"]);
        let log_file = stage.path("logs/sync.log");
        let left: BTreeMap<_, _> = stage.left_behind().into_iter().filter(|(path, _)| *path != log_file).collect();
        assert_eq!(left, before, "{mirror}");
    }
}

/// The daemon went on writing into a directory that had been moved away, and reported success.
#[tokio::test]
async fn a_directory_that_is_moved_away_under_a_daemon_is_made_again() {
    let mut stage = mirror_alone().await;
    stage.setting("LOG_FILE", "sync.log");
    let _daemon = stage.daemon_at_rest().await;
    std::fs::rename(stage.path("mirror"), stage.path("moved")).expect("moved");
    stage.put("new.txt", "new");
    stage.expect(&["reconcile"], 0).await.prints(&["changed   2 files that others had changed or deleted"]);
    assert_eq!(files(&stage.path("mirror")).len(), 3);
    assert!(!stage.path("moved/new.txt").exists());
}

/// One directory that could not be entered stopped the whole mirror.
#[tokio::test]
async fn a_link_where_a_directory_must_be_stops_no_other_file() {
    let stage = mirror_alone().await;
    let root = stage.path("mirror");
    stage.expect(&["initial-sync"], 0).await;
    std::fs::rename(root.join("d"), stage.path("elsewhere")).expect("moved");
    std::os::unix::fs::symlink(stage.path("elsewhere"), root.join("d")).expect("linked");
    stage.put("a.txt", "changed");
    stage.expect(&["reconcile"], 3).await.prints(&["1 local_dir_in_the_way, for example update d/b.txt"]);
    assert_eq!(std::fs::read_to_string(root.join("a.txt")).expect("a file"), "changed");
    assert_eq!(std::fs::read_to_string(stage.path("elsewhere/b.txt")).expect("a file"), "content of d/b.txt");
}

/// A key whose directory has the escaped name of another file pushed that file out of the mirror, and the run ended "in sync".
#[tokio::test]
async fn a_key_below_the_escaped_name_of_another_pushes_it_nowhere() {
    let stage = mirror_alone().await;
    let below =
        format!("{}/c", s3_sync::local_fs::key_path::escaped_path_of(&s3_sync::record::ObjectKey::new("a").expect("a key")).display());
    for key in ["a", "a/b", &below] {
        stage.put(key, "content");
        stage.expect(&[if key == "a" { "initial-sync" } else { "reconcile" }], 0).await;
    }
    assert_eq!(files(&stage.path("mirror")).len(), 5);
    stage.expect(&["reconcile"], 0).await.prints(&["0 created, 0 updated, 0 deleted"]);
}
