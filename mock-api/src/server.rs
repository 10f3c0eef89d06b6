//! The double on a socket: accepting, serving HTTP/1.1, and letting every connection go when it stops. What is served is the router's business.

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

/// Without file descriptors `accept` fails at once, again and again: it is given time.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(20);

/// A double that serves until it is stopped or dropped.
pub struct Running {
    address: SocketAddr,
    api: MockApi,
    /// Dropping it ends the service.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Running {
    /// Where it listens: `http://127.0.0.1:40123`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is behind it.
    pub fn api(&self) -> &MockApi {
        &self.api
    }

    /// Stops listening and lets every connection go; returns when the port is free. Calls that arrived whole still have their effect.
    pub async fn stop(self) {
        drop(self.stop);
        // A service that panicked has stopped as well.
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
            // An error says that the sender was dropped, which is the sign.
            let _ = stopped.await;
        }));
        Ok(Running { address, api: self, stop, serving })
    }

    /// Serves until `stop` is ready, then lets every connection go.
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
    // Else a small answer waits up to 40 ms for the peer's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection broke, by order or by its peer");
    }
}
