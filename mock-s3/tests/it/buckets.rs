//! Buckets (create, head, list, delete), and the server's stop and restart.

use crate::harness::{BUCKET, Failure, Harness, assert_fails, client};

#[tokio::test]
async fn a_bucket_exists_from_its_creation_to_its_deletion() {
    let Harness { client, running } = Harness::start().await;
    client.create_bucket().bucket("second").send().await.expect("created");
    assert_fails(client.create_bucket().bucket("second").send().await, 409, "BucketAlreadyOwnedByYou");
    let head = client.head_bucket().bucket("second").send().await.expect("it is there");
    assert_eq!(head.bucket_region(), Some("us-east-1"));

    let listed = client.list_buckets().send().await.expect("a list");
    let names: Vec<_> = listed.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, [BUCKET, "second"]);

    running.server().put("second", "a", "x", None);
    assert_fails(client.delete_bucket().bucket("second").send().await, 409, "BucketNotEmpty");
    assert!(running.server().remove("second", "a"));
    client.delete_bucket().bucket("second").send().await.expect("deleted");
    assert_fails(client.delete_bucket().bucket("second").send().await, 404, "NoSuchBucket");
    assert_eq!(running.server().buckets(), [BUCKET]);
}

#[tokio::test]
async fn every_operation_reports_a_missing_bucket() {
    let harness = Harness::start().await;
    let client = &harness.client;
    let failure = client.head_bucket().bucket("missing").send().await.expect_err("not there");
    assert_eq!(Failure::of(&failure).status, 404);
    assert_fails(client.list_objects_v2().bucket("missing").send().await, 404, "NoSuchBucket");
    assert_fails(client.get_object().bucket("missing").key("a").send().await, 404, "NoSuchBucket");
    assert_fails(client.put_object().bucket("missing").key("a").send().await, 404, "NoSuchBucket");
    assert_fails(client.delete_object().bucket("missing").key("a").send().await, 404, "NoSuchBucket");
    assert_fails(client.create_multipart_upload().bucket("missing").key("a").send().await, 404, "NoSuchBucket");
}

#[tokio::test]
async fn a_stopped_server_is_unreachable_and_comes_back_with_its_objects() {
    let harness = Harness::start().await;
    harness.server().put(BUCKET, "a", "x", None);
    harness.get("a").await.expect("served");
    let Harness { running, client: sdk } = harness;
    let (server, address) = (running.server().clone(), running.address());
    running.stop().await;
    let failure = sdk.get_object().bucket(BUCKET).key("a").send().await.expect_err("connection refused");
    assert_eq!(Failure::of(&failure).status, 0);

    let running = server.start(&address.to_string()).await.expect("the port is free again");
    assert_eq!(running.address(), address);
    let options = server.options();
    let sdk = client(running.endpoint(), &options.access_key, &options.secret_key);
    sdk.get_object().bucket(BUCKET).key("a").send().await.expect("served again");
}
