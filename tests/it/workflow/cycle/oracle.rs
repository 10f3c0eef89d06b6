//! The contract's example: a valid list with all five types has exactly these effects, and the same list again has none.

use super::{effects, in_sync, rename};
use crate::workflow::scene::key;
use serde_json::Value;

/// The list of the fixture, as the feed serves it.
fn all_types() -> Vec<Value> {
    let text = include_str!("../../../fixtures/events/feed-all-types.json");
    let answer: Value = serde_json::from_str(text).expect("JSON");
    answer["events"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_list_with_all_five_types_has_each_effect_once_and_the_same_list_has_none_again() {
    let (bucket, scene) = in_sync(&[
        "scripts/backup.sh",
        "config/settings.json",
        "images/photo1.jpg",
        "uploads/document.docx",
        "temp/cache.tmp",
        "untouched.txt",
    ])
    .await;
    let photo = scene.internal_id("images/photo1.jpg");
    bucket.put(key("documents/report.pdf"), "report");
    bucket.put(key("data/export.csv"), "export");
    rename(&bucket, "images/photo1.jpg", "images/photo1_renamed.jpg", "images/photo1.jpg");
    rename(&bucket, "uploads/document.docx", "archive/document.docx", "uploads/document.docx");
    bucket.remove(&key("temp/cache.tmp"));
    scene.api.api().set_feed(all_types());
    let ended = scene.cycle_to_success().await;
    assert_eq!(
        effects(&scene),
        [
            "create data/export.csv",
            "create documents/report.pdf",
            "delete temp/cache.tmp",
            "move uploads/document.docx>archive/document.docx",
            "rename images/photo1.jpg>images/photo1_renamed.jpg",
            "set config/settings.json",
            "set data/export.csv",
            "set scripts/backup.sh",
        ]
    );
    assert_eq!(super::calls(&scene).iter().filter(|call| call.starts_with("get ")).collect::<Vec<_>>(), ["get documents/report.pdf"]);
    assert_eq!(scene.internal_id("images/photo1_renamed.jpg"), photo);
    assert_eq!(scene.api.api().permissions("scripts/backup.sh").permissions, "rwxr-xr-x");
    assert_eq!(scene.api.api().permissions("data/export.csv").permissions, "rw-r-----");
    let report = &ended.report;
    let counts = &report.event_counts;
    assert_eq!((counts.create, counts.change_permission, counts.delete, counts.rename, counts.r#move, counts.errors), (2, 2, 1, 1, 1, 0));
    assert_eq!(report.statistics.events_processed, 7);
    for _ in 0..3 {
        scene.api.api().reset_calls();
        let again = scene.cycle_to_success().await;
        assert_eq!(super::calls(&scene), [""; 0]);
        assert!(again.report.quiet);
    }
}
