//! A server of fixed responses on a loopback port, for responses that no S3 server sends on demand. It knows no S3.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The bytes of a response, and what happens to the connection after them.
#[derive(Clone)]
pub(super) struct Answer {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy)]
pub(super) enum Then {
    /// The connection waits for the next request.
    KeepAlive,
    /// The connection is closed.
    Close,
    /// Nothing more happens until the client disconnects.
    Hang,
}

impl Answer {
    /// A response with a body and its length. Each header is one line without a line end.
    pub(super) fn whole(status: u16, headers: &[&str], body: &str) -> Self {
        Self { bytes: format!("{}{body}", head(status, headers, body.len())).into_bytes(), then: Then::KeepAlive }
    }

    /// A response to a HEAD: the headers without the body.
    pub(super) fn head(status: u16, headers: &[&str]) -> Self {
        Self { bytes: head(status, headers, 0).into_bytes(), then: Then::KeepAlive }
    }

    /// A response that announces `length` bytes and sends only these.
    pub(super) fn cut(length: usize, sent: &str, then: Then) -> Self {
        Self { bytes: format!("{}{sent}", head(200, &["ETag: \"e\""], length)).into_bytes(), then }
    }

    /// A response without a length, whose body is one chunk.
    pub(super) fn chunked(headers: &[&str], body: &str) -> Self {
        let lines = [&["HTTP/1.1 200 X", "Transfer-Encoding: chunked"], headers, &["\r\n"]].concat().join("\r\n");
        Self { bytes: format!("{lines}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes(), then: Then::KeepAlive }
    }

    /// The same as a response to a HEAD.
    pub(super) fn without_body(mut self) -> Self {
        let end = self.bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("it has headers");
        self.bytes.truncate(end + 4);
        self
    }

    /// No response.
    pub(super) fn none(then: Then) -> Self {
        Self { bytes: Vec::new(), then }
    }
}

fn head(status: u16, headers: &[&str], length: usize) -> String {
    let (status, length) = (format!("HTTP/1.1 {status} X"), format!("Content-Length: {length}"));
    [&[&*status, &*length], headers, &["\r\n"]].concat().join("\r\n")
}

/// Always gives the same response, and records the requests.
pub(super) struct Canned {
    /// `http://127.0.0.1:port`
    pub(super) endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Canned {
    pub(super) async fn start(answer: Answer) -> Self {
        Self::start_by_method(answer.clone(), answer).await
    }

    /// The first response is for a HEAD, the second one for all other requests.
    pub(super) async fn start_by_method(to_head: Answer, otherwise: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, [to_head.clone(), otherwise.clone()], Arc::clone(&kept)));
            }
        });
        Self { endpoint, requests, accepting }
    }

    /// Sends before the client does, and not TLS: simulates the wrong port for a TLS client.
    pub(super) async fn start_rude() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let accepting = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let _ = connection.write_all(b"HTTP/1.1 400 X\r\n\r\n").await;
            }
        });
        Self { endpoint, requests: Arc::default(), accepting }
    }

    /// The heads of the requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no test panics with it").clone()
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut connection: TcpStream, [to_head, otherwise]: [Answer; 2], requests: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    loop {
        while !request.ends_with(b"\r\n\r\n") {
            match connection.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => return,
            }
        }
        requests.lock().expect("no test panics with it").push(String::from_utf8_lossy(&request).into_owned());
        let answer = if request.starts_with(b"HEAD ") { &to_head } else { &otherwise };
        request.clear();
        if connection.write_all(&answer.bytes).await.is_err() {
            return;
        }
        match answer.then {
            Then::KeepAlive => {}
            Then::Close => return,
            Then::Hang => {
                // Ends when the client closes the connection.
                let _ = connection.read_u8().await;
                return;
            }
        }
    }
}
