//! Where the SDK sends requests.

use super::*;
use crate::s3::AwsBucket;
use crate::sdk::AccessKeys;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use std::sync::{Arc, Mutex};

/// Records the address of a request instead of sending it.
#[derive(Clone, Debug, Default)]
struct Addressed(Arc<Mutex<String>>);

impl Intercept for Addressed {
    fn name(&self) -> &'static str {
        "Addressed"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request().uri().clone_into(&mut self.0.lock().expect("no test panics with it"));
        Err("it is not sent".into())
    }
}

/// The addresses of a HEAD of `k/ä` and of a listing.
async fn addresses(options: AwsOptions) -> [String; 2] {
    let credentials = RenewableCredentials::of(AccessKeys::new("a", "s").into(), &options.region, &options.trusted);
    let client = client(&options, credentials);
    let (head, list) = (Addressed::default(), Addressed::default());
    let _ = client.head_object().bucket(&options.bucket).key("k/ä").customize().interceptor(head.clone()).send().await;
    let _ = client.list_objects_v2().bucket(&options.bucket).customize().interceptor(list.clone()).send().await;
    [head, list].map(|seen| seen.0.lock().expect("no test panics with it").clone())
}

fn at(endpoint: &str, bucket: &str) -> AwsOptions {
    AwsOptions { endpoint: Some(endpoint.parse().expect("an address")), ..AwsOptions::for_bucket(bucket) }
}

/// E1: the bucket's name was appended to the last part of the endpoint's path.
#[tokio::test]
async fn requests_go_below_the_path_of_the_endpoint() {
    for (endpoint, base) in [
        ("http://store:9000", "http://store:9000/"),
        ("http://store:9000/", "http://store:9000/"),
        ("https://store/storage/v1/s3", "https://store/storage/v1/s3/"),
        ("https://store/storage/v1/s3/", "https://store/storage/v1/s3/"),
        ("https://store/a%20b", "https://store/a%20b/"),
    ] {
        let [head, list] = addresses(at(endpoint, "the-bucket")).await;
        assert_eq!(head, format!("{base}the-bucket/k/%C3%A4"), "{endpoint}");
        assert!(list.starts_with(&format!("{base}the-bucket?")) || list.starts_with(&format!("{base}the-bucket/?")), "{endpoint}: {list}");
    }
}

/// E3: a bucket of a tenant.
#[tokio::test]
async fn the_bucket_of_a_tenant_is_one_part_of_the_path() {
    let [head, _] = addresses(at("http://store", "tenant:bucket")).await;
    assert_eq!(head, "http://store/tenant%3Abucket/k/%C3%A4");
}

/// E2: some stores serve a bucket only under its own host name, others only by path.
#[tokio::test]
async fn the_setting_decides_if_the_bucket_is_part_of_the_host_name() {
    let aws = AwsOptions::for_bucket("the-bucket");
    for (options, path_style, expected) in [
        (at("http://store:9000", "the-bucket"), None, "http://store:9000/the-bucket/k/%C3%A4"),
        (at("http://store:9000", "the-bucket"), Some(true), "http://store:9000/the-bucket/k/%C3%A4"),
        (at("http://store:9000", "the-bucket"), Some(false), "http://the-bucket.store:9000/k/%C3%A4"),
        (at("https://store/s3", "the-bucket"), Some(false), "https://the-bucket.store/s3/k/%C3%A4"),
        // A bucket below an IP address has no host name.
        (at("http://127.0.0.1:9000", "the-bucket"), Some(false), "http://127.0.0.1:9000/the-bucket/k/%C3%A4"),
        (aws.clone(), None, "https://the-bucket.s3.us-east-1.amazonaws.com/k/%C3%A4"),
        (aws.clone(), Some(false), "https://the-bucket.s3.us-east-1.amazonaws.com/k/%C3%A4"),
        (aws, Some(true), "https://s3.us-east-1.amazonaws.com/the-bucket/k/%C3%A4"),
    ] {
        let options = AwsOptions { path_style, credentials: AccessKeys::new("a", "s").into(), ..options };
        let [head, _] = addresses(options.clone()).await;
        assert_eq!(head, expected, "{path_style:?}");
        let by_path = AwsBucket::connect(options).await.expect("keys are given").is_addressed_by_path().await.expect("no call");
        assert_eq!(by_path, expected.contains("/the-bucket/"), "{expected}");
    }
}
