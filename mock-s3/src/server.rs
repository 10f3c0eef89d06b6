//! Listens: accepts connections, and ends all of them when the server is stopped or dropped.

use crate::api::Api;
use crate::gatekeeper::Gatekeeper;
use crate::mock::MockS3;
use crate::wire;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A listening server. Dropping it stops it; its objects live on in its `MockS3`.
pub struct Running {
    address: SocketAddr,
    endpoint: String,
    server: MockS3,
    accepting: JoinHandle<()>,
    stop: DropGuard,
}

impl Running {
    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its address, to start it again on the same port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its buckets and its request log.
    pub fn server(&self) -> &MockS3 {
        &self.server
    }

    /// Ends all connections and waits until the port is free.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the accepting task failed");
        }
    }
}

pub(crate) async fn start(server: MockS3, address: &str) -> io::Result<Running> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let accepting = tokio::spawn(accept(listener, server.clone(), stop.clone()));
    Ok(Running { address, endpoint: format!("http://{address}"), server, accepting, stop: stop.drop_guard() })
}

async fn accept(listener: TcpListener, server: MockS3, stop: CancellationToken) {
    let service = service(&server);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        // Without TCP_NODELAY a small response waits about 40 ms for the client's acknowledgement.
        let stream = match accepted.and_then(|(stream, _)| stream.set_nodelay(true).map(|()| stream)) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::task::yield_now().await;
                continue;
            }
        };
        server.shared.journal.connected();
        connections.spawn(wire::serve(stream, service.clone(), Arc::clone(&server.shared)));
    }
    drop(listener);
    connections.shutdown().await;
}

fn service(server: &MockS3) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Api::new(Arc::clone(&server.shared)));
    builder.set_auth(Gatekeeper::new(Arc::clone(&server.shared)));
    builder.set_access(Gatekeeper::new(Arc::clone(&server.shared)));
    builder.build()
}
