//! Configures the SDK: address, credentials and timeouts.

use crate::record::Escaped;
use crate::s3::{S3Error, S3ErrorKind};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, ProvideCredentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_sdk_s3::{Client, Config};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use url::Url;

use super::headers::MendedHeaders;
use super::transport;

/// The settings of a bucket's client. The timeouts apply to one attempt.
#[derive(Clone, Debug)]
pub struct AwsOptions {
    /// A server other than AWS.
    pub endpoint: Option<Url>,
    /// True: the bucket is part of the path. False: it is part of the host name. `None` = by path at an endpoint, by host name at AWS.
    pub path_style: Option<bool>,
    /// The access key id. Without it and the secret key, the AWS credential chain is used.
    pub access_key: Option<String>,
    /// The secret key. Required with the access key id.
    pub secret_key: Option<SecretString>,
    /// The session token of temporary credentials.
    pub session_token: Option<SecretString>,
    /// The bucket's region.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// The time limit for connecting.
    pub connect_timeout: Duration,
    /// The time limit until a response begins.
    pub read_timeout: Duration,
    /// The time limit for a whole call without a streamed body: list and head.
    pub call_timeout: Duration,
    /// The longest time without a byte within a body.
    pub stall_timeout: Duration,
}

impl AwsOptions {
    /// The options of a bucket at AWS in `us-east-1`, with the credential chain and the default timeouts.
    pub fn for_bucket(bucket: impl Into<String>) -> Self {
        Self {
            endpoint: None,
            path_style: None,
            access_key: None,
            secret_key: None,
            session_token: None,
            region: "us-east-1".to_owned(),
            bucket: bucket.into(),
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_mins(1),
            stall_timeout: Duration::from_secs(20),
        }
    }

    /// Sets the longest time without a byte, before a response begins and within a body. A whole call without a body may take twice as
    /// long.
    #[must_use]
    pub fn with_silence_limit(self, silence: Duration) -> Self {
        Self { read_timeout: silence, stall_timeout: silence, call_timeout: silence * 2, ..self }
    }
}

/// Creates a client that sends one request per call.
///
/// The HTTP client is the SDK's own: HTTP/1.1 with `TCP_NODELAY`, and a pool that keeps idle connections for 90 s, so that it grows to the
/// highest concurrency.
pub(super) async fn client(options: &AwsOptions) -> Result<Client, S3Error> {
    let timeouts = TimeoutConfig::builder().connect_timeout(options.connect_timeout).read_timeout(options.read_timeout).build();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(options.region.clone()))
        .credentials_provider(credentials(options).await?)
        .retry_config(RetryConfig::disabled())
        .interceptor(MendedHeaders)
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(options.stall_timeout).build())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &options.endpoint {
        config = config.endpoint_url(base_of(endpoint));
    }
    let path_style = options.path_style.unwrap_or(options.endpoint.is_some());
    config = config.force_path_style(path_style);
    Ok(Client::from_conf(config.build()))
}

/// The SDK appends the bucket to the path of the endpoint without a `/` between them, and doubles the one of an endpoint without a path.
fn base_of(endpoint: &Url) -> String {
    let bare = endpoint.as_str().trim_end_matches('/');
    if endpoint.path().trim_matches('/').is_empty() { bare.to_owned() } else { format!("{bare}/") }
}

async fn credentials(options: &AwsOptions) -> Result<SharedCredentialsProvider, S3Error> {
    let refused = |words: &str| S3Error::new("connect", Escaped(&options.bucket), S3ErrorKind::BadCredentials, words);
    let access_key = options.access_key.as_deref().filter(|key| !key.is_empty());
    let secret_key = options.secret_key.as_ref().map(ExposeSecret::expose_secret).filter(|key| !key.is_empty());
    match (access_key, secret_key) {
        (Some(access), Some(secret)) => {
            let token = options.session_token.as_ref().map(|token| token.expose_secret().to_owned());
            Ok(SharedCredentialsProvider::new(Credentials::new(access, secret, token, None, "settings")))
        }
        (None, None) => {
            let region = Region::new(options.region.clone());
            let shared = aws_config::defaults(BehaviorVersion::v2026_01_12()).region(region).load().await;
            let chain = shared.credentials_provider().ok_or_else(|| refused("no AWS credential chain is available"))?;
            let found = chain.provide_credentials().await;
            found.map_err(|error| refused(&format!("the AWS credential chain has no credentials: {}", transport::words_of(&error))))?;
            Ok(chain)
        }
        (Some(_), None) => Err(refused("an access key is given without a secret key")),
        (None, Some(_)) => Err(refused("a secret key is given without an access key")),
    }
}

#[cfg(test)]
mod tests;
