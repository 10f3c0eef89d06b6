//! Where the calls of a queue are sent, and with which credentials.

use super::canned::{Answer, Canned};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use s3_sync::events::queue::EventQueue as _;
use s3_sync::events::sqs::{SqsOptions, SqsQueue};
use s3_sync::sdk::{AccessKeys, CredentialSource, ReadKeys};
use s3_sync::trust::TrustedAuthorities;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// E1: a server below a path.
#[tokio::test]
async fn calls_of_a_queue_go_below_the_path_of_its_endpoint() {
    for (path, expected) in [("", "POST / "), ("/sqs/v1", "POST /sqs/v1"), ("/sqs/v1/", "POST /sqs/v1")] {
        let server = Canned::start(Answer::whole(200, &["Content-Type: application/x-amz-json-1.0"], "{}")).await;
        let options = SqsOptions {
            queue_url: format!("{}/1/events", server.endpoint).parse().expect("an address"),
            endpoint: Some(format!("{}{path}", server.endpoint).parse().expect("an address")),
            region: "us-east-1".to_owned(),
            credentials: AccessKeys::new("a", "s").into(),
            trusted: TrustedAuthorities::default(),
        };
        SqsQueue::connect(options).check().await.expect("an answer");
        let sent = server.requests().remove(0);
        assert!(sent.starts_with(expected), "{path}: {sent}");
    }
}

/// The address of a server that answers the key `new`, and every other one with this error.
async fn server_of_the_new_key(status: u16, code: &'static str) -> String {
    let answer = move |headers: HeaderMap| async move {
        let signed = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if signed.contains("Credential=new/") {
            (StatusCode::OK, "{}".to_owned())
        } else {
            let error = format!("{{\"__type\":\"com.amazonaws.sqs#{code}\",\"message\":\"refused\"}}");
            (StatusCode::from_u16(status).expect("a status"), error)
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(answer))).await.expect("it serves") });
    endpoint
}

/// E6: a queue whose token had expired was never received from again.
#[tokio::test]
async fn a_queue_that_rejects_the_credentials_is_asked_again_with_those_that_their_source_has_now() {
    for (status, code, renewed) in [
        (403, "ExpiredToken", true),
        (400, "ExpiredTokenException", true),
        (400, "UnrecognizedClientException", true),
        (403, "InvalidClientTokenId", true),
        (403, "AccessDenied", false),
    ] {
        let reads = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&reads);
        let again = ReadKeys(Arc::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(AccessKeys::new("new", "secret"))
        }));
        let queue = SqsQueue::connect(SqsOptions {
            queue_url: format!("{}/1/events", server_of_the_new_key(status, code).await).parse().expect("an address"),
            endpoint: None,
            region: "us-east-1".to_owned(),
            credentials: CredentialSource::Files { keys: AccessKeys::new("old", "secret"), again },
            trusted: TrustedAuthorities::default(),
        });
        for call in ["check", "receive", "acknowledge"] {
            let ended = match call {
                "check" => queue.check().await,
                "receive" => queue.receive(Duration::ZERO).await.map(drop),
                _ => queue.acknowledge(Vec::new()).await.map(drop),
            };
            assert_eq!(ended.is_ok(), renewed, "{code}: {call}: {ended:?}");
        }
        assert_eq!(reads.load(Ordering::Relaxed), u32::from(renewed), "{code}");
    }
}
