//! A proxy in front of moto that is slow or stalls, as ordered. It parses only the first line of a request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Take};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What happens to the responses.
#[derive(Clone, Copy)]
pub(super) enum Manner {
    /// They pass unchanged.
    Passing,
    /// Each is delayed by this time.
    Slow(Duration),
    /// None is sent.
    Silent,
    /// Responses to requests whose first line contains this text stall after this many bytes.
    StandingStill { first_line_holds: &'static str, after_bytes: u64 },
}

/// The proxy, until it is dropped.
pub(super) struct Proxy {
    /// `http://127.0.0.1:port`
    pub(super) endpoint: String,
    manner: Arc<Mutex<Manner>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of the server at `endpoint`.
    pub(super) async fn open(endpoint: &str, manner: Manner) -> Self {
        let server = endpoint.strip_prefix("http://").expect("moto speaks plain HTTP").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let manner = Arc::new(Mutex::new(manner));
        let accepting = tokio::spawn({
            let manner = manner.clone();
            async move {
                let mut connections = JoinSet::new();
                while let Ok((client, _)) = listener.accept().await {
                    let manner = *manner.lock().unwrap_or_else(PoisonError::into_inner);
                    connections.spawn(one(client, server.clone(), manner));
                }
            }
        });
        Self { endpoint: format!("http://{address}"), manner, accepting }
    }

    /// From now on, handles connections in this way.
    pub(super) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One connection with one request, because moto closes it after its response. Ends when one side disconnects.
async fn one(mut client: TcpStream, server: String, manner: Manner) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    let length = client.read(&mut request).await?;
    let mut server = TcpStream::connect(server).await?;
    server.write_all(&request[..length]).await?;
    let first_line = request[..length].split(|&byte| byte == b'\r').next().unwrap_or_default();
    let holds = |text: &str| first_line.windows(text.len()).any(|window| window == text.as_bytes());
    match manner {
        Manner::Slow(pause) => tokio::time::sleep(pause).await,
        Manner::Silent => return gone(client).await,
        Manner::StandingStill { first_line_holds, after_bytes } if holds(first_line_holds) => {
            let mut answer: Take<_> = server.take(after_bytes);
            tokio::io::copy(&mut answer, &mut client).await?;
            return gone(client).await;
        }
        Manner::Passing | Manner::StandingStill { .. } => {}
    }
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Waits until the client disconnects.
async fn gone(mut client: TcpStream) -> std::io::Result<()> {
    tokio::io::copy(&mut client, &mut tokio::io::sink()).await.map(drop)
}
