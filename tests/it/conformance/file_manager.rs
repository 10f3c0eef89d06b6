//! The calls of the contract without faults, through the HTTP client.

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use mock_api::{CallName, Contents, MockApi, Options, Running};
use s3_sync::file_manager::{
    ContentStream, Deadlines, FileManager, FileManagerErrorKind, HttpClient, HttpEvents, HttpFileManager, IdempotencyKey, ReportResults,
    SaveContent, SaveOperation, SaveRequest,
};
use s3_sync::record::{ObjectKey, Permissions};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(super) const TOKEN: &str = "s3cret";

/// A double that requires the token and keeps contents.
pub(super) async fn double() -> Running {
    let options = Options { contents: Contents::Memory, token: Some(TOKEN.to_owned()), ..Options::default() };
    MockApi::new(options).start("127.0.0.1:0").await.expect("a port")
}

pub(super) fn client_with(double: &Running, token: &str, deadlines: Deadlines) -> HttpFileManager {
    let client = HttpClient::new(4).expect("a client");
    let base = double.url().parse().expect("a URL");
    HttpFileManager::new(&client, &base, Some(SecretString::from(token)), deadlines).expect("a client")
}

pub(super) fn client(double: &Running) -> HttpFileManager {
    client_with(double, TOKEN, Deadlines::default())
}

pub(super) fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("a key")
}

pub(super) fn fresh() -> IdempotencyKey {
    IdempotencyKey(Uuid::new_v4())
}

pub(super) fn request(operation: SaveOperation, path: &str) -> SaveRequest {
    let idempotency_key = (operation != SaveOperation::Get).then(fresh);
    SaveRequest { operation, path: key(path), new_path: None, content: None, metadata: Map::new(), idempotency_key }
}

pub(super) fn to(operation: SaveOperation, path: &str, new_path: &str) -> SaveRequest {
    SaveRequest { new_path: Some(key(new_path)), ..request(operation, path) }
}

pub(super) fn with_body(operation: SaveOperation, path: &str, size: u64, body: ContentStream) -> SaveRequest {
    let content = SaveContent { size, file_type: "text/plain".to_owned(), body };
    let metadata = Map::from_iter([("source".to_owned(), Value::from("customer_s3"))]);
    SaveRequest { content: Some(content), metadata, ..request(operation, path) }
}

pub(super) fn with_text(operation: SaveOperation, path: &str, text: &'static str) -> SaveRequest {
    with_body(operation, path, text.len() as u64, stream::iter([Ok(Bytes::from_static(text.as_bytes()))]).boxed())
}

#[tokio::test]
async fn a_file_keeps_its_id_from_create_to_delete() {
    let double = double().await;
    let client = client(&double);
    client.health().await.expect("it is there");
    let created = client.save(with_text(SaveOperation::Create, "docs/a.txt", "one")).await.expect("a create");
    assert_eq!(created.size, Some(3));
    let id = created.internal_id.clone().expect("an id");

    let found = client.save(request(SaveOperation::Get, "docs/a.txt")).await.expect("a read");
    assert_eq!(found, created);
    assert_eq!(found.metadata.as_ref().and_then(|metadata| metadata.get("source")), Some(&json!("customer_s3")));

    let updated = client.save(with_text(SaveOperation::Update, "docs/a.txt", "seven b")).await.expect("an update");
    assert_eq!((updated.internal_id.as_ref(), updated.size), (Some(&id), Some(7)));
    let renamed = client.save(to(SaveOperation::Rename, "docs/a.txt", "docs/b.txt")).await.expect("a rename");
    assert_eq!(renamed.internal_id.as_ref(), Some(&id));
    let moved = client.save(to(SaveOperation::Move, "docs/b.txt", "c/b.txt")).await.expect("a move");
    assert_eq!(moved.internal_id.as_ref(), Some(&id));
    let files = double.api().files();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["c/b.txt"]);
    assert_eq!(files["c/b.txt"].content.as_deref(), Some(&b"seven b"[..]));
    client.save(request(SaveOperation::Delete, "c/b.txt")).await.expect("a delete");
    assert!(double.api().files().is_empty());
}

#[tokio::test]
async fn a_create_has_its_parts_in_the_contracts_order_and_a_length() {
    let double = double().await;
    client(&double).save(with_text(SaveOperation::Create, "a", "one")).await.expect("a create");
    let calls = double.api().calls();
    let [call] = calls.as_slice() else { panic!("one call, not {calls:?}") };
    assert_eq!(call.parts, ["operation", "file_path", "size", "file_type", "metadata", "file"]);
    assert!(call.content_length.is_some());
    assert_eq!(call.user_agent.as_deref(), Some(concat!("s3-sync/", env!("CARGO_PKG_VERSION"))));
    assert!(call.request_id.as_deref().is_some_and(|id| Uuid::parse_str(id).is_ok()));
    assert!(call.idempotency_key.is_some());
}

#[tokio::test]
async fn an_unknown_path_and_a_taken_path_are_different_errors() {
    let double = double().await;
    let client = client(&double);
    for path in ["a", "b"] {
        client.save(with_text(SaveOperation::Create, path, "one")).await.expect("a create");
    }
    for (request, expected) in [
        (with_text(SaveOperation::Update, "x", "one"), FileManagerErrorKind::NotFound),
        (request(SaveOperation::Delete, "x"), FileManagerErrorKind::NotFound),
        (request(SaveOperation::Get, "x"), FileManagerErrorKind::NotFound),
        (to(SaveOperation::Rename, "x", "y"), FileManagerErrorKind::NotFound),
        (to(SaveOperation::Move, "a", "b"), FileManagerErrorKind::Taken),
        (request(SaveOperation::Create, "a"), FileManagerErrorKind::Refused { status: 400 }),
        (request(SaveOperation::Rename, "a"), FileManagerErrorKind::Refused { status: 400 }),
    ] {
        let refused = client.save(request).await.expect_err("a refusal");
        assert_eq!(refused.kind, expected, "{refused}");
    }
    assert_eq!(double.api().effects().total, 2);
}

#[tokio::test]
async fn permissions_are_queried_and_set_field_by_field() {
    let double = double().await;
    let client = client(&double);
    let text = |text: &str| Some(text.to_owned());
    let answered = client.permissions(&key("run.sh")).await.expect("an answer");
    assert_eq!(answered, Permissions { permissions: text("rwxr-xr-x"), owner: text("developer"), group: text("dev") });
    let wanted = Permissions { permissions: text("0600"), owner: None, group: text("ops & dev") };
    let set = client.set_permissions(&key("run.sh"), &wanted, fresh()).await.expect("an answer");
    assert_eq!(set, Permissions { permissions: text("0600"), owner: text("developer"), group: text("ops & dev") });
    assert_eq!(client.permissions(&key("run.sh")).await.expect("an answer"), set);
    let operations: Vec<_> = double.api().calls().into_iter().map(|call| (call.operation, call.idempotency_key.is_some())).collect();
    assert_eq!(operations, [(text("get"), false), (text("set"), true), (text("get"), false)]);
}

#[tokio::test]
async fn every_key_arrives_as_it_is() {
    let double = double().await;
    let client = client(&double);
    let mut keys: Vec<String> = serde_json::from_str(include_str!("../../fixtures/hostile-keys.json")).expect("a list of keys");
    keys.extend(
        ["q\"; filename=\"x", "h\r\nX-Forged: 1\r\n\r\n", "nul\0", "\u{1}\u{1f}\u{7f}\u{85}\u{2028}", "end\\", "100%+&=;"]
            .map(str::to_owned),
    );
    keys.sort();
    keys.dedup();
    for path in &keys {
        client.save(with_text(SaveOperation::Create, path, "one")).await.unwrap_or_else(|error| panic!("{error}"));
        client.permissions(&key(path)).await.unwrap_or_else(|error| panic!("{error}"));
    }
    let arrived: Vec<_> = double.api().files().into_keys().collect();
    assert_eq!(arrived, keys);
    for call in double.api().calls().iter().filter(|call| call.call == CallName::SaveToDisk) {
        assert!(call.file_name.as_ref().is_some_and(|name| !name.contains(char::is_control)), "{call:?}");
    }
    for path in &keys {
        let new_path = format!("moved/{path}");
        client.save(to(SaveOperation::Move, path, &new_path)).await.unwrap_or_else(|error| panic!("{error}"));
        client.save(request(SaveOperation::Delete, &new_path)).await.unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(double.api().files().is_empty());
}

#[tokio::test]
async fn a_type_that_no_header_can_hold_is_sent_as_unknown() {
    let double = double().await;
    let mut request = with_text(SaveOperation::Create, "a", "one");
    request.content.as_mut().expect("content").file_type = "text/x\r\nX-Forged: 1".to_owned();
    client(&double).save(request).await.expect("a create");
    assert_eq!(double.api().files()["a"].file_type.as_deref(), Some("application/octet-stream"));
}

#[tokio::test]
async fn content_of_any_length_arrives_whole() {
    const CHUNK: &[u8] = &[7; 64 * 1024];
    let double = double().await;
    let client = client(&double);
    for chunks in [0, 1, 200] {
        let body = stream::repeat(CHUNK).take(chunks).map(|chunk| Ok(Bytes::from_static(chunk))).boxed();
        let size = (chunks * CHUNK.len()) as u64;
        let saved = client.save(with_body(SaveOperation::Create, "a", size, body)).await.expect("a create");
        assert_eq!(saved.size, Some(size));
        let files = double.api().files();
        let content = files["a"].content.as_ref().expect("content in memory");
        assert!(content.len() as u64 == size && content.iter().all(|byte| *byte == 7), "{size}");
    }
}

#[tokio::test]
async fn a_report_arrives_as_it_is_and_must_be_an_object() {
    let double = double().await;
    let client = HttpClient::new(1).expect("a client");
    let base = format!("{}/", double.url()).parse().expect("a URL");
    let events = HttpEvents::new(&client, &base, Some(SecretString::from(TOKEN)), Deadlines::default()).expect("a client");
    events.health().await.expect("it is there");
    let report = json!({ "sync_type": "initial", "errors": ["Ü\n"], "duration_seconds": 1.5 });
    events.report_results(&report).await.expect("an answer");
    assert_eq!(double.api().reports(), [report]);
    let refused = events.report_results(&json!([])).await.expect_err("a refusal");
    assert_eq!(refused.kind, FileManagerErrorKind::Refused { status: 422 });
    assert_eq!(refused.subject, double.url());
}
