//! The customer's bucket as its owner sees it, over the AWS SDK from outside the network.

use crate::stage::{ACCESS_KEY, SECRET_KEY, SOURCE_BUCKET};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub(crate) struct Bucket(Client);

impl Bucket {
    pub(crate) fn at(endpoint: &str) -> Self {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .force_path_style(true)
            .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test"))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
        Self(Client::from_conf(config.build()))
    }

    pub(crate) async fn put(&self, key: &str, body: Vec<u8>) {
        let put = self.0.put_object().bucket(SOURCE_BUCKET).key(key).content_type("text/plain").body(body.into());
        put.send().await.unwrap_or_else(|error| panic!("{key} is stored: {error:?}"));
    }

    /// Stores `prefix000.txt`, `prefix001.txt`, …, each with its own text.
    pub(crate) async fn put_many(&self, prefix: &str, count: usize) {
        for index in 0..count {
            let key = format!("{prefix}{index:03}.txt");
            self.put(&key, format!("this is {key}\n").into_bytes()).await;
        }
    }

    /// The same with many uploads at a time.
    #[cfg(feature = "limits")]
    pub(crate) async fn put_very_many(&self, prefix: &str, count: usize) {
        use futures::StreamExt;
        let puts = (0..count).map(|index| {
            let key = format!("{prefix}{:02}/{index:06}.txt", index % 100);
            async move { self.put(&key, format!("this is {key}\n").into_bytes()).await }
        });
        futures::stream::iter(puts).buffer_unordered(16).collect::<()>().await;
    }

    /// Stores an object with this many zero bytes.
    #[cfg(feature = "limits")]
    pub(crate) async fn put_large(&self, key: &str, bytes: u64) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(bytes).expect("a file without content takes no room");
        let body = aws_sdk_s3::primitives::ByteStream::from_path(file.path()).await.expect("it can be read");
        let put = self.0.put_object().bucket(SOURCE_BUCKET).key(key).body(body);
        put.send().await.unwrap_or_else(|error| panic!("{key} is stored: {error:?}"));
    }

    pub(crate) async fn delete(&self, key: &str) {
        self.0.delete_object().bucket(SOURCE_BUCKET).key(key).send().await.expect("it is deleted");
    }

    /// The SHA-256 of every object, by key.
    pub(crate) async fn digests(&self) -> BTreeMap<String, String> {
        let mut pages = self.0.list_objects_v2().bucket(SOURCE_BUCKET).into_paginator().send();
        let mut digests = BTreeMap::new();
        while let Some(page) = pages.next().await {
            for object in page.expect("the bucket can be listed").contents() {
                let key = object.key().expect("an object has a key").to_owned();
                let got = self.0.get_object().bucket(SOURCE_BUCKET).key(&key).send().await.expect("the object is there");
                let bytes = got.body.collect().await.expect("the body is whole").into_bytes();
                let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
                digests.insert(key, digest);
            }
        }
        digests
    }
}
