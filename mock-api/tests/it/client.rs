//! The tests' access to the test double: a well-behaved client, and raw bytes. It asserts only that every wait ends.

use mock_api::{Call, Contents, MockApi, Options, Running};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Far longer than any step here takes: turns a hanging test into a failed one.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A running test double with a client.
pub(crate) struct Double {
    pub(crate) running: Running,
    pub(crate) http: reqwest::Client,
}

/// An answer with its body.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<String>,
    pub(crate) replayed: bool,
}

impl Said {
    /// Status and `detail` of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &Value) {
        (self.status, &self.body["detail"])
    }

    /// For each entry of a 422, the field and the kind of problem.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let entries = self.body["detail"].as_array().map(Vec::as_slice).unwrap_or_default();
        entries
            .iter()
            .map(|entry| (entry["loc"][1].as_str().unwrap_or("").to_owned(), entry["type"].as_str().unwrap_or("").to_owned()))
            .collect()
    }
}

/// One `saveToDisk`.
#[derive(Clone, Default)]
pub(crate) struct Save<'a> {
    pub(crate) fields: Vec<(&'a str, &'a str)>,
    pub(crate) file: Option<&'a [u8]>,
    pub(crate) key: Option<&'a str>,
}

impl<'a> Save<'a> {
    pub(crate) fn new(operation: &'a str, path: &'a str) -> Self {
        Self { fields: vec![("operation", operation), ("file_path", path)], file: None, key: None }
    }

    pub(crate) fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.fields.push((name, value));
        self
    }

    pub(crate) fn file(self, file: &'a [u8]) -> Self {
        Self { file: Some(file), ..self }
    }

    pub(crate) fn key(self, key: &'a str) -> Self {
        Self { key: Some(key), ..self }
    }
}

/// Starts a double that keeps contents in memory.
pub(crate) async fn double() -> Double {
    double_with(Options { contents: Contents::Memory, ..Options::default() }).await
}

pub(crate) async fn double_with(options: Options) -> Double {
    let running = MockApi::new(options).start("127.0.0.1:0").await.expect("a free port");
    Double { running, http: reqwest::Client::builder().no_proxy().build().expect("a client") }
}

impl Double {
    pub(crate) fn api(&self) -> &MockApi {
        self.running.api()
    }

    pub(crate) fn request(&self, save: &Save<'_>) -> reqwest::RequestBuilder {
        let mut request = self.http.post(format!("{}/saveToDisk", self.running.url()));
        if let Some(key) = save.key {
            request = request.header("Idempotency-Key", key);
        }
        let Some(file) = save.file else { return request.form(&save.fields) };
        let texts = save.fields.iter().fold(Form::new(), |form, (name, value)| form.text((*name).to_owned(), (*value).to_owned()));
        request.multipart(texts.part("file", Part::bytes(file.to_vec()).file_name("a name")))
    }

    pub(crate) async fn save(&self, save: Save<'_>) -> Said {
        said(self.request(&save).send().await.expect("an answer")).await
    }

    /// A create as the service sends it.
    pub(crate) async fn create(&self, path: &str, content: &str) -> Said {
        let size = content.len().to_string();
        self.save(Save::new("create", path).with("size", &size).file(content.as_bytes())).await
    }

    pub(crate) async fn permissions(&self, fields: &[(&str, &str)], key: Option<&str>) -> Said {
        let mut request = self.http.post(format!("{}/updatePermissions", self.running.url())).form(fields);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        said(request.send().await.expect("an answer")).await
    }

    pub(crate) async fn get(&self, target: &str) -> Said {
        said(self.http.get(format!("{}{target}", self.running.url())).send().await.expect("an answer")).await
    }

    pub(crate) async fn report(&self, body: &'static str) -> Said {
        said(self.http.post(format!("{}/reportResults", self.running.url())).body(body).send().await.expect("an answer")).await
    }

    /// The paths of the files with their contents.
    pub(crate) fn contents(&self) -> Vec<(String, String)> {
        let text = |content: Option<bytes::Bytes>| String::from_utf8_lossy(&content.expect("kept in memory")).into_owned();
        self.api().files().into_iter().map(|(path, file)| (path, text(file.content))).collect()
    }

    /// Waits until `enough` accepts the calls. On a timeout it shows the received calls.
    pub(crate) async fn wait_for_calls(&self, enough: impl FnMut(&[Call]) -> bool) {
        let waited = tokio::time::timeout(LONGEST_WAIT, self.api().wait_for_calls(enough)).await;
        assert!(waited.is_ok(), "waited in vain: {:#?}", self.api().calls());
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.running.address()).await.expect("a connection")
    }
}

pub(crate) async fn said(response: reqwest::Response) -> Said {
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().expect("plain text").to_owned());
    let (retry_after, replayed) = (header("retry-after"), header("idempotency-replayed").as_deref() == Some("true"));
    let body = response.bytes().await.expect("a body");
    Said { status, body: serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))), retry_after, replayed }
}

pub(crate) const BOUNDARY: &str = "----boundary";

/// The multipart text of a create, to send over a raw connection.
pub(crate) fn multipart_create(path: &str, content: &str) -> String {
    multipart(&[
        ("name=\"operation\"", "create"),
        ("name=\"file_path\"", path),
        ("name=\"size\"", &content.len().to_string()),
        ("name=\"file\"; filename=\"x\"\r\nContent-Type: text/plain", content),
    ])
}

pub(crate) fn multipart(parts: &[(&str, &str)]) -> String {
    let part = |(head, value): &(&str, &str)| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n");
    format!("{}--{BOUNDARY}--\r\n", parts.iter().map(part).collect::<String>())
}

/// The head of a multipart `saveToDisk` with the key `k`.
pub(crate) fn head(length: usize) -> String {
    format!(
        "POST /saveToDisk HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// All bytes up to the end of the connection, however it ends.
pub(crate) async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    // A reset is a normal end here: the bytes received before it are returned.
    let ended = tokio::time::timeout(LONGEST_WAIT, stream.read_to_end(&mut received)).await;
    assert!(ended.is_ok(), "the connection does not end; received so far: {}", String::from_utf8_lossy(&received));
    received
}

pub(crate) async fn send(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("the double listens");
    stream.flush().await.expect("the double listens");
}
