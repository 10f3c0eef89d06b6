//! `GET /`, `pubSubFullList`, `reportResults`, and requests outside the five calls.

use crate::client::double;
use serde_json::{Value, json};

fn events(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({ "event_type": "create", "file_path": format!("/{n}"), "new_path": null, "metadata": null })).collect()
}

#[tokio::test]
async fn health_is_reported() {
    let said = double().await.get("/").await;
    assert_eq!((said.status, &said.body["message"]), (200, &json!("Mock API Server is running")));
    assert!(said.body["timestamp"].as_str().expect("a time").parse::<jiff::Timestamp>().is_ok());
}

#[tokio::test]
async fn a_feed_without_a_cursor_serves_its_first_events_again_each_time() {
    let double = double().await;
    assert_eq!(double.get("/pubSubFullList").await.body["events"], json!([]));
    double.api().set_feed(events(120));
    for (target, served) in [("", 10), ("?count=1", 1), ("?count=100", 100), ("?count=100", 100), ("?count=3&cursor=50", 3)] {
        let said = double.get(&format!("/pubSubFullList{target}")).await;
        assert_eq!((said.status, &said.body["events"]), (200, &json!(events(served))), "{target}");
        assert_eq!((&said.body["total_count"], said.body.get("next_cursor")), (&json!(served), None));
        assert!(said.body["generated_at"].as_str().expect("a time").parse::<jiff::Timestamp>().is_ok());
    }
}

#[tokio::test]
async fn a_count_out_of_bounds_is_refused() {
    let double = double().await;
    for count in ["0", "101", "-1", "99999999999999999999999"] {
        let said = double.get(&format!("/pubSubFullList?count={count}")).await;
        assert_eq!(said.refusal(), (400, &json!("count must be between 1 and 100")), "{count}");
    }
    for count in ["", "ten", "1.5"] {
        let said = double.get(&format!("/pubSubFullList?count={count}")).await;
        assert_eq!((said.status, said.problems()), (422, vec![("count".to_owned(), "int_parsing".to_owned())]), "{count}");
    }
}

#[tokio::test]
async fn a_paged_feed_is_read_to_its_end_by_its_cursor() {
    let double = double().await;
    double.api().set_paged_feed(events(5));
    let (mut served, mut cursor) = (Vec::new(), String::new());
    loop {
        let body = double.get(&format!("/pubSubFullList?count=2{cursor}")).await.body;
        let page = body["events"].as_array().expect("a list").clone();
        cursor = format!("&cursor={}", body["next_cursor"].as_str().expect("a cursor"));
        if page.is_empty() {
            break;
        }
        served.extend(page);
    }
    assert_eq!(served, events(5));
    assert_eq!(double.get("/pubSubFullList?cursor=what").await.status, 422);
}

#[tokio::test]
async fn the_mock_accepts_a_json_object_as_a_report_and_keeps_it() {
    let double = double().await;
    let said = double.report(r#"{"success":true}"#).await;
    assert_eq!((said.status, &said.body["status"]), (200, &json!("received")));
    assert_eq!(said.body["message"], "Sync results recorded successfully");
    for (body, kind) in [("[1]", "dict_type"), ("\"text\"", "dict_type"), ("{\"duration\": NaN}", "json_invalid"), ("", "json_invalid")] {
        let said = double.report(body).await;
        assert_eq!((said.status, &said.body["detail"][0]["type"]), (422, &json!(kind)), "{body}");
    }
    assert_eq!(double.api().reports(), [json!({ "success": true })]);
}

#[tokio::test]
async fn a_path_outside_the_contract_is_answered_with_404() {
    let double = double().await;
    assert_eq!(double.get("/elsewhere").await.refusal(), (404, &json!("Not Found")));
    assert_eq!(double.get("/saveToDisk").await.refusal(), (405, &json!("Method Not Allowed")));
}
