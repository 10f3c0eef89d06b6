//! A scripted file manager that records its requests, and the tests over it.

mod requests;
mod trouble;

use super::*;
use futures::stream::{self, StreamExt};
use secrecy::SecretString;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;

const KEY: IdempotencyKey = IdempotencyKey(Uuid::from_u128(7));
const TOKEN: &str = "s3cret";
const PERMISSIONS: &str = r#"{"file_path":"a","permissions":"0644","owner":"u","group":"g","last_updated":"x"}"#;

/// A received request.
struct Received {
    head: String,
    body: Vec<u8>,
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

async fn receive_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    String::from_utf8(head).expect("a head is text")
}

async fn receive(stream: &mut TcpStream) -> Received {
    let mut received = Received { head: receive_head(stream).await, body: Vec::new() };
    let length: usize = received.header("content-length").map_or(0, |length| length.parse().expect("a number"));
    received.body.resize(length, 0);
    stream.read_exact(&mut received.body).await.expect("a body");
    received
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn saved(operation: &str, path: &str) -> String {
    let body = serde_json::json!({"internal_id": "7", "file_path": path, "operation": operation, "saved_at": "x", "status": "success"});
    ok(&body.to_string())
}

/// Accepts one connection and runs `behaviour` on it.
async fn server<T, F, Fut>(behaviour: F) -> (Url, JoinHandle<T>)
where
    T: Send + 'static,
    F: FnOnce(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL");
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        behaviour(stream).await
    });
    (base, task)
}

/// Receives one request and responds to it.
async fn answering(answer: String) -> (Url, JoinHandle<Received>) {
    server(async move |mut stream: TcpStream| {
        let received = receive(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.expect("an answer");
        received
    })
    .await
}

fn file_manager_with(base: &Url, deadlines: Deadlines) -> HttpFileManager {
    let client = HttpClient::new(4).expect("a client");
    HttpFileManager::new(&client, base, Some(SecretString::from(TOKEN)), deadlines).expect("an endpoint")
}

fn file_manager(base: &Url) -> HttpFileManager {
    file_manager_with(base, Deadlines::default())
}

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("a key")
}

fn request(operation: SaveOperation, path: &str) -> SaveRequest {
    let idempotency_key = (operation != SaveOperation::Get).then_some(KEY);
    SaveRequest { operation, path: key(path), new_path: None, content: None, metadata: serde_json::Map::new(), idempotency_key }
}

fn create(path: &str, size: u64, chunks: Vec<io::Result<Bytes>>) -> SaveRequest {
    let content = SaveContent { size, file_type: "text/plain".to_owned(), body: stream::iter(chunks).boxed() };
    SaveRequest { content: Some(content), ..request(SaveOperation::Create, path) }
}

/// Endless content, one chunk at a time.
fn endless() -> SaveRequest {
    let body = stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 16 * 1024]))).boxed();
    let content = SaveContent { size: 1 << 40, file_type: "text/plain".to_owned(), body };
    SaveRequest { content: Some(content), ..request(SaveOperation::Create, "a") }
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}
