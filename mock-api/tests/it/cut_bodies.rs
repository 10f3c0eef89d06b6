//! A body that ends early, at any position, has no effect and frees its key.

use crate::client::{BOUNDARY, head, multipart_create, rest, send};
use crate::client::{Save, double, double_with};
use mock_api::{CallState, Contents, Options};

#[tokio::test]
async fn a_body_truncated_at_any_byte_has_no_effect_and_frees_the_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let double = double_with(Options { contents: Contents::Directory(directory.path().to_owned()), ..Options::default() }).await;
    let body = multipart_create("a", "the content");
    for cut in 0..body.len() {
        let mut stream = double.connect().await;
        send(&mut stream, head(body.len()).as_bytes()).await;
        send(&mut stream, &body.as_bytes()[..cut]).await;
        drop(stream);
        double.wait_for_calls(|calls| calls.len() == cut + 1 && calls[cut].state != CallState::Open).await;
        assert_eq!(double.api().calls()[cut].state, CallState::Unanswered, "cut at {cut} of {}", body.len());
    }
    assert!(double.api().files().is_empty());
    assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), 0);
    let whole = double.save(Save::new("create", "a").file(b"another content").key("k")).await;
    assert_eq!((whole.status, whole.replayed), (200, false));
}

#[tokio::test]
async fn a_chunked_body_without_its_last_chunk_is_cut() {
    let double = double().await;
    let body = multipart_create("a", "the content");
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    let head = head(0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
    for (number, (end, state)) in [("", CallState::Unanswered), ("0\r\n\r\n", CallState::Answered)].into_iter().enumerate() {
        let mut stream = double.connect().await;
        send(&mut stream, format!("{head}{chunk}{end}").as_bytes()).await;
        drop(stream);
        double.wait_for_calls(|calls| calls.get(number).is_some_and(|call| call.state != CallState::Open)).await;
        assert_eq!(double.api().calls()[number].state, state);
    }
    assert_eq!(double.api().effects().total, 1);
}

#[tokio::test]
async fn a_form_or_a_report_cut_short_has_no_effect() {
    let double = double().await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let rows = [
        ("updatePermissions", form, "file_path=a&permissions=0600"),
        ("saveToDisk", form, "operation=delete&file_path=known"),
        ("reportResults", "", "{}"),
    ];
    double.create("known", "x").await;
    for (number, (call, kind, body)) in rows.into_iter().enumerate() {
        let mut stream = double.connect().await;
        let request = format!("POST /{call} HTTP/1.1\r\nHost: x\r\n{kind}Content-Length: {}\r\n\r\n{body}", body.len() + 1);
        send(&mut stream, request.as_bytes()).await;
        drop(stream);
        double.wait_for_calls(|calls| calls.get(number + 1).is_some_and(|call| call.state == CallState::Unanswered)).await;
    }
    assert_eq!((double.api().effects().total, double.api().reports().len()), (1, 0));
}

#[tokio::test]
async fn a_multipart_text_without_its_end_is_refused_and_frees_the_key() {
    let double = double().await;
    let body = multipart_create("a", "the content").replace(&format!("--{BOUNDARY}--\r\n"), "");
    let mut stream = double.connect().await;
    let head = head(body.len()).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    send(&mut stream, format!("{head}{body}").as_bytes()).await;
    assert!(rest(&mut stream).await.starts_with(b"HTTP/1.1 400"));
    assert!(double.api().files().is_empty());
    assert_eq!(double.save(Save::new("create", "b").file(b"x").key("k")).await.status, 200);
}
