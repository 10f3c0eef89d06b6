//! The calls that prepare a bucket: create it, store a file as an object. One attempt each.

use super::{AwsBucket, CallInfo, blank_key};
use crate::s3::{PutFile, S3Error, S3ErrorKind, SetUpBucket};
use async_trait::async_trait;
use aws_sdk_s3::Config;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

/// The default region of a new bucket. S3 refuses a request that names it.
const NO_CONSTRAINT: &str = "us-east-1";

#[async_trait]
impl SetUpBucket for AwsBucket {
    async fn create_bucket(&self) -> Result<(), S3Error> {
        self.with_valid_credentials(|| self.create_once()).await
    }

    async fn put_file(&self, put: PutFile) -> Result<(), S3Error> {
        self.with_valid_credentials(|| self.put_file_once(&put)).await
    }
}

impl AwsBucket {
    async fn create_once(&self) -> Result<(), S3Error> {
        let call = CallInfo { operation: "CreateBucket", key: None };
        let configuration = (self.region != NO_CONSTRAINT).then(|| {
            CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(self.region.as_str())).build()
        });
        let sending = self.client.create_bucket().bucket(&self.bucket).set_create_bucket_configuration(configuration).send();
        self.within(call, sending).await.map(drop)
    }

    async fn put_file_once(&self, put: &PutFile) -> Result<(), S3Error> {
        let call = CallInfo { operation: "PutObject", key: Some(&put.key) };
        let body = ByteStream::from_path(&put.file).await.map_err(|error| {
            let words = format!("{} cannot be read: {error}", put.file.display());
            self.error(call, S3ErrorKind::Other, &words)
        })?;
        // The SDK's read timeout begins with the request, so uploading a large body would exceed it. The stall protection still detects a
        // body without progress.
        let timeouts = TimeoutConfig::builder().disable_read_timeout().build();
        let answer = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(blank_key::accepted(&put.key))
            .content_type(put.content_type)
            .body(body)
            .customize()
            .mutate_request(blank_key::restored(&put.key))
            .config_override(Config::builder().timeout_config(timeouts))
            .send();
        answer.await.map(drop).map_err(|error| self.failed(call, &error))
    }
}
