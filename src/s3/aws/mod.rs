//! A bucket through the AWS SDK: each call is one attempt, and another one with new credentials. Every response is validated before it
//! is used. `retry.rs` retries, and `transfer/` verifies bodies.

mod answered;
mod blank_key;
mod calls;
mod connect;
mod failure;
mod head;
mod headers;
mod length;
mod list;
mod mend;
mod multipart;
mod sent_body;
mod sent_metadata;
mod setup;
mod transport;
mod whole;
mod write;

pub use answered::{AnsweredEntry, AnsweredObject, AnsweredPage};
pub use connect::AwsOptions;

use super::{GetObject, GetRequest, ListObjects, ListPage, ListRequest, ObjectHead, ReadObjects, S3ByteStream, S3Error, S3ErrorKind};
use crate::record::{Escaped, ObjectKey};
use crate::sdk::RenewableCredentials;
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use futures::{StreamExt, stream};
use std::error::Error;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// A bucket at AWS or at any S3-compatible server.
///
/// A call without a body has one time limit. A GET has one until its headers arrive, and another one for pauses within its body.
#[derive(Clone, Debug)]
pub struct AwsBucket {
    client: Client,
    credentials: RenewableCredentials,
    bucket: String,
    region: String,
    /// The bucket's own host name, if the settings demand one at an endpoint.
    own_host: Option<String>,
    /// The path of the endpoint, without a `/` at its end.
    base_path: String,
    call_timeout: Duration,
    /// The longest time without progress of a body that is sent, and until its response begins.
    silence: Duration,
}

/// The operation and the subject of a call, for its errors.
#[derive(Clone, Copy)]
struct CallInfo<'a> {
    operation: &'static str,
    key: Option<&'a ObjectKey>,
}

impl AwsBucket {
    /// Creates a client and makes no call to the server. The source of the credentials is asked once, so that missing ones are reported
    /// here.
    pub async fn connect(options: AwsOptions) -> Result<Self, S3Error> {
        let credentials = RenewableCredentials::of(options.credentials.clone(), &options.region, &options.trusted);
        let refused = |words: String| S3Error::new("connect", Escaped(&options.bucket), S3ErrorKind::BadCredentials, &words);
        credentials.current().await.map_err(refused)?;
        let client = connect::client(&options, credentials.clone());
        let (own_host, base_path) = (connect::own_host(&options), connect::base_path(&options));
        let AwsOptions { bucket, region, call_timeout, read_timeout: silence, .. } = options;
        Ok(Self { client, credentials, bucket, region, own_host, base_path, call_timeout, silence })
    }

    /// Makes an attempt, and another one if the server rejects the credentials and their source has others now.
    async fn with_valid_credentials<T, F, Fut>(&self, attempt: F) -> Result<T, S3Error>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, S3Error>>,
    {
        self.credentials.call(attempt, |error: &S3Error| error.kind == S3ErrorKind::BadCredentials).await
    }

    /// Awaits a call without a body, for at most `call_timeout`.
    async fn within<T, E>(
        &self,
        call: CallInfo<'_>,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, S3Error>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match tokio::time::timeout(self.call_timeout, answer).await {
            Ok(answer) => answer.map_err(|error| self.failed(call, &error)),
            Err(_) => {
                Err(self.error(call, S3ErrorKind::Timeout, &format!("no complete response within {} s", self.call_timeout.as_secs_f32())))
            }
        }
    }

    fn failed<E: ProvideErrorMetadata + Error + 'static>(&self, call: CallInfo<'_>, error: &SdkError<E, HttpResponse>) -> S3Error {
        let (kind, mut words) = transport::failure(error).classify(call.operation, &self.region);
        if let Some(host) = self.own_host.as_ref().filter(|_| kind == S3ErrorKind::Unreachable) {
            words = format!("no connection to {host}, the bucket's own host name (CUSTOMER_S3_ADDRESSING=virtual): {words}");
        }
        self.error(call, kind, &words)
    }

    fn error(&self, call: CallInfo<'_>, kind: S3ErrorKind, words: &str) -> S3Error {
        match call.key {
            Some(key) => S3Error::new(call.operation, key, kind, words),
            None => S3Error::new(call.operation, Escaped(&self.bucket), kind, words),
        }
    }
}

#[async_trait]
impl ListObjects for AwsBucket {
    async fn list_page(&self, request: ListRequest) -> Result<ListPage, S3Error> {
        self.with_valid_credentials(|| self.list_once(&request)).await
    }
}

#[async_trait]
impl ReadObjects for AwsBucket {
    async fn head_bucket(&self) -> Result<(), S3Error> {
        self.with_valid_credentials(|| self.head_bucket_once()).await
    }

    async fn head_object(&self, key: &ObjectKey) -> Result<ObjectHead, S3Error> {
        self.with_valid_credentials(|| self.head_object_once(key)).await
    }

    async fn get_object(&self, request: GetRequest) -> Result<GetObject, S3Error> {
        self.with_valid_credentials(|| self.get_once(&request)).await
    }
}

/// The body, in chunks as received.
fn body_of(output: GetObjectOutput, key: ObjectKey) -> S3ByteStream {
    let mut open = Some(output.body);
    stream::poll_fn(move |context| {
        let Some(body) = open.as_mut() else { return Poll::Ready(None) };
        let Some(item) = std::task::ready!(Pin::new(body).poll_next(context)) else {
            open = None;
            return Poll::Ready(None);
        };
        Poll::Ready(Some(item.map_err(|error| {
            open = None;
            let (kind, words) = transport::broken_body(&error).classify("GetObject", "");
            S3Error::new("GetObject", &key, kind, &words)
        })))
    })
    .boxed()
}
