//! The fields of the feed's events, and of its responses.

use super::notifications::{check_in_one_cycle, spliced};
use super::table::{ABSENT, EMPTY, Fate, Field, Form, NOT_TEXT, OTHER_CASE, OTHER_FORMAT, OUT_OF_RANGE, TWICE, cases, compare};
use crate::workflow::scene::{in_memory, key};
use async_trait::async_trait;
use mock_api::{CallName, Fault, FaultAction};
use s3_sync::file_manager::{FeedPage, FileManagerError, ReadFeed};
use s3_sync::state::RunOutcome;
use serde_json::json;
use std::sync::Arc;

fn field(name: &'static str, right: &str, other: &str) -> Field {
    // The list is JSON in one body: a byte that is no UTF-8 costs the event that holds it, wherever in it.
    Field::new(Form::Json, name, right, other).dead("not_utf8", &[NOT_TEXT])
}

/// The fields of one event.
pub(super) fn of_event() -> Vec<Field> {
    vec![
        field("event_type", "\"create\"", "\"delete\"")
            .without(&[OUT_OF_RANGE])
            .dead("unknown_type", &[ABSENT, EMPTY, OTHER_CASE, OTHER_FORMAT]),
        field("file_path", "\"/{id}\"", "\"/other\"").without(&[OUT_OF_RANGE]).dead("empty_path", &[ABSENT, EMPTY, OTHER_FORMAT]),
        field("new_path", "\"/x\"", "\"/y\""),
        field("timestamp", "\"2026-05-04T10:00:00Z\"", "\"yesterday\""),
        field("metadata", "{\"owner\":\"J\"}", "{\"owner\":\"K\"}"),
        field("metadata.permissions", "\"0644\"", "\"0755\""),
        field("metadata.owner", "\"J\"", "\"K\""),
        field("metadata.group", "\"J\"", "\"K\""),
        field("id", "7", "8"),
        field("unknown", "1", "2"),
    ]
}

/// The fields of a response.
pub(super) fn of_response() -> Vec<Field> {
    let plain = |name, right: &str, other: &str| Field::new(Form::JsonText, name, right, other);
    vec![
        plain("events", "[{event}]", "[]")
            .without(&[OUT_OF_RANGE, OTHER_CASE])
            .refused("missing field `events`", &[ABSENT])
            .refused("`events` is not a list", &[EMPTY, OTHER_FORMAT, NOT_TEXT]),
        plain("next_cursor", "null", "null").without(&[TWICE, OTHER_CASE]).refused("next_cursor", &[OUT_OF_RANGE, OTHER_FORMAT, NOT_TEXT]),
        plain("total", "1", "2"),
        plain("timestamp", "\"2026-05-04T10:00:00Z\"", "\"yesterday\""),
    ]
}

/// Serves these events in one page, as they are.
struct RawFeed(Vec<Vec<u8>>);

#[async_trait]
impl ReadFeed for RawFeed {
    fn address(&self) -> String {
        "http://feed".to_owned()
    }

    async fn read_feed(&self, _: Option<&str>) -> Result<FeedPage, FileManagerError> {
        Ok(FeedPage { events: self.0.clone(), next_cursor: None })
    }
}

#[tokio::test]
async fn each_field_of_an_event_wrong_in_each_way() {
    let template = |id: &str| json!({ "case": id, "event_type": "create", "file_path": format!("/{id}"), "metadata": {} });
    check_in_one_cycle(of_event(), template, |scene, events| {
        scene.program.endpoints.feed = Some(Arc::new(RawFeed(events.into_iter().map(|(_, event)| event).collect())));
    })
    .await;
}

#[tokio::test]
async fn each_field_of_a_response_wrong_in_each_way() {
    let (bucket, scene) = in_memory().await;
    bucket.put(key("first"), "first");
    scene.run_to_success().await;
    let mut measured = Vec::new();
    for (number, case) in cases(&of_response()).into_iter().enumerate() {
        let id = format!("case{number:04}");
        bucket.put(key(&id), id.clone());
        let event = json!({ "event_type": "create", "file_path": format!("/{id}") });
        let body = String::from_utf8(spliced(json!({ "events": [event.clone()] }), &case, &id)).expect("UTF-8");
        let answer = FaultAction::Answer { status: 200, retry_after_secs: None, body: Some(body.replace("{event}", &event.to_string())) };
        scene.api.api().clear_faults();
        scene.api.api().order(Fault::new(answer).call(CallName::PubSubFullList).always());
        let ended = scene.cycle().await;
        let arrived = scene.contents().contains_key(&id) && ended.outcome == RunOutcome::Done;
        measured.push((case, if arrived { Fate::Synced } else { Fate::Refused("") }, ended.report.errors.join("; ")));
    }
    compare(measured.into_iter());
}
