//! The HTTP client: the connection pool of all calls, and its settings.

use super::causes::causes;
use crate::trust::TrustedAuthorities;
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder};
use std::time::Duration;

/// The time limit for connecting. A call that exceeds it had no effect.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The client must close an idle connection before the server does: a request that is sent while the server closes the connection fails
/// with an unknown effect. uvicorn, which many file managers use, closes idle connections after 5 seconds.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(4);

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The error if an endpoint cannot be set up. It occurs before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpSetupError {
    /// The TLS library or the platform failed.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
    /// The base URL cannot be used. The text never contains the address, which may contain a password.
    #[error("the address of the API {0}")]
    Address(&'static str),
    /// The token has characters that are not allowed in a header.
    #[error("the API token cannot be sent: a header takes visible ASCII characters only")]
    Token,
}

/// A connection pool, shared by its clones and by both base URLs.
///
/// - HTTP/1.1 with keep-alive, `TCP_NODELAY`.
/// - It does not follow redirects, because only the configuration sets addresses.
/// - It does not use proxies of the environment (`HTTP_PROXY`, …), because only `config/` reads the environment.
/// - It never sends a request twice; `retry.rs` retries.
#[derive(Clone, Debug)]
pub struct HttpClient(reqwest::Client);

impl HttpClient {
    /// Creates a pool that keeps a connection for each of `concurrency` callers, and one for health checks and reports. It trusts the
    /// system's authorities.
    pub fn new(concurrency: usize) -> Result<Self, HttpSetupError> {
        Self::trusting(&TrustedAuthorities::default(), concurrency)
    }

    /// The same with these trusted authorities.
    pub fn trusting(trusted: &TrustedAuthorities, concurrency: usize) -> Result<Self, HttpSetupError> {
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(concurrency.saturating_add(1))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy();
        let client = with_authorities(builder, trusted).and_then(ClientBuilder::build);
        client.map(Self).map_err(|error| HttpSetupError::Client(causes(&error)))
    }

    pub(super) fn inner(&self) -> &reqwest::Client {
        &self.0
    }
}

fn with_authorities(builder: ClientBuilder, trusted: &TrustedAuthorities) -> reqwest::Result<ClientBuilder> {
    let certificates = trusted.certificates().map(Certificate::from_der).collect::<reqwest::Result<Vec<_>>>()?;
    Ok(match &trusted.instead_of_system {
        Some(_) => builder.tls_certs_only(certificates),
        None if certificates.is_empty() => builder,
        None => builder.tls_certs_merge(certificates),
    })
}
