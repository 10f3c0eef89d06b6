//! The client's errors when a file manager fails; and that the idempotency ledger still makes an effect happen once.

use super::file_manager::{TOKEN, client, client_with, double, fresh, key, to, with_body, with_text};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use mock_api::{CallState, Fault, FaultAction};
use s3_sync::file_manager::{Deadlines, FileManager, FileManagerErrorKind as Kind, SaveOperation, SaveRequest};
use s3_sync::record::Permissions;
use std::io;
use std::time::Duration;

/// The same intent, sent again: a new body, the same key.
fn again(request: &SaveRequest, text: &'static str) -> SaveRequest {
    SaveRequest { idempotency_key: request.idempotency_key, ..with_text(request.operation, request.path.as_str(), text) }
}

#[tokio::test]
async fn each_fault_is_reported_with_its_kind() {
    let short = Deadlines { body_base: Duration::from_millis(300), ..Deadlines::default() };
    let busy = |status, secs: Option<u64>| Kind::Busy { status, after: secs.map(Duration::from_secs) };
    let later = |status, secs| FaultAction::Answer { status, retry_after_secs: Some(secs), body: None };
    let talk = |body: &str| FaultAction::Answer { status: 200, retry_after_secs: None, body: Some(body.to_owned()) };
    for (action, expected, effects) in [
        (FaultAction::status(400), Kind::Refused { status: 400 }, 0),
        (FaultAction::status(401), Kind::Unauthorised { status: 401 }, 0),
        (FaultAction::status(403), Kind::Unauthorised { status: 403 }, 0),
        (FaultAction::status(404), Kind::NotFound, 0),
        (FaultAction::status(409), Kind::Taken, 0),
        (later(409, 1), busy(409, Some(1)), 0),
        (FaultAction::status(413), Kind::Refused { status: 413 }, 0),
        (later(429, 7), busy(429, Some(7)), 0),
        (FaultAction::status(500), busy(500, None), 0),
        (later(503, 0), busy(503, Some(0)), 0),
        (talk("<html>"), Kind::BadAnswer, 0),
        (talk("{}"), Kind::BadAnswer, 0),
        (FaultAction::Reset, Kind::Interrupted, 0),
        (FaultAction::Hang, Kind::Timeout, 0),
        (FaultAction::EffectThenReset, Kind::Interrupted, 1),
        (FaultAction::effect_then_status(500), busy(500, None), 1),
        (FaultAction::EffectThenHang, Kind::Timeout, 1),
    ] {
        let double = double().await;
        double.api().order(Fault::new(action.clone()).operation("create"));
        let deadlines = if expected == Kind::Timeout { short } else { Deadlines::default() };
        let client = client_with(&double, TOKEN, deadlines);
        let sent = with_text(SaveOperation::Create, "a", "one");
        let second = again(&sent, "one");
        let failed = client.save(sent).await.expect_err("a fault");
        assert_eq!(failed.kind, expected, "{action:?}: {failed}");
        // The handler may take longer than our timeout.
        double.api().wait_for_calls(|calls| calls.iter().all(|call| call.state != CallState::Open)).await;
        assert_eq!(double.api().effects().total, effects, "{action:?}");

        let client = client_with(&double, TOKEN, Deadlines::default());
        client.save(second).await.unwrap_or_else(|error| panic!("the second attempt after {action:?}: {error}"));
        assert_eq!(double.api().effects().of("a", "create"), 1, "{action:?}");
    }
}

#[tokio::test]
async fn a_repeated_effect_is_answered_again_and_another_one_under_its_key_is_refused() {
    let double = double().await;
    let client = client(&double);
    let sent = with_text(SaveOperation::Create, "a", "one");
    let (second, forged) = (again(&sent, "one"), again(&sent, "two"));
    let first = client.save(sent).await.expect("a create");
    assert_eq!(client.save(second).await.expect("a replay"), first);
    assert_eq!(client.save(forged).await.expect_err("another payload").kind, Kind::Refused { status: 422 });

    let (key_of_set, wanted) = (fresh(), Permissions { permissions: Some("0600".to_owned()), ..Permissions::default() });
    for _ in 0..2 {
        client.set_permissions(&key("a"), &wanted, key_of_set).await.expect("a set");
    }
    let moved = to(SaveOperation::Move, "a", "b");
    let repeated = SaveRequest { idempotency_key: moved.idempotency_key, ..to(SaveOperation::Move, "a", "b") };
    client.save(moved).await.expect("a move");
    client.save(repeated).await.expect("a replay");
    assert!(double.api().effects().by_key.values().all(|effects| *effects == 1));
    assert_eq!(double.api().effects().total, 3);
}

#[tokio::test]
async fn a_key_in_progress_is_busy_for_a_while() {
    let double = double().await;
    let (go_on, resumed) = tokio::sync::oneshot::channel::<()>();
    let held_back = stream::once(async {
        resumed.await.expect("a word");
        Ok(Bytes::from_static(b"one"))
    });
    let sent = with_body(SaveOperation::Create, "a", 3, held_back.boxed());
    let second = again(&sent, "one");
    let first = tokio::spawn({
        let client = client(&double);
        async move { client.save(sent).await }
    });
    double.api().wait_for_calls(|calls| calls.iter().any(|call| !call.parts.is_empty())).await;
    let failed = client(&double).save(second).await.expect_err("in progress");
    assert!(matches!(failed.kind, Kind::Busy { status: 409, after: Some(_) }), "{failed}");
    go_on.send(()).expect("content that waits for it");
    first.await.expect("a task").expect("a create");
}

#[tokio::test]
async fn content_that_breaks_off_has_no_effect_and_its_key_can_be_used_again() {
    let double = double().await;
    let client = client(&double);
    let large = Bytes::from(vec![7; 4 * 1024 * 1024]);
    let size = large.len() as u64 + 1;
    let broken = with_body(SaveOperation::Create, "a", size, stream::iter([Ok(large), Err(io::Error::other("S3 broke off"))]).boxed());
    let second = again(&broken, "one");
    let failed = client.save(broken).await.expect_err("a broken body");
    assert_eq!((failed.kind, failed.message.as_str()), (Kind::BodyFailed, "S3 broke off"));
    double.api().wait_for_calls(|calls| calls.iter().any(|call| call.state == CallState::Unanswered)).await;
    assert!(double.api().files().is_empty());
    client.save(second).await.expect("the whole body");
    assert_eq!(double.api().files()["a"].size, 3);
}

#[tokio::test]
async fn a_wrong_token_is_reported_and_not_shown() {
    let double = double().await;
    let client = client_with(&double, "wr0ng", Deadlines::default());
    let content = with_body(SaveOperation::Create, "a", 8 << 20, stream::repeat_with(|| Ok(Bytes::from(vec![7; 1 << 20]))).take(8).boxed());
    for failed in [client.save(content).await.map(drop), client.permissions(&key("a")).await.map(drop)] {
        let failed = failed.expect_err("a wrong token");
        assert_eq!(failed.kind, Kind::Unauthorised { status: 401 }, "{failed}");
        assert!(!format!("{failed} {failed:?} {client:?}").contains("wr0ng"));
    }
    assert_eq!(double.api().effects().total, 0);
}
