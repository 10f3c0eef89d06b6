//! Multipart uploads: parts in any order, the composite ETag, an aborted upload.

use crate::harness::{BUCKET, Harness, assert_fails};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart};
use mock_s3::{ChecksumAlgorithm, Options};

const PART_BYTES: usize = 5 * 1024 * 1024;

async fn begin(client: &Client) -> String {
    let upload = client.create_multipart_upload().bucket(BUCKET).key("a").content_type("text/plain").send().await.expect("begun");
    upload.upload_id().expect("an id").to_owned()
}

async fn upload(client: &Client, id: &str, number: i32, body: Vec<u8>) -> CompletedPart {
    let part = client.upload_part().bucket(BUCKET).key("a").upload_id(id).part_number(number).body(ByteStream::from(body));
    let part = part.send().await.expect("uploaded");
    CompletedPart::builder().part_number(number).e_tag(part.e_tag().expect("an ETag")).build()
}

fn parts(parts: impl IntoIterator<Item = CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().collect())).build()
}

#[tokio::test]
async fn parts_become_an_object_at_completion() {
    let harness = Harness::start().await;
    let client = &harness.client;
    let id = begin(client).await;
    let second = upload(client, &id, 7, b"end".to_vec()).await;
    let first = upload(client, &id, 2, vec![b'x'; PART_BYTES]).await;
    let listed = client.list_parts().bucket(BUCKET).key("a").upload_id(&id).send().await.expect("a list");
    assert_eq!(listed.parts().iter().filter_map(aws_sdk_s3::types::Part::part_number).collect::<Vec<_>>(), [2, 7]);
    assert!(harness.get("a").await.expect_err("not there yet").is(404, "NoSuchKey"));

    let complete = |upload| client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id).multipart_upload(upload).send();
    assert_fails(complete(parts([second.clone(), first.clone()])).await, 400, "InvalidPartOrder");
    let stranger = CompletedPart::builder().part_number(8).e_tag("\"00\"").build();
    assert_fails(complete(parts([first.clone(), stranger])).await, 400, "InvalidPart");
    let done = complete(parts([first, second])).await.expect("completed");
    // `( head -c 5242880 /dev/zero | tr '\0' x | md5sum ; printf end | md5sum )`, joined as bytes, hashed again.
    assert_eq!(done.e_tag(), Some("\"6d7c5fbffce55b2eb513ca823d7235b2-2\""));
    assert_eq!(done.checksum_type(), Some(&ChecksumType::FullObject));
    let mut expected = vec![b'x'; PART_BYTES];
    expected.extend_from_slice(b"end");
    assert_eq!(harness.get("a").await.expect("served, and verified by the SDK"), expected);
    assert_eq!(harness.server().objects(BUCKET)[0].content_type, "text/plain");
    let again = client.list_parts().bucket(BUCKET).key("a").upload_id(&id).send().await;
    assert_fails(again, 404, "NoSuchUpload");
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let harness = Harness::start().await;
    let id = begin(&harness.client).await;
    let part = upload(&harness.client, &id, 1, b"x".to_vec()).await;
    harness.client.abort_multipart_upload().bucket(BUCKET).key("a").upload_id(&id).send().await.expect("aborted");
    let complete = harness.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id).multipart_upload(parts([part]));
    assert_fails(complete.send().await, 404, "NoSuchUpload");
    assert_eq!(harness.server().objects(BUCKET), []);
}

#[tokio::test]
async fn a_small_part_before_the_last_is_refused() {
    let harness = Harness::start().await;
    let id = begin(&harness.client).await;
    let small = [upload(&harness.client, &id, 1, b"x".to_vec()).await, upload(&harness.client, &id, 2, b"y".to_vec()).await];
    let complete = harness.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id).multipart_upload(parts(small));
    assert_fails(complete.send().await, 400, "EntityTooSmall");
}

#[tokio::test]
async fn other_algorithms_make_a_composite_checksum() {
    let harness = Harness::with(Options { checksum: Some(ChecksumAlgorithm::Sha256), ..Options::default() }).await;
    let id = begin(&harness.client).await;
    let part = upload(&harness.client, &id, 1, b"hello".to_vec()).await;
    let complete = harness.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id).multipart_upload(parts([part]));
    complete.send().await.expect("completed");
    let head = harness.client.head_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled).send().await.expect("there");
    assert_eq!(head.checksum_type(), Some(&ChecksumType::Composite));
    // `printf hello | openssl sha256 -binary | openssl sha256 -binary | base64`
    assert_eq!(head.checksum_sha256(), Some("lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA=-1"));
    assert_eq!(harness.get("a").await.expect("served"), b"hello");
}
