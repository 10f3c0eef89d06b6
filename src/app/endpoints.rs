//! Creates the endpoints that the settings name.

use super::sinks;
use crate::config::{Addressing, ConfigError, Credentials, Need, Settings};
use crate::daemon::ClientIdentity;
use crate::events::queue::EventQueue;
#[cfg(feature = "sqs")]
use crate::events::sqs::{SqsOptions, SqsQueue};
use crate::file_manager::{Deadlines, HttpClient, HttpEvents, HttpSetupError};
use crate::record::Escaped;
use crate::retry::RetryPolicy;
use crate::s3::{AwsBucket, AwsOptions, S3Error};
use crate::sdk::{AccessKeys, CredentialSource, ReadKeys};
use crate::source::BucketSource;
use crate::state::{Identity, Views};
use std::sync::Arc;
use url::Url;

/// The retry policy of all endpoint calls, with the number of attempts from `RETRY_ATTEMPTS`.
pub(crate) fn retry(settings: &Settings) -> RetryPolicy {
    RetryPolicy { attempts: settings.retry_attempts.get(), ..RetryPolicy::default() }
}

/// The customer's bucket.
pub(crate) async fn bucket(settings: &Settings, name: &str) -> Result<AwsBucket, S3Error> {
    let mut options = AwsOptions::for_bucket(name).with_silence_limit(settings.source.timeout);
    options.endpoint.clone_from(&settings.source.endpoint);
    options.path_style = match settings.source.addressing {
        Addressing::Auto => None,
        Addressing::Path => Some(true),
        Addressing::Virtual => Some(false),
    };
    options.region.clone_from(&settings.source.region);
    options.credentials = credential_source(settings.source.credentials.as_ref());
    options.trusted = settings.trusted.clone();
    AwsBucket::connect(options).await
}

/// Where the credentials come from: the settings, the files of their secrets, or the credential chain.
fn credential_source(credentials: Option<&Credentials>) -> CredentialSource {
    let Some(credentials) = credentials.cloned() else { return CredentialSource::Chain };
    let keys = access_keys(&credentials);
    if !credentials.may_change() {
        return keys.into();
    }
    let again = ReadKeys(Arc::new(move || credentials.read_again().map(|credentials| access_keys(&credentials))));
    CredentialSource::Files { keys, again }
}

fn access_keys(credentials: &Credentials) -> AccessKeys {
    let Credentials { access_key, secret_key, session_token, files: _ } = credentials.clone();
    AccessKeys { access_key, secret_key, session_token }
}

/// The customer's bucket as the source of every run.
pub(crate) async fn source_of_runs(settings: &Settings, name: &str) -> Result<BucketSource, S3Error> {
    Ok(BucketSource::new(Arc::new(bucket(settings, name).await?), name, &settings.source.prefix))
}

/// The target bucket, for the backup.
pub(crate) async fn target(settings: &Settings, name: &str) -> Result<AwsBucket, S3Error> {
    let mut options = AwsOptions::for_bucket(name).with_silence_limit(settings.source.timeout);
    options.endpoint.clone_from(&settings.target.endpoint);
    options.region.clone_from(&settings.target.region);
    options.credentials = credential_source(settings.target.credentials.as_ref());
    options.trusted = settings.trusted.clone();
    AwsBucket::connect(options).await
}

/// Creates the connection pool of all HTTP endpoints.
pub(crate) fn http_client(settings: &Settings) -> Result<HttpClient, HttpSetupError> {
    HttpClient::trusting(&settings.trusted, settings.concurrency.get())
}

/// Creates the client of a queue of notifications. It uses the bucket's credentials.
#[cfg(feature = "sqs")]
pub(crate) fn queue(settings: &Settings, url: &Url) -> SqsQueue {
    SqsQueue::connect(SqsOptions {
        queue_url: url.clone(),
        endpoint: settings.queue_endpoint.clone(),
        region: settings.source.region.clone(),
        credentials: credential_source(settings.source.credentials.as_ref()),
        trusted: settings.trusted.clone(),
    })
}

/// Creates the clients of all configured queues.
#[cfg(feature = "sqs")]
pub(crate) fn queue_sources(settings: &Settings) -> Vec<Arc<dyn EventQueue>> {
    settings.queue_urls.iter().map(|url| -> Arc<dyn EventQueue> { Arc::new(queue(settings, url)) }).collect()
}

#[cfg(not(feature = "sqs"))]
pub(crate) fn queue_sources(_: &Settings) -> Vec<Arc<dyn EventQueue>> {
    Vec::new()
}

/// Creates the client of the events API, which receives reports and serves the feed.
pub(crate) fn events(client: &HttpClient, settings: &Settings, url: &Url) -> Result<HttpEvents, HttpSetupError> {
    HttpEvents::new(client, url, settings.file_manager_token.clone(), Deadlines::default())
}

/// The reason why `initial-sync` would refuse the state of these settings; `None` = it would not, or the state cannot be read.
pub(crate) async fn identity_conflict(settings: &Settings) -> Option<String> {
    let identity = identity(settings, settings.source.bucket.as_deref()?).ok()?;
    Views::open(&settings.database_path).refusal(identity).await.ok().flatten()
}

/// The identity of a state for these settings: source and sinks.
pub(crate) fn identity(settings: &Settings, bucket: &str) -> Result<Identity, ConfigError> {
    let sinks = sinks::named(settings);
    if sinks.is_empty() { Err(Need::AnySink.error()) } else { Ok(Identity { source: source(settings, bucket), sinks }) }
}

/// As [`identity`], with only the parts that the settings name.
pub(crate) fn client_identity(settings: &Settings) -> ClientIdentity {
    ClientIdentity {
        source: settings.source.bucket.as_deref().map(|bucket| source(settings, bucket)),
        sinks: sinks::named(settings).into_iter().map(|sink| (sink.name, sink.address)).collect(),
    }
}

fn source(settings: &Settings, bucket: &str) -> String {
    let endpoint = settings.source.endpoint.as_ref().map_or("aws", |url| url.as_str().trim_end_matches('/'));
    format!("{endpoint}/{bucket}/{}", Escaped(&settings.source.prefix))
}
