//! Requests byte for byte, and what they never contain.

use super::*;
use crate::retry::{Disposed, Disposition};

#[tokio::test]
async fn a_create_is_framed_exactly() {
    let path = "docs/Über \"uns\"\r\nX-Forged: 1\\";
    let (base, received) = answering(saved("create", path)).await;
    let mut request = create(path, 9, vec![Ok(bytes("one\r\n")), Ok(bytes("")), Ok(bytes("-two"))]);
    request.metadata.insert("etag".to_owned(), "e".into());
    let answer = file_manager(&base).save(request).await.expect("an answer");
    assert_eq!(answer.internal_id.as_deref(), Some("7"));

    let received = received.await.expect("a request");
    assert!(received.head.starts_with("POST /saveToDisk HTTP/1.1\r\n"), "{}", received.head);
    assert_eq!(received.header("idempotency-key"), Some("00000000-0000-0000-0000-000000000007"));
    assert_eq!(received.header("authorization"), Some("Bearer s3cret"));
    assert_eq!(received.header("user-agent"), Some(concat!("s3-sync/", env!("CARGO_PKG_VERSION"))));
    assert!(received.header("x-request-id").is_some_and(|id| Uuid::parse_str(id).is_ok()));
    assert_eq!(received.header("transfer-encoding"), None);
    assert_eq!(received.header("x-forged"), None);
    let boundary =
        received.header("content-type").and_then(|value| value.strip_prefix("multipart/form-data; boundary=")).expect("a boundary");
    let field = |name: &str, value: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let expected = [
        field("operation", "create"),
        field("file_path", path),
        field("size", "9"),
        field("file_type", "text/plain"),
        field("metadata", r#"{"etag":"e"}"#),
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; "),
        "filename=\"docs/Über %22uns%22%0D%0AX-Forged: 1%5C\"\r\nContent-Type: text/plain\r\n\r\none\r\n-two".to_owned(),
        format!("\r\n--{boundary}--\r\n"),
    ];
    assert_eq!(String::from_utf8(received.body).expect("text"), expected.concat());
}

#[tokio::test]
async fn a_request_without_a_file_is_a_form() {
    for (operation, new_path, expected) in [
        (SaveOperation::Rename, Some("a/ü&="), "operation=rename&file_path=a%2Fb%0D%0A%2B&new_path=a%2F%C3%BC%26%3D"),
        (SaveOperation::Move, Some("c"), "operation=move&file_path=a%2Fb%0D%0A%2B&new_path=c"),
        (SaveOperation::Delete, None, "operation=delete&file_path=a%2Fb%0D%0A%2B"),
        (SaveOperation::Get, None, "operation=get&file_path=a%2Fb%0D%0A%2B"),
    ] {
        let path = "a/b\r\n+";
        let (base, received) = answering(saved(operation.as_str(), path)).await;
        let request = SaveRequest { new_path: new_path.map(key), ..request(operation, path) };
        file_manager(&base).save(request).await.expect("an answer");
        let received = received.await.expect("a request");
        assert_eq!(received.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(received.header("idempotency-key").is_some(), operation != SaveOperation::Get);
        assert_eq!(String::from_utf8(received.body).expect("text"), expected);
    }
}

#[tokio::test]
async fn permissions_are_queried_and_set() {
    let (base, received) = answering(ok(PERMISSIONS)).await;
    let permissions = file_manager(&base).permissions(&key("a")).await.expect("an answer");
    assert_eq!(
        (permissions.permissions.as_deref(), permissions.owner.as_deref(), permissions.group.as_deref()),
        (Some("0644"), Some("u"), Some("g"))
    );
    let received = received.await.expect("a request");
    assert!(received.head.starts_with("POST /updatePermissions HTTP/1.1\r\n"));
    assert_eq!((received.body.as_slice(), received.header("idempotency-key")), (&b"file_path=a"[..], None));

    let (base, received) = answering(ok(PERMISSIONS)).await;
    let wanted = Permissions { permissions: Some("rw r".to_owned()), owner: None, group: Some("g".to_owned()) };
    file_manager(&base).set_permissions(&key("a"), &wanted, KEY).await.expect("an answer");
    let received = received.await.expect("a request");
    assert_eq!(received.body, b"file_path=a&permissions=rw+r&group=g");
    assert!(received.header("idempotency-key").is_some());
}

#[tokio::test]
async fn a_path_in_the_base_url_is_kept_and_a_report_goes_beside_the_health_check() {
    let client = HttpClient::new(1).expect("a client");
    for suffix in ["api/v1", "api/v1//", "api/v1/?x=1#y"] {
        let (base, received) = answering(ok(r#"{"status":"received"}"#)).await;
        let base = base.join(suffix).expect("a URL");
        let events = HttpEvents::new(&client, &base, None, Deadlines::default()).expect("an endpoint");
        events.report_results(&serde_json::json!({"success": true})).await.expect("an answer");
        let received = received.await.expect("a request");
        assert!(received.head.starts_with("POST /api/v1/reportResults HTTP/1.1\r\n"), "{}", received.head);
        assert_eq!((received.header("content-type"), received.body.as_slice()), (Some("application/json"), &br#"{"success":true}"#[..]));
        assert_eq!((received.header("authorization"), received.header("idempotency-key")), (None, None));
    }
    let (base, received) = answering(ok("{}")).await;
    file_manager(&base).health().await.expect("an answer");
    assert!(received.await.expect("a request").head.starts_with("GET / HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (base, served) = server(async |mut stream: TcpStream| {
        for _ in 0..3 {
            receive(&mut stream).await;
            stream.write_all(ok(PERMISSIONS).as_bytes()).await.expect("an answer");
        }
    })
    .await;
    let endpoint = file_manager(&base);
    for _ in 0..3 {
        endpoint.permissions(&key("a")).await.expect("an answer on the one connection");
    }
    served.await.expect("three requests");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (base, _) = answering("HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".to_owned()).await;
    let refused = file_manager(&base).permissions(&key("a")).await.expect_err("a redirect");
    assert_eq!(
        (refused.kind, refused.message.as_str()),
        (FileManagerErrorKind::BadAnswer, "answered 307 Temporary Redirect: redirects are not followed")
    );
}

#[tokio::test]
async fn no_error_and_no_debug_output_holds_the_token() {
    let body = format!(r#"{{"detail":"token {TOKEN} is not known\n"}}"#);
    let (base, _) = answering(format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    let endpoint = file_manager(&base);
    let refused = endpoint.permissions(&key("a\nb")).await.expect_err("a refusal");
    assert_eq!(refused.to_string(), "updatePermissions get a\\u{a}b: answered 401 Unauthorized: token [token] is not known\\u{a}");
    assert_eq!(refused.disposition(), Disposition::Stop { transient: false });
    assert!(!format!("{endpoint:?} {refused:?}").contains(TOKEN));
}

#[tokio::test]
async fn an_address_or_a_token_that_cannot_be_used_is_refused_at_once() {
    let client = HttpClient::new(1).expect("a client");
    let file_manager = |base: &str, token: &str| {
        HttpFileManager::new(&client, &base.parse().expect("a URL"), Some(SecretString::from(token)), Deadlines::default())
            .map(|endpoint| format!("{endpoint:?}"))
    };
    assert_eq!(file_manager("http://h/x/?q", ""), Ok("HttpFileManager(\"http://h/x\")".to_owned()));
    assert_eq!(file_manager("http://h", "a\nb"), Err(HttpSetupError::Token));
    for base in ["ftp://h/", "mailto:a", "http://user:pass@h/"] {
        let refused = file_manager(base, "").expect_err(base);
        assert!(matches!(refused, HttpSetupError::Address(_)) && !refused.to_string().contains("pass@"), "{refused}");
    }
}
