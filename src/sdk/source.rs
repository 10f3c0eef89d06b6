//! Where credentials come from: settings, files that settings name, or the AWS credential chain.

use super::http::http_client;
use crate::causes::words_of;
use crate::trust::TrustedAuthorities;
use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use std::sync::Arc;

/// An access key.
#[derive(Clone, Debug)]
pub struct AccessKeys {
    /// The key's id.
    pub access_key: String,
    /// The key's secret.
    pub secret_key: SecretString,
    /// The session token of temporary credentials.
    pub session_token: Option<SecretString>,
}

impl AccessKeys {
    /// A key without a session token.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<SecretString>) -> Self {
        Self { access_key: access_key.into(), secret_key: secret_key.into(), session_token: None }
    }
}

impl From<AccessKeys> for CredentialSource {
    fn from(keys: AccessKeys) -> Self {
        Self::Fixed(keys)
    }
}

impl From<AccessKeys> for Credentials {
    fn from(keys: AccessKeys) -> Self {
        let token = keys.session_token.map(|token| token.expose_secret().to_owned());
        Self::new(keys.access_key, keys.secret_key.expose_secret(), token, None, "settings")
    }
}

/// Reads the files with the keys again; the error is a reason for the operator.
#[derive(Clone)]
pub struct ReadKeys(pub Arc<dyn Fn() -> Result<AccessKeys, String> + Send + Sync>);

impl fmt::Debug for ReadKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadKeys")
    }
}

/// A source of credentials.
#[derive(Clone, Debug)]
pub enum CredentialSource {
    /// Keys that never change.
    Fixed(AccessKeys),
    /// Keys from files, which may be replaced.
    Files {
        /// The keys as the settings had them.
        keys: AccessKeys,
        /// Reads them again.
        again: ReadKeys,
    },
    /// The AWS credential chain.
    Chain,
}

/// A source, and what the credential chain needs for calls of its own.
#[derive(Debug)]
pub(super) struct SourceInContext {
    pub(super) from: CredentialSource,
    pub(super) region: String,
    pub(super) trusted: TrustedAuthorities,
}

/// Gives credentials: at first, and when others are needed.
#[async_trait]
pub(super) trait GiveCredentials: Send + Sync + fmt::Debug {
    /// False if a source always gives the same.
    fn may_change(&self) -> bool;
    /// The credentials that the source has now. `is_first`: it was not asked before.
    async fn give(&self, is_first: bool) -> Result<Credentials, String>;
}

#[async_trait]
impl GiveCredentials for SourceInContext {
    fn may_change(&self) -> bool {
        !matches!(self.from, CredentialSource::Fixed(_))
    }

    async fn give(&self, is_first: bool) -> Result<Credentials, String> {
        match &self.from {
            CredentialSource::Fixed(keys) => Ok(keys.clone().into()),
            CredentialSource::Files { keys, .. } if is_first => Ok(keys.clone().into()),
            CredentialSource::Files { again, .. } => {
                let again = again.clone();
                let read = tokio::task::spawn_blocking(move || (again.0)()).await.map_err(|error| error.to_string())?;
                read.map(Credentials::from)
            }
            CredentialSource::Chain => chain(&self.region, &self.trusted).await,
        }
    }
}

/// Asks a new chain: a used one keeps what it read from the files of the profile.
async fn chain(region: &str, trusted: &TrustedAuthorities) -> Result<Credentials, String> {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).region(Region::new(region.to_owned()));
    if let Some(client) = http_client(trusted) {
        loader = loader.http_client(client);
    }
    let shared = Box::pin(loader.load()).await;
    let chain = shared.credentials_provider().ok_or("there is no AWS credential chain")?;
    let given = chain.provide_credentials().await;
    given.map_err(|error| format!("the AWS credential chain has no credentials: {}", words_of(&error)))
}
