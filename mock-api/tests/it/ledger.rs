//! The ledger of `Idempotency-Key` over HTTP: an effect happens once, however often the request is repeated.

use crate::client::{BOUNDARY, Double, Save, double, head, multipart, multipart_create, rest, said, send};
use mock_api::{CallState, Fault, FaultAction};

async fn prepared() -> Double {
    let double = double().await;
    double.create("known", "content").await;
    double.create("taken", "content").await;
    double
}

#[tokio::test]
async fn a_final_response_is_repeated_without_a_second_effect() {
    let rows = [
        (Save::new("create", "new").file(b"x"), 200),
        (Save::new("update", "known").file(b"x"), 200),
        (Save::new("delete", "known"), 200),
        (Save::new("rename", "known").with("new_path", "free"), 200),
        (Save::new("nonsense", "known"), 400),
        (Save::new("delete", "unknown"), 404),
        (Save::new("move", "known").with("new_path", "taken"), 409),
        (Save::new("create", "new").with("size", "7").file(b"x"), 422),
    ];
    for (save, status) in rows {
        let double = prepared().await;
        let save = save.key("k");
        let first = double.save(save.clone()).await;
        let effects = double.api().effects();
        // The response must stay the same, although the state has changed.
        double.save(Save::new("delete", "new")).await;
        double.create("unknown", "there by now").await;
        let second = double.save(save.clone()).await;
        assert_eq!((first.status, first.replayed, second.status, second.replayed), (status, false, status, true), "{:?}", save.fields);
        assert_eq!((&first.body, second.retry_after), (&second.body, None));
        assert_eq!(double.api().effects().by_key, effects.by_key, "{:?}", save.fields);
        let calls = double.api().calls();
        let replayed = [calls.first(), calls.last()].map(|call| call.is_some_and(|call| call.replayed));
        assert_eq!(replayed, [false, true]);
    }
}

#[tokio::test]
async fn the_ledger_stores_permissions_and_reports_too() {
    let double = double().await;
    let set = [("file_path", "a"), ("permissions", "0600")];
    assert!(!double.permissions(&set, Some("k")).await.replayed);
    double.permissions(&[("file_path", "a"), ("permissions", "0644")], None).await;
    assert!(double.permissions(&set, Some("k")).await.replayed);
    assert_eq!(double.api().permissions("a").permissions, "0644");
    for _ in 0..2 {
        let request = double.http.post(format!("{}/reportResults", double.running.url()));
        request.header("Idempotency-Key", "report").body("{}").send().await.expect("an answer");
    }
    assert_eq!(double.api().reports().len(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_payload_is_refused_and_changes_nothing() {
    let double = prepared().await;
    let original = Save::new("create", "a").with("metadata", "{}").file(b"content").key("k");
    double.save(original.clone()).await;
    let others = [
        Save::new("create", "a").with("metadata", "{}").file(b"CONTENT").key("k"),
        Save::new("create", "a").file(b"content").key("k"),
        Save::new("create", "b").with("metadata", "{}").file(b"content").key("k"),
        Save::new("update", "a").with("metadata", "{}").file(b"content").key("k"),
        Save::new("delete", "a").key("k"),
    ];
    for other in others {
        let fields = other.fields.clone();
        let said = double.save(other).await;
        assert_eq!((said.status, said.replayed), (422, false), "{fields:?}");
        assert_eq!(said.body["detail"][0]["type"], "idempotency_key_reused");
    }
    assert_eq!(double.permissions(&[("file_path", "a")], Some("k")).await.status, 422);
    assert!(double.save(original).await.replayed, "the first answer is still there");
}

#[tokio::test]
async fn the_payload_is_the_fields_and_the_content_not_the_text_of_the_body() {
    let double = prepared().await;
    double.save(Save::new("create", "a").with("size", "1").file(b"x").key("k")).await;
    let text = multipart(&[
        ("name=\"size\"", "1"),
        ("name=\"file\"; filename=\"another\"", "x"),
        ("name=\"file_path\"", "a"),
        ("name=\"operation\"", "create"),
    ]);
    let request = double.http.post(format!("{}/saveToDisk", double.running.url())).header("Idempotency-Key", "k");
    let request = request.header("Content-Type", format!("multipart/form-data; boundary={BOUNDARY}")).body(text);
    assert!(said(request.send().await.expect("an answer")).await.replayed);
    assert_eq!(double.api().effects().by_key["k"], 1);
}

#[tokio::test]
async fn transient_responses_are_not_kept() {
    for status in [401, 403, 408, 425, 429, 500, 502, 503, 504] {
        let double = double().await;
        double.api().order(Fault::new(FaultAction::status(status)));
        let save = Save::new("create", "a").file(b"x").key("k");
        let said = [double.save(save.clone()).await, double.save(save).await].map(|said| (said.status, said.replayed));
        assert_eq!(said, [(status, false), (200, false)]);
    }
}

#[tokio::test]
async fn a_key_in_progress_is_refused_with_retry_after_and_another_key_is_not() {
    let double = double().await;
    let body = multipart_create("slow", "content");
    let (begun, rest_of_body) = body.split_at(body.find("content").expect("it is there") + 3);
    let mut stream = double.connect().await;
    send(&mut stream, format!("{}{begun}", head(body.len()).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).as_bytes()).await;
    double.wait_for_calls(|calls| calls.iter().any(|call| call.path.is_some())).await;
    let same = Save::new("create", "slow").with("size", "7").file(b"content").key("k");
    let meanwhile = double.save(same.clone()).await;
    assert_eq!((meanwhile.status, meanwhile.retry_after.as_deref(), meanwhile.replayed), (409, Some("1"), false));
    assert_eq!(double.save(Save::new("create", "other").file(b"x").key("k2")).await.status, 200);
    send(&mut stream, rest_of_body.as_bytes()).await;
    assert!(rest(&mut stream).await.starts_with(b"HTTP/1.1 200"));
    let afterwards = double.save(same).await;
    assert_eq!((afterwards.status, afterwards.replayed), (200, true));
    assert_eq!(double.api().effects().of("slow", "create"), 1);
}

#[tokio::test]
async fn of_many_concurrent_requests_with_one_key_only_one_has_an_effect() {
    let double = double().await;
    let save = Save::new("create", "a").file(b"x").key("k");
    let requests: Vec<_> = (0..40).map(|_| tokio::spawn(double.request(&save).send())).collect();
    for request in requests {
        let said = said(request.await.expect("no panic").expect("an answer")).await;
        assert!(said.status == 200 || (said.status == 409 && said.retry_after.is_some()), "{said:?}");
    }
    let effects = double.api().effects();
    assert_eq!((effects.total, effects.by_key["k"], effects.of("a", "create")), (1, 1, 1));
    assert_eq!(double.api().calls().iter().filter(|call| call.effect).count(), 1);
}

#[tokio::test]
async fn a_handler_finishes_after_its_client_closed_the_connection() {
    let double = double().await;
    double.api().order(Fault::new(FaultAction::Delay { millis: 200 }));
    let save = Save::new("create", "a").file(b"x").key("k");
    let request = tokio::spawn(double.request(&save).send());
    double.wait_for_calls(|calls| calls.iter().any(|call| call.fault.is_some())).await;
    request.abort();
    double.wait_for_calls(|calls| calls[0].state == CallState::Answered).await;
    assert_eq!(double.api().effects().of("a", "create"), 1);
    assert!(double.save(save).await.replayed);
}

#[tokio::test]
async fn an_invalid_idempotency_key_is_refused() {
    let double = double().await;
    let long = "k".repeat(256);
    for key in ["", "two words", long.as_str()] {
        let said = double.save(Save::new("create", "a").file(b"x").key(key)).await;
        assert_eq!(said.problems(), [("idempotency-key".to_owned(), "value_error".to_owned())]);
    }
    assert_eq!(double.api().files().len(), 0);
    assert_eq!(double.save(Save::new("create", "a").file(b"x").key(&long[1..])).await.status, 200);
}
