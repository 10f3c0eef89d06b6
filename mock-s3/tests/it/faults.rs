//! Every fault that a test can order, as a client sees it.

use crate::harness::{BUCKET, Harness};
use mock_s3::{Fault, Gate, Matcher, NewObject, OrderedFault};
use std::time::Duration;

const SIZE: u64 = 1_000_000;

/// A bucket with `small` ("hello") and `large` (1 MB, generated).
async fn harness() -> Harness {
    let harness = Harness::start().await;
    harness.server().put(BUCKET, "small", "hello", None);
    harness.server().put_generated(BUCKET, "large", SIZE, 1);
    harness
}

/// Orders a fault for the next GET.
fn order(harness: &Harness, fault: Fault) -> OrderedFault {
    harness.server().order(Matcher::operation("GetObject").times(1), fault)
}

#[tokio::test]
async fn error_answers() {
    let harness = harness().await;
    let table = [
        (Fault::internal_error(), 500, "InternalError"),
        (Fault::slow_down(None), 503, "SlowDown"),
        (Fault::access_denied(), 403, "AccessDenied"),
        (Fault::no_such_key(), 404, "NoSuchKey"),
        (Fault::no_such_bucket(), 404, "NoSuchBucket"),
        (Fault::error(429, "TooManyRequests"), 429, "TooManyRequests"),
        (Fault::error(301, "PermanentRedirect"), 301, "PermanentRedirect"),
    ];
    for (fault, status, code) in table {
        let ordered = order(&harness, fault);
        let failure = harness.get("small").await.expect_err("a fault");
        assert!(failure.is(status, code), "{status} {code}: {failure:?}");
        assert_eq!(ordered.strikes(), 1);
    }
    assert_eq!(harness.get("small").await.expect("no fault is left"), b"hello");
}

#[tokio::test]
async fn slow_down_may_have_a_retry_after() {
    let harness = harness().await;
    order(&harness, Fault::slow_down(Some(Duration::from_secs(7))));
    let answer = harness.get_raw("small").await;
    assert!(answer.received.starts_with(b"HTTP/1.1 503 "), "{answer:?}");
    assert_eq!(answer.header("retry-after").as_deref(), Some("7"));
    assert!(String::from_utf8_lossy(answer.body().expect("a body")).contains("<Code>SlowDown</Code>"));
}

#[tokio::test]
async fn a_fault_applies_only_to_matching_requests() {
    let harness = harness().await;
    harness.server().put(BUCKET, "other", "x", None);
    harness.server().put("elsewhere", "small", "y", None);
    let matcher = Matcher::operation("GetObject").bucket(BUCKET).key("small").skip(1).times(2);
    let ordered = harness.server().order(matcher, Fault::internal_error());
    let mut outcomes = Vec::new();
    for _ in 0..5 {
        harness.get("other").await.expect("another key");
        harness.client.head_object().bucket(BUCKET).key("small").send().await.expect("another operation");
        harness.client.get_object().bucket("elsewhere").key("small").send().await.expect("another bucket");
        outcomes.push(harness.get("small").await.is_ok());
    }
    assert_eq!(outcomes, [true, false, false, true, true]);
    assert_eq!(ordered.strikes(), 2);
}

#[tokio::test]
async fn faults_apply_in_the_order_of_their_ordering_until_withdrawn() {
    let harness = harness().await;
    order(&harness, Fault::internal_error());
    let for_ever = harness.server().order(Matcher::any(), Fault::slow_down(None));
    assert!(harness.get("small").await.expect_err("the first").is(500, "InternalError"));
    for _ in 0..3 {
        assert!(harness.get("small").await.expect_err("the second").is(503, "SlowDown"));
    }
    for_ever.struck(3).await;
    for_ever.withdraw();
    harness.get("small").await.expect("withdrawn");
    order(&harness, Fault::internal_error());
    harness.server().clear_faults();
    harness.get("small").await.expect("cleared");
}

#[tokio::test]
async fn a_delayed_request_is_served() {
    let harness = harness().await;
    let delay = Duration::from_millis(50);
    order(&harness, Fault::Delay(delay));
    let start = std::time::Instant::now();
    assert_eq!(harness.get("small").await.expect("late"), b"hello");
    assert!(start.elapsed() >= delay);
}

#[tokio::test]
async fn a_hanging_request_is_never_answered() {
    let harness = harness().await;
    let ordered = order(&harness, Fault::Hang);
    tokio::select! {
        answer = harness.get("small") => panic!("{answer:?}"),
        () = async {
            ordered.struck(1).await;
            harness.get("small").await.expect("others are served meanwhile");
        } => {}
    }
    harness.running.stop().await;
}

#[tokio::test]
async fn a_gate_holds_a_request_while_the_test_acts() {
    let harness = harness().await;
    let gate = Gate::new();
    order(&harness, Fault::Hold(gate.clone()));
    let act = async {
        gate.arrived(1).await;
        harness.server().put(BUCKET, "small", "changed meanwhile", None);
        gate.open();
    };
    let (answer, ()) = tokio::join!(harness.get("small"), act);
    assert_eq!(answer.expect("let through"), b"changed meanwhile");
}

#[tokio::test]
async fn a_reset_before_the_answer() {
    let harness = harness().await;
    order(&harness, Fault::Reset);
    let answer = harness.get_raw("small").await;
    assert!(answer.received.is_empty() && answer.was_reset, "{answer:?}");
    order(&harness, Fault::Reset);
    let failure = harness.get("small").await.expect_err("no answer");
    assert!(failure.status == 0 && failure.text.contains("ConnectionReset"), "{failure:?}");
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_body() {
    let harness = harness().await;
    for bytes in [0, 1, 100_000] {
        order(&harness, Fault::ResetAfter(bytes));
        let answer = harness.get_raw("large").await;
        assert!(answer.was_reset);
        assert_eq!(answer.header("content-length").as_deref(), Some("1000000"));
        let expected: Vec<u8> = mock_s3::generated(SIZE, 1).flatten().take(usize::try_from(bytes).expect("small")).collect();
        assert!(answer.body() == Some(expected.as_slice()), "exactly the bytes before the reset arrive: {bytes}");
        order(&harness, Fault::ResetAfter(bytes));
        let failure = harness.get("large").await.expect_err("cut off");
        assert_eq!(failure.code, "body", "the headers arrived: {failure:?}");
    }
}

#[tokio::test]
async fn a_body_that_ends_early() {
    let harness = harness().await;
    order(&harness, Fault::CloseAfter(70_000));
    let answer = harness.get_raw("large").await;
    assert!(!answer.was_reset, "closed, not reset");
    assert_eq!((answer.header("content-length").as_deref(), answer.body().map(<[u8]>::len)), (Some("1000000"), Some(70_000)));
    order(&harness, Fault::CloseAfter(2));
    assert_eq!(harness.get("small").await.expect_err("cut off").code, "body");
}

#[tokio::test]
async fn a_shorter_body_whose_length_agrees() {
    let harness = harness().await;
    order(&harness, Fault::Shorten(2));
    let answer = harness.get_raw("small").await;
    assert_eq!((answer.header("content-length").as_deref(), answer.body()), (Some("2"), Some(b"he".as_slice())));
    order(&harness, Fault::Shorten(300_000));
    let failure = harness.get("large").await.expect_err("the checksum differs");
    assert!(failure.text.contains("ChecksumMismatch"), "{failure:?}");
}

#[tokio::test]
async fn wrong_bytes_of_the_right_length() {
    let harness = harness().await;
    for offset in [0, 15, 16, 500_000, SIZE - 1] {
        order(&harness, Fault::WrongByte(offset));
        let answer = harness.get_raw("large").await;
        let body = answer.body().expect("a body").to_vec();
        let right: Vec<u8> = mock_s3::generated(SIZE, 1).flatten().collect();
        let wrong: Vec<u64> = (0..SIZE).zip(right.iter().zip(&body)).filter(|(_, (a, b))| a != b).map(|(index, _)| index).collect();
        assert_eq!((body.len(), wrong), (right.len(), vec![offset]));
    }
}

#[tokio::test]
async fn an_object_replaced_or_removed_just_before_it_is_read() {
    let harness = harness().await;
    let listed = harness.client.list_objects_v2().bucket(BUCKET).send().await.expect("a page");
    let etag = listed.contents()[1].e_tag().expect("an ETag").to_owned();
    let get = || harness.client.get_object().bucket(BUCKET).key("small").if_match(&etag).send();
    get().await.expect("it still is that one");
    order(&harness, Fault::Replace(NewObject::bytes("another one")));
    crate::harness::assert_fails(get().await, 412, "PreconditionFailed");
    assert_eq!(harness.get("small").await.expect("served"), b"another one");
    order(&harness, Fault::Remove);
    assert!(harness.get("small").await.expect_err("gone").is(404, "NoSuchKey"));
    assert_eq!(harness.server().objects(BUCKET).len(), 1);
}

#[tokio::test]
async fn a_bucket_deleted_just_before_a_request() {
    let harness = harness().await;
    harness.server().order(Matcher::operation("ListObjectsV2").skip(1).times(1), Fault::BucketGone);
    let list = || harness.client.list_objects_v2().bucket(BUCKET).max_keys(1).send();
    list().await.expect("the first page");
    crate::harness::assert_fails(list().await, 404, "NoSuchBucket");
    assert!(harness.server().buckets().is_empty());
}

#[tokio::test]
async fn a_listing_can_be_cut_off_too() {
    let harness = harness().await;
    harness.server().order(Matcher::operation("ListObjectsV2").times(1), Fault::CloseAfter(100));
    harness.client.list_objects_v2().bucket(BUCKET).send().await.expect_err("half an answer is none");
    harness.client.list_objects_v2().bucket(BUCKET).send().await.expect("the next one is whole");
}

#[tokio::test]
async fn the_most_requests_at_once_are_counted() {
    let harness = harness().await;
    let gate = Gate::new();
    harness.server().order(Matcher::operation("GetObject"), Fault::Hold(gate.clone()));
    let act = async {
        harness.server().seen("GetObject", 3).await;
        gate.arrived(3).await;
        gate.open();
    };
    let answers = tokio::join!(harness.get("small"), harness.get("small"), harness.get("large"), act);
    assert!(answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok());
    harness.get("small").await.expect("alone");
    assert_eq!(harness.server().counters().most_at_once, 3);
}
