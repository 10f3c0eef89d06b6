//! The one connection pool that every call goes through, and how it behaves. Knows no call and no address.

use super::causes::causes;
use reqwest::redirect::Policy;
use std::time::Duration;

/// How long a connection may take; one that takes longer had no effect.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An idle connection is closed by us before the other side does it: uvicorn, below many file managers, hangs up after
/// 5 seconds, and a request that meets that hang-up is one of which nobody knows whether it had its effect.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(4);

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// What makes a door impossible to set up, found before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpSetupError {
    /// The TLS library or the platform refuses.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
    /// The base URL cannot be called. Never holds the address, which may hold a password.
    #[error("the address of the API {0}")]
    Address(&'static str),
    /// The token holds what no header may hold.
    #[error("the API token cannot be sent: a header takes visible ASCII characters only")]
    Token,
}

/// A pool of connections, shared by clones and by both base URLs.
///
/// - HTTP/1.1 with keep-alive, `TCP_NODELAY`.
/// - Redirects are answers, never followed: where to go is the configuration's to say.
/// - The proxies of the environment (`HTTP_PROXY`, …) are not used: only `config/` reads the environment.
/// - It never sends a request twice: that is `retry.rs`' concern.
#[derive(Clone, Debug)]
pub struct HttpClient(reqwest::Client);

impl HttpClient {
    /// A pool that keeps a connection for each of `concurrency` callers, and one for the health checks and reports beside them.
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
