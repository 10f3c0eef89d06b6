//! A bucket as its owner sees it: creating, replacing and deleting objects, with the AWS SDK.

use super::server::Moto;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::SdkError;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;

/// Every bucket at moto.
pub(super) const BUCKET: &str = "the-bucket";
/// Replaces a key of only white space in the SDK, which would treat it as missing.
const STAND_IN: &str = "stand-in-for-a-blank-key";
/// Requests at a time.
const AT_A_TIME: usize = 16;

/// The bucket, with full access.
pub(crate) struct Objects {
    client: Client,
    pub(crate) bucket: String,
}

impl Objects {
    /// A new bucket at moto.
    pub(super) async fn create(moto: &Moto) -> Self {
        Self::create_at(&moto.endpoint, Credentials::new("owner", "any", None, None, "test"), BUCKET).await
    }

    /// A new bucket at any server.
    pub(crate) async fn create_at(endpoint: &str, owner: Credentials, bucket: &str) -> Self {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .force_path_style(true)
            .credentials_provider(owner)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
        let client = Client::from_conf(config.build());
        client.create_bucket().bucket(bucket).send().await.expect("the server creates a bucket");
        Self { client, bucket: bucket.to_owned() }
    }

    /// The SDK's client, for other calls.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Stores an object, or returns the server's message why not.
    pub(crate) async fn try_put(&self, key: &str, body: &[u8]) -> Result<(), String> {
        let blank = key.trim().is_empty();
        let encoded = key.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(if blank { STAND_IN } else { key })
            .body(body.to_vec().into())
            .customize()
            .mutate_request(move |request| {
                if blank {
                    let uri = request.uri().replace(STAND_IN, &encoded);
                    request.set_uri(uri).expect("percent-encoded bytes are a path");
                }
            })
            .send()
            .await
            .map(drop)
            .map_err(|error| words(&error))
    }

    /// Stores an object.
    pub(crate) async fn put(&self, key: &str, body: &[u8]) {
        self.try_put(key, body).await.expect("the server stores an object");
    }

    /// Stores many; returns those that were refused, with the server's message.
    pub(crate) async fn try_put_all(&self, bodies: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
        let answers = stream::iter(bodies).map(|(key, body)| async move { Some((key.clone(), self.try_put(key, body).await.err()?)) });
        answers.buffer_unordered(AT_A_TIME).filter_map(std::future::ready).collect().await
    }

    /// Stores many.
    pub(crate) async fn put_all(&self, bodies: &BTreeMap<String, Vec<u8>>) {
        assert_eq!(self.try_put_all(bodies).await, BTreeMap::new(), "these were refused");
    }

    /// Removes an object.
    pub(crate) async fn delete(&self, key: &str) {
        self.client.delete_object().bucket(&self.bucket).key(key).send().await.expect("the server deletes an object");
    }
}

/// The server's own answer: its status and its text.
fn words<E>(error: &SdkError<E, HttpResponse>) -> String {
    let Some(answer) = error.raw_response() else { return "no answer".to_owned() };
    let text = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default());
    format!("HTTP {}: {text:?}", answer.status().as_u16())
}
