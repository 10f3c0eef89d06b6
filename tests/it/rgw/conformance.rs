//! What every bucket must do, the gateway's does, for all keys that it takes.

use super::gateway::Gateway;
use crate::conformance::s3::{conforms, seeds};
use s3_sync::record::ObjectKey;
use s3_sync::s3::{AwsBucket, AwsOptions};
use s3_sync::sdk::AccessKeys;

#[tokio::test]
async fn a_bucket_at_the_gateway_conforms() {
    let gateway = Gateway::running();
    let objects = gateway.bucket().await;
    let mut seeds = seeds();
    let bodies = seeds.iter().map(|(key, body)| (key.as_str().to_owned(), body.clone())).collect();
    for (key, answer) in objects.try_put_all(&bodies).await {
        println!("the gateway refuses {key:?}: {answer}");
        seeds.remove(&ObjectKey::new(key).expect("it is a key"));
    }
    let missing = format!("{}-missing", objects.bucket);
    conforms(&bucket(&gateway, &objects.bucket).await, &bucket(&gateway, &missing).await, &seeds).await;
}

async fn bucket(gateway: &Gateway, name: &str) -> AwsBucket {
    let options = AwsOptions {
        endpoint: Some(gateway.endpoint.parse().expect("an address")),
        credentials: AccessKeys::new(&gateway.access_key, gateway.secret_key.as_str()).into(),
        ..AwsOptions::for_bucket(name)
    };
    AwsBucket::connect(options).await.expect("keys are given")
}
