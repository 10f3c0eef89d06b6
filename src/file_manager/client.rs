//! The connection pool of all calls, and its settings. It knows no call and no address.

use super::causes::causes;
use reqwest::redirect::Policy;
use std::time::Duration;

/// Limit for connecting; a call that exceeds it had no effect.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The client closes an idle connection before the server does: uvicorn, below many file managers, closes it after 5 seconds, and a
/// request sent at that moment fails with an unknown effect.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(4);

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Why an endpoint cannot be set up; found before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpSetupError {
    /// The TLS library or the platform refuses.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
    /// The base URL is not usable. The text never holds the address, which may hold a password.
    #[error("the address of the API {0}")]
    Address(&'static str),
    /// The token has characters that a header must not have.
    #[error("the API token cannot be sent: a header takes visible ASCII characters only")]
    Token,
}

/// A pool of connections, shared by clones and by both base URLs.
///
/// - HTTP/1.1 with keep-alive, `TCP_NODELAY`.
/// - Redirects are not followed: only the configuration sets addresses.
/// - The proxies of the environment (`HTTP_PROXY`, …) are not used: only `config/` reads the environment.
/// - It never sends a request twice: that is `retry.rs`' concern.
#[derive(Clone, Debug)]
pub struct HttpClient(reqwest::Client);

impl HttpClient {
    /// A pool that keeps a connection for each of `concurrency` callers, and one for health checks and reports.
    pub fn new(concurrency: usize) -> Result<Self, HttpSetupError> {
        reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(concurrency.saturating_add(1))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map(Self)
            .map_err(|error| HttpSetupError::Client(causes(&error)))
    }

    pub(super) fn inner(&self) -> &reqwest::Client {
        &self.0
    }
}
