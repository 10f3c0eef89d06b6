//! Where the bucket is, who asks, and how long it may take: the SDK's configuration, and nothing of its calls.

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

use super::transport;

/// What a connection needs to know. Timeouts are those of one attempt.
#[derive(Clone, Debug)]
pub struct AwsOptions {
    /// Another server than AWS; its buckets are addressed by path.
    pub endpoint: Option<Url>,
    /// With the secret key; without both, the AWS credential chain is asked.
    pub access_key: Option<String>,
    /// With the access key.
    pub secret_key: Option<SecretString>,
    /// Of temporary credentials.
    pub session_token: Option<SecretString>,
    /// The bucket's region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// Until an answer begins.
    pub read_timeout: Duration,
    /// A whole call that has no body to stream: list and head.
    pub call_timeout: Duration,
    /// How long a body may stand still while it is being read.
    pub stall_timeout: Duration,
}

impl AwsOptions {
    /// A bucket at AWS, `us-east-1`, with the credential chain and the usual timeouts.
    pub fn for_bucket(bucket: impl Into<String>) -> Self {
        Self {
            endpoint: None,
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

    /// Bears so long a silence, before an answer begins and in the middle of a body, and twice that for a whole call without one.
    #[must_use]
    pub fn with_silence_limit(self, silence: Duration) -> Self {
        Self { read_timeout: silence, stall_timeout: silence, call_timeout: silence * 2, ..self }
    }
}

/// A client whose one call is one request.
///
/// Its HTTP client is the SDK's own: HTTP/1.1 with `TCP_NODELAY`, and a pool that keeps every idle connection (90 s), so that it
/// is as large as the concurrency ever was.
pub(super) async fn client(options: &AwsOptions) -> Result<Client, S3Error> {
    let timeouts = TimeoutConfig::builder().connect_timeout(options.connect_timeout).read_timeout(options.read_timeout).build();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(options.region.clone()))
        .credentials_provider(credentials(options).await?)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(options.stall_timeout).build())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &options.endpoint {
        // A `/` at the end would be doubled in front of the bucket.
        config = config.endpoint_url(endpoint.as_str().trim_end_matches('/')).force_path_style(true);
    }
    Ok(Client::from_conf(config.build()))
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
            let chain = shared.credentials_provider().ok_or_else(|| refused("there is no AWS credential chain here"))?;
            let found = chain.provide_credentials().await;
            found.map_err(|error| refused(&format!("the AWS credential chain has none: {}", transport::words_of(&error))))?;
            Ok(chain)
        }
        (Some(_), None) => Err(refused("there is an access key and no secret key")),
        (None, Some(_)) => Err(refused("there is a secret key and no access key")),
    }
}
