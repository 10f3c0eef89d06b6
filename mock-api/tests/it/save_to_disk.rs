//! `saveToDisk`, row by row of the contract's tables: forms, refusals in their order, responses.

use crate::client::{BOUNDARY, Double, Save, double, double_with, multipart, said};
use mock_api::{Contents, Options};
use serde_json::{Value, json};

fn id(answer: &Value) -> &str {
    answer["internal_id"].as_str().expect("an id")
}

#[tokio::test]
async fn a_create_returns_every_field_and_keeps_the_file() {
    let double = double().await;
    let metadata = r#"{"etag":"\"e\"","source":"customer_s3"}"#;
    let request =
        Save::new("create", "docs/a.txt").with("size", "5").with("file_type", "text/plain").with("metadata", metadata).file(b"hello");
    let said = double.save(request).await;
    assert_eq!(said.status, 200);
    let mut body = said.body;
    let fields: Vec<_> = body.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(fields.len(), 8, "{fields:?}");
    let file = double.api().files()["docs/a.txt"].clone();
    assert_eq!(id(&body), file.internal_id.to_string());
    assert!(body["saved_at"].take().as_str().expect("a time").parse::<jiff::Timestamp>().is_ok());
    body["internal_id"].take();
    let metadata: Value = serde_json::from_str(metadata).expect("json");
    let expected = json!({
        "internal_id": null, "file_path": "docs/a.txt", "operation": "create", "size": 5, "saved_at": null,
        "status": "success", "new_path": null, "metadata": metadata,
    });
    assert_eq!(body, expected);
    assert_eq!((file.size, file.file_type.as_deref(), file.content.as_deref()), (5, Some("text/plain"), Some(&b"hello"[..])));
    assert_eq!(file.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(Value::from(file.metadata.expect("metadata")), metadata);
}

#[tokio::test]
async fn an_invalid_request_is_refused_and_has_no_effect() {
    let double = double().await;
    double.create("known", "content").await;
    let detail = |text: &str| json!(text);
    let rows: Vec<(Save<'_>, u16, Value)> = vec![
        (Save::new("frobnicate", "a"), 400, detail("Invalid operation")),
        (Save::new("Create", "a").file(b"x"), 400, detail("Invalid operation")),
        (Save::new("frobnicate", "a").with("metadata", "{"), 400, detail("Invalid operation")),
        (Save::new("create", "a").with("metadata", r#"{"size": NaN}"#).file(b"x"), 400, detail("Invalid metadata JSON")),
        (Save::new("create", "a").with("metadata", "[1]").file(b"x"), 400, detail("Invalid metadata JSON")),
        (Save::new("create", "a").with("metadata", "{"), 400, detail("Invalid metadata JSON")),
        (Save::new("create", "a"), 400, detail("File is required for create operation")),
        (Save::new("update", "known"), 400, detail("File is required for update operation")),
        (Save::new("rename", "known"), 400, detail("new_path is required for rename operation")),
        (Save::new("move", "unknown").with("new_path", ""), 400, detail("new_path is required for move operation")),
        (Save::new("update", "unknown").file(b"x"), 404, detail("File not found")),
        (Save::new("delete", "unknown"), 404, detail("File not found")),
        (Save::new("get", "unknown"), 404, detail("File not found")),
        (Save::new("rename", "unknown").with("new_path", "known"), 404, detail("File not found")),
        (Save::new("move", "unknown").with("new_path", "b"), 404, detail("File not found")),
        (Save::new("rename", "known").with("new_path", "known"), 409, detail("Path is taken")),
        (Save::new("move", "known").with("new_path", "known"), 409, detail("Path is taken")),
    ];
    for (save, status, expected) in rows {
        let fields = save.fields.clone();
        let said = double.save(save).await;
        assert_eq!(said.refusal(), (status, &expected), "{fields:?}");
        assert_eq!(said.retry_after, None, "{fields:?}");
    }
    assert_eq!(double.contents(), [("known".to_owned(), "content".to_owned())]);
    assert_eq!(double.api().effects().total, 1);
}

#[tokio::test]
async fn wrong_fields_are_reported_together_in_the_order_of_their_declaration() {
    let double = double().await;
    let fields = |fields: Vec<(&'static str, &'static str)>, file| Save { fields, file, key: None };
    let rows = [
        (fields(vec![], None), vec![("operation", "missing"), ("file_path", "missing")]),
        (fields(vec![("operation", "nonsense")], None), vec![("file_path", "missing")]),
        (
            fields(vec![("file_path", ""), ("size", "5 bytes")], Some(&b"x"[..])),
            vec![("operation", "missing"), ("file_path", "missing"), ("size", "int_parsing")],
        ),
        (Save::new("create", "a").with("size", "-1").file(b"x"), vec![("size", "int_parsing")]),
        (Save::new("create", "a").with("size", "+1").file(b"x"), vec![("size", "int_parsing")]),
        (Save::new("create", "a").with("file", "no upload"), vec![("file", "value_error")]),
        (Save::new("create", "a").with("size", "2").file(b"x"), vec![("size", "value_error")]),
        (Save::new("create", "a").with("size", "0").file(b"x"), vec![("size", "value_error")]),
    ];
    for (save, expected) in rows {
        let said = double.save(save).await;
        let problems = said.problems();
        let problems: Vec<_> = problems.iter().map(|(field, kind)| (field.as_str(), kind.as_str())).collect();
        assert_eq!((said.status, problems), (422, expected));
    }
    let said = double.save(fields(vec![("operation", "get")], None)).await;
    assert_eq!(
        said.body,
        json!({ "detail": [{ "type": "missing", "loc": ["body", "file_path"], "msg": "Field required", "input": null }] })
    );
    assert!(double.api().files().is_empty());
}

#[tokio::test]
async fn new_content_keeps_the_id_whether_created_again_or_updated() {
    let double = double().await;
    let first = double.create("a", "one").await.body;
    let again = double.create("a", "two").await.body;
    assert_eq!(id(&first), id(&again));
    let updated = double.save(Save::new("update", "a").with("metadata", r#"{"v":3}"#).file(b"three")).await;
    assert_eq!((updated.status, id(&updated.body), &updated.body["size"]), (200, id(&first), &json!(5)));
    double.save(Save::new("update", "a").file(b"four")).await;
    assert_eq!(double.contents(), [("a".to_owned(), "four".to_owned())]);
    let got = double.save(Save::new("get", "a")).await.body;
    assert_eq!((id(&got), &got["size"], &got["metadata"]), (id(&first), &json!(4), &json!({ "v": 3 })));
}

#[tokio::test]
async fn rename_and_move_keep_id_and_content_and_free_the_old_path() {
    let double = double().await;
    let created = double.create("a", "one").await.body;
    for (operation, from, to) in [("rename", "a", "b"), ("move", "b", "c/d")] {
        let said = double.save(Save::new(operation, from).with("new_path", to)).await;
        assert_eq!((said.status, id(&said.body)), (200, id(&created)));
        assert_eq!((&said.body["file_path"], &said.body["new_path"], &said.body["size"]), (&json!(from), &json!(to), &json!(3)));
    }
    assert_eq!(double.contents(), [("c/d".to_owned(), "one".to_owned())]);
    assert_eq!(double.save(Save::new("get", "a")).await.status, 404);
}

#[tokio::test]
async fn a_file_created_after_a_delete_gets_another_id() {
    let double = double().await;
    let created = double.create("a", "one").await.body;
    let deleted = double.save(Save::new("delete", "a")).await;
    assert_eq!((deleted.status, id(&deleted.body), &deleted.body["size"]), (200, id(&created), &Value::Null));
    assert_eq!(double.save(Save::new("delete", "a")).await.status, 404);
    assert_ne!(id(&double.create("a", "one").await.body), id(&created));
}

#[tokio::test]
async fn fields_may_follow_the_file_and_unknown_ones_are_ignored() {
    let double = double().await;
    let body = multipart(&[
        ("name=\"colour\"", "green"),
        ("name=\"file\"; filename=\"x\"", "content"),
        ("name=\"operation\"", "delete"),
        ("name=\"operation\"", "create"),
        ("name=\"file_path\"", "a"),
    ]);
    let said = post_multipart(&double, body).await;
    assert_eq!((said.status, double.contents()), (200, vec![("a".to_owned(), "content".to_owned())]));
}

#[tokio::test]
async fn an_unreadable_form_is_refused() {
    let double = double().await;
    let long = "x".repeat(1024 * 1024 + 1);
    let unreadable = "There was an error parsing the body";
    let rows = [
        (format!("--{BOUNDARY}\r\nno header\r\n\r\nvalue\r\n--{BOUNDARY}--\r\n"), unreadable),
        (format!("--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--{BOUNDARY}--\r\n"), unreadable),
        ("no boundary at all".to_owned(), unreadable),
        (multipart(&[("name=\"metadata\"", &long)]), "Part exceeded maximum size of 1024KB."),
    ];
    for (body, detail) in rows {
        assert_eq!(post_multipart(&double, body).await.refusal(), (400, &json!(detail)));
    }
    let request = double.http.post(format!("{}/saveToDisk", double.running.url()));
    let json = request.header("Content-Type", "application/json").body(r#"{"operation":"get"}"#).send().await.expect("an answer");
    assert_eq!(said(json).await.problems().len(), 2, "JSON is no form: all fields are missing");
}

#[tokio::test]
async fn contents_are_stored_under_their_ids_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let double = double_with(Options { contents: Contents::Directory(directory.path().to_owned()), ..Options::default() }).await;
    let listed = || {
        let mut names: Vec<_> = std::fs::read_dir(directory.path())
            .expect("readable")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("plain"))
            .collect();
        names.sort();
        names
    };
    let created = double.create("../../escape", "one").await.body;
    assert_eq!(listed(), [id(&created)]);
    double.save(Save::new("update", "../../escape").file(b"two").key("k")).await;
    assert!(double.save(Save::new("update", "../../escape").file(b"two").key("k")).await.replayed);
    assert_eq!(double.save(Save::new("update", "unknown").file(b"x")).await.status, 404);
    assert_eq!(double.save(Save::new("create", "b").with("size", "9").file(b"x")).await.status, 422);
    assert_eq!(listed(), [id(&created)]);
    assert_eq!(std::fs::read(directory.path().join(id(&created))).expect("the content"), b"two");
    assert_eq!(double.save(Save::new("delete", "../../escape")).await.status, 200);
    assert!(listed().is_empty());
}

async fn post_multipart(double: &Double, body: String) -> crate::client::Said {
    let request = double.http.post(format!("{}/saveToDisk", double.running.url()));
    let request = request.header("Content-Type", format!("multipart/form-data; boundary={BOUNDARY}")).body(body);
    said(request.send().await.expect("an answer")).await
}
