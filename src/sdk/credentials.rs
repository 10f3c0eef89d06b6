//! Credentials that are renewed: before they expire, and if the server rejects them. One request to their source at a time, whatever
//! the number of callers.

use super::source::{CredentialSource, GiveCredentials, SourceInContext};
use crate::trust::TrustedAuthorities;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout};

/// The least time between two requests to the source, after the first successful one. It may be a process or a rate-limited server.
const MIN_INTERVAL: Duration = Duration::from_secs(30);

/// The time limit of a request to the source.
const GIVE_TIMEOUT: Duration = Duration::from_mins(1);

/// The time before their expiry at which credentials are renewed.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);

/// The longest time until the source of changing credentials is asked again. Some give no expiry, such as a file of the profile.
const MAX_AGE: Duration = Duration::from_mins(15);

/// True if the error code says that the credentials are not, or no longer, valid. Others may be: the source is asked for them.
///
/// A wrong signature is one of them, because a secret key may be replaced under the same id.
pub fn rejects_credentials(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidToken"
            | "InvalidTokenException"
            | "TokenRefreshRequired"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
    )
}

/// The credentials of one client, shared by its clones.
#[derive(Clone, Debug)]
pub struct RenewableCredentials {
    source: Arc<dyn GiveCredentials>,
    held: Arc<Mutex<Held>>,
}

/// What the source gave last.
#[derive(Debug, Default)]
struct Held {
    /// `None` = the source was not asked yet.
    given: Option<Result<Credentials, String>>,
    /// The number of different credentials so far.
    generation: u64,
    /// When the source is to be asked again; `None` = only if the server rejects the credentials.
    renew_at: Option<Instant>,
    /// No request to the source before this time.
    not_before: Option<Instant>,
}

/// Why the source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Due,
    Rejected,
}

impl RenewableCredentials {
    /// The credentials of this source, which is not asked yet. Region and authorities are for calls of the credential chain.
    pub fn of(source: CredentialSource, region: &str, trusted: &TrustedAuthorities) -> Self {
        Self::given_by(Arc::new(SourceInContext { from: source, region: region.to_owned(), trusted: trusted.clone() }))
    }

    fn given_by(source: Arc<dyn GiveCredentials>) -> Self {
        Self { source, held: Arc::default() }
    }

    /// Makes a call. If the server rejected the credentials and their source has others now, makes it once more. A rejected call had no
    /// effect.
    pub async fn call<T, E, F, Fut>(&self, attempt: F, is_rejection: impl Fn(&E) -> bool) -> Result<T, E>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let used = self.generation().await;
        match attempt().await {
            Err(error) if is_rejection(&error) && self.renewed(used).await => attempt().await,
            ended => ended,
        }
    }

    /// The credentials, renewed if they are due; the error is the source's.
    pub async fn current(&self) -> Result<Credentials, String> {
        let held = self.held.clone().lock_owned().await;
        if let Some(given) = held.given.clone().filter(|_| !held.is_due() || !held.may_ask()) {
            return given;
        }
        self.ask(held, Cause::Due).await.0
    }

    /// Which of the credentials so far are the current ones. Asks the source at first.
    async fn generation(&self) -> u64 {
        let held = self.held.clone().lock_owned().await;
        if held.given.is_some() { held.generation } else { self.ask(held, Cause::Due).await.1 }
    }

    /// True if there are other credentials than those of the generation `used`, which the server rejected.
    async fn renewed(&self, used: u64) -> bool {
        let held = self.held.clone().lock_owned().await;
        if held.generation != used {
            return matches!(held.given, Some(Ok(_)));
        }
        if !self.source.may_change() || !held.may_ask() {
            return false;
        }
        let (given, generation) = self.ask(held, Cause::Rejected).await;
        let renewed = generation != used;
        match given {
            Ok(_) if renewed => tracing::info!("the server rejected the credentials; their source has others, which are used from now on"),
            Ok(_) => tracing::warn!("the server rejects the credentials, and their source has no others"),
            Err(error) => tracing::warn!(%error, "the server rejects the credentials, and their source has none"),
        }
        renewed
    }

    /// Asks the source. A task of its own does it: callers may give up earlier than the source answers.
    async fn ask(&self, mut held: OwnedMutexGuard<Held>, cause: Cause) -> (Result<Credentials, String>, u64) {
        let source = self.source.clone();
        let before = held.generation;
        let asking = tokio::spawn(async move {
            let is_first = held.given.is_none();
            let limit = || format!("the source of the credentials gave none within {} s", GIVE_TIMEOUT.as_secs());
            let given = timeout(GIVE_TIMEOUT, source.give(is_first)).await.unwrap_or_else(|_| Err(limit()));
            held.take(given, cause, source.may_change());
            let given = held.given.clone().expect("invariant: it was just stored");
            (given, held.generation)
        });
        asking.await.unwrap_or_else(|error| (Err(format!("the source of the credentials failed: {error}")), before))
    }
}

impl Held {
    fn is_due(&self) -> bool {
        matches!(self.given, Some(Err(_))) || self.renew_at.is_some_and(|at| at <= Instant::now())
    }

    fn may_ask(&self) -> bool {
        self.not_before.is_none_or(|time| time <= Instant::now())
    }

    /// Stores what the source gave. If it gave none, the earlier credentials stay until the server rejects them, whatever their expiry:
    /// AWS extends it while its own sources of credentials fail.
    fn take(&mut self, given: Result<Credentials, String>, cause: Cause, may_change: bool) {
        let now = Instant::now();
        if self.given.is_some() || given.is_err() {
            self.not_before = Some(now + MIN_INTERVAL);
        }
        match given {
            Ok(new) => {
                if !matches!(&self.given, Some(Ok(old)) if is_same(old, &new)) {
                    self.generation += 1;
                }
                let left = new.expiry().map(|at| at.duration_since(SystemTime::now()).unwrap_or_default());
                let age = left.map_or(MAX_AGE, |left| left.saturating_sub(EXPIRY_MARGIN).min(MAX_AGE));
                self.renew_at = may_change.then(|| now + age);
                self.given = Some(Ok(new));
            }
            Err(words) if cause == Cause::Due && matches!(self.given, Some(Ok(_))) => {
                tracing::warn!(error = %words, "the credentials cannot be renewed: the earlier ones are used until the server rejects them");
            }
            Err(words) => self.given = Some(Err(words)),
        }
    }
}

fn is_same(one: &Credentials, other: &Credentials) -> bool {
    one.access_key_id() == other.access_key_id()
        && one.secret_access_key() == other.secret_access_key()
        && one.session_token() == other.session_token()
}

impl ProvideCredentials for RenewableCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move { self.current().await.map_err(CredentialsError::provider_error) })
    }
}

#[cfg(test)]
mod tests;
