//! The feed of the contract, read by the HTTP client into a real state.

use super::file_manager::{TOKEN, double};
use mock_api::{CallName, Fault, FaultAction, Running};
use s3_sync::clock::SystemClock;
use s3_sync::events::decode::Scope;
use s3_sync::events::feed::{FeedReader, PollError, Polled, hint};
use s3_sync::file_manager::{Deadlines, FileManagerErrorKind, HttpClient, HttpEvents, ReadFeed as _};
use s3_sync::retry::RetryPolicy;
use s3_sync::state::State;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;

fn client(double: &Running) -> HttpEvents {
    let client = HttpClient::new(4).expect("a client");
    let base = double.url().parse().expect("a URL");
    HttpEvents::new(&client, &base, Some(SecretString::from(TOKEN)), Deadlines::default()).expect("a client")
}

fn reader(double: &Running) -> FeedReader {
    FeedReader {
        feed: Arc::new(client(double)),
        scope: Scope::new("bucket", ""),
        retry: RetryPolicy { attempts: 1, ..RetryPolicy::default() },
        inbox_max: 1000,
        clock: Arc::new(SystemClock),
    }
}

async fn state(directory: &tempfile::TempDir) -> State {
    State::open(&directory.path().join("sync.db")).await.expect("a state")
}

fn create(number: usize) -> Value {
    json!({ "event_type": "create", "file_path": format!("/{number}.txt"), "timestamp": "2024-01-15T10:00:00Z" })
}

fn times_asked(double: &Running) -> usize {
    double.api().calls().iter().filter(|call| call.call == CallName::PubSubFullList).count()
}

#[tokio::test]
async fn a_list_is_received_once_and_one_that_is_cut_at_a_hundred_is_recognised_by_its_length() {
    let (double, directory) = (double().await, tempfile::tempdir().expect("a directory"));
    let (state, reader) = (state(&directory).await, reader(&double));
    double.api().set_feed((0..150).map(create).collect());
    let polled = reader.poll(&state).await.expect("polled");
    assert_eq!((polled.received, polled.gap), (100, false), "the contract gives a hundred, and nothing after them");
    assert_eq!(reader.poll(&state).await.expect("polled").duplicates, 100);
    double.api().set_feed((200..300).map(create).collect());
    let polled = reader.poll(&state).await.expect("polled");
    assert_eq!((polled.received, polled.gap), (100, true));
    assert_eq!(state.inbox().events_len().await.expect("counted"), 200);
}

#[tokio::test]
async fn a_feed_with_a_cursor_is_read_to_its_end_and_gone_on_with_after_a_restart() {
    let (double, directory) = (double().await, tempfile::tempdir().expect("a directory"));
    double.api().set_paged_feed((0..250).map(create).collect());
    assert_eq!(reader(&double).poll(&state(&directory).await).await.expect("polled").received, 250);
    double.api().set_paged_feed((0..251).map(create).collect());
    let state = state(&directory).await;
    assert_eq!(reader(&double).poll(&state).await.expect("polled").received, 1);
    assert_eq!(state.inbox().events_len().await.expect("counted"), 251);
    assert_eq!(state.inbox().feed_cursor(&client(&double).address()).await.expect("read").as_deref(), Some("251"));
}

#[tokio::test]
async fn a_feed_that_fails_is_reported_with_its_call_and_the_pages_read_before_are_kept() {
    let (double, directory) = (double().await, tempfile::tempdir().expect("a directory"));
    let state = state(&directory).await;
    double.api().set_feed(vec![create(1)]);
    double.api().order(Fault::new(FaultAction::status(503)).call(CallName::PubSubFullList));
    let failed = reader(&double).poll(&state).await.expect_err("it fails");
    let PollError::Feed(error) = failed else { panic!("{failed}") };
    assert!(matches!(error.kind, FileManagerErrorKind::Busy { status: 503, .. }), "{error}");
    assert!(error.to_string().starts_with("pubSubFullList http://127.0.0.1:"), "{error}");
    assert_eq!(reader(&double).poll(&state).await.expect("polled").received, 1);
    assert_eq!(times_asked(&double), 2);
}

/// The feed serves this body once.
async fn polled_from(body: &str) -> (Result<Polled, PollError>, State, tempfile::TempDir) {
    let (double, directory) = (double().await, tempfile::tempdir().expect("a directory"));
    let state = state(&directory).await;
    let answer = FaultAction::Answer { status: 200, retry_after_secs: None, body: Some(body.to_owned()) };
    double.api().order(Fault::new(answer).call(CallName::PubSubFullList));
    (reader(&double).poll(&state).await, state, directory)
}

/// V4: one event with `NaN` or a raw tab blocked the feed as long as it was served; so did a byte order mark.
#[tokio::test]
async fn an_event_that_is_no_json_is_a_dead_letter_and_its_neighbours_are_received() {
    let nan = include_str!("../../fixtures/events/feed-nan.json");
    for (body, received, dead_letters) in
        [(nan.to_owned(), 2, 1), (nan.replace("NaN", "\"a\tb\""), 2, 1), (format!("\u{feff}{}", nan.replace("NaN", "4")), 3, 0)]
    {
        let (polled, state, _directory) = polled_from(&body).await;
        let polled = polled.unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!((polled.received, polled.dead_letters), (received, dead_letters), "{body}");
        for dead_letter in state.inbox().dead_letters(0, 10).await.expect("read") {
            assert_eq!(dead_letter.reason, "bad_json");
            assert!(String::from_utf8(dead_letter.raw).expect("text").contains("/two.txt"));
        }
    }
}

/// V4: the hint asked whether the server of the events API was a file manager.
#[tokio::test]
async fn a_feed_that_violates_the_contract_has_a_hint_about_the_events_api() {
    for body in ["<html>", "{}", "{\"events\":7}", "{\"events\":[{]}"] {
        let Err(PollError::Feed(error)) = polled_from(body).await.0 else { panic!("{body} is no feed") };
        assert_eq!(error.kind, FileManagerErrorKind::BadAnswer);
        let hint = hint(&error);
        assert!(hint.contains("events API") && hint.contains("EVENTS_API_URL") && !hint.contains("file manager"), "{hint}");
    }
}
