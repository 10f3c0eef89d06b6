//! Configures the SDK: address, credentials and timeouts.

use crate::sdk::{CredentialSource, RenewableCredentials, http_client};
use crate::trust::TrustedAuthorities;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_sdk_s3::{Client, Config};
use std::time::Duration;
use url::Url;

use super::headers::MendedHeaders;
use super::mend::MendErrors;

/// The settings of a bucket's client. The timeouts apply to one attempt.
#[derive(Clone, Debug)]
pub struct AwsOptions {
    /// A server other than AWS.
    pub endpoint: Option<Url>,
    /// True: the bucket is part of the path. False: it is part of the host name. `None` = by path at an endpoint, by host name at AWS.
    pub path_style: Option<bool>,
    /// Where the credentials come from.
    pub credentials: CredentialSource,
    /// The trusted certificate authorities.
    pub trusted: TrustedAuthorities,
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
            credentials: CredentialSource::Chain,
            trusted: TrustedAuthorities::default(),
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
pub(super) fn client(options: &AwsOptions, credentials: RenewableCredentials) -> Client {
    let timeouts = TimeoutConfig::builder().connect_timeout(options.connect_timeout).read_timeout(options.read_timeout).build();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(options.region.clone()))
        .credentials_provider(credentials)
        // The credentials keep themselves: another cache would keep rejected ones.
        .identity_cache(IdentityCache::no_cache())
        .retry_config(RetryConfig::disabled())
        .interceptor(MendedHeaders)
        .interceptor(MendErrors)
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(options.stall_timeout).build())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &options.endpoint {
        config = config.endpoint_url(base_of(endpoint));
    }
    let path_style = options.path_style.unwrap_or(options.endpoint.is_some());
    config = config.force_path_style(path_style);
    if let Some(http_client) = http_client(&options.trusted) {
        config = config.http_client(http_client);
    }
    Client::from_conf(config.build())
}

/// The SDK appends the bucket to the path of the endpoint without a `/` between them, and doubles the one of an endpoint without a path.
fn base_of(endpoint: &Url) -> String {
    let bare = endpoint.as_str().trim_end_matches('/');
    if endpoint.path().trim_matches('/').is_empty() { bare.to_owned() } else { format!("{bare}/") }
}

/// The bucket's own host name, if the options demand one at an endpoint, and the port.
pub(super) fn own_host(options: &AwsOptions) -> Option<String> {
    let endpoint = options.endpoint.as_ref().filter(|_| options.path_style == Some(false))?;
    let port = endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}.{}{port}", options.bucket, endpoint.host_str()?))
}

/// The path of the endpoint, without a `/` at its end.
pub(super) fn base_path(options: &AwsOptions) -> String {
    options.endpoint.as_ref().map(|endpoint| endpoint.path().trim_end_matches('/').to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
