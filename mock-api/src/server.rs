//! The test double on a socket: accepts connections, serves HTTP/1.1, closes all connections when it stops. `router.rs` has the
//! routes.

use crate::api::MockApi;
use axum::Router;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

/// Without free file descriptors `accept` fails at once and repeatedly, so the server waits in between.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(20);

/// A test double that serves until it is stopped or dropped.
pub struct Running {
    address: SocketAddr,
    api: MockApi,
    /// Dropping it ends the service.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Running {
    /// Its URL: `http://127.0.0.1:40123`, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The test double.
    pub fn api(&self) -> &MockApi {
        &self.api
    }

    /// Stops listening and closes every connection; returns when the port is free. Completely received calls still have their effect.
    pub async fn stop(self) {
        drop(self.stop);
        // A service that panicked has stopped, too.
        let _ = self.serving.await;
    }
}

impl MockApi {
    /// Listens on the address, `127.0.0.1:0` for any free port, and serves in the background.
    pub async fn start(self, address: &str) -> io::Result<Running> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(self.clone().serve(listener, async {
            // An error means that the sender was dropped, which also stops the server.
            let _ = stopped.await;
        }));
        Ok(Running { address, api: self, stop, serving })
    }

    /// Serves until `stop` is ready, then closes every connection.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send) {
        let router = self.router();
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(serve_connection(stream, router.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        connections.shutdown().await;
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    // Otherwise a small response waits up to 40 ms for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection broke, by an ordered fault or by its client");
    }
}
