//! A list with many defective events: the cycle continues, no row is lost, and each event has the outcome that the contract
//! requires.

use super::{effects, in_sync};
use crate::workflow::scene::key;
use serde_json::Value;

#[tokio::test]
async fn each_defective_event_has_its_outcome_and_stops_no_other() {
    let (bucket, scene) = in_sync(&["x.txt", "a.txt", "onto-1.txt", "onto-2.txt", "self.txt", "NA"]).await;
    bucket.remove(&key("onto-1.txt"));
    bucket.put(key("onto-2.txt"), "onto-1.txt");
    bucket.put(key("/double/slash.txt"), "slash");
    let ids = ["x.txt", "a.txt", "onto-2.txt", "self.txt"].map(|path| (path, scene.internal_id(path)));
    let text = include_str!("../../../fixtures/events/feed-trouble.json");
    let answer: Value = serde_json::from_str(text).expect("JSON");
    scene.api.api().set_feed(answer["events"].as_array().expect("a list").clone());
    let ended = scene.cycle_to_success().await;
    assert_eq!(effects(&scene), ["create /double/slash.txt", "delete onto-1.txt", "set NA", "update onto-2.txt"]);
    assert_eq!(scene.api.api().permissions("NA").permissions, "0755", "text, never a number");
    for (path, id) in ids {
        assert_eq!(scene.internal_id(path), id, "{path} keeps its identity");
    }
    let report = &ended.report;
    assert_eq!(report.skipped.get("not_in_bucket"), Some(&4), "b.txt, c.txt, unknown.txt and unknown2.txt: {:?}", report.skipped);
    assert_eq!(report.skipped_examples["not_in_bucket"], "b.txt");
    assert_eq!(report.event_counts.errors, 3, "no new path, unknown type, empty path");
    scene.api.api().reset_calls();
    assert!(scene.cycle_to_success().await.report.quiet);
    assert_eq!(super::calls(&scene), [""; 0]);
}
