//! The server's checksums, and the check of a client's.

use crate::harness::{BUCKET, Harness, assert_fails};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm as SdkAlgorithm, ChecksumMode, ChecksumType};
use mock_s3::{ChecksumAlgorithm, Options};

/// CRC-64/NVME of `123456789`: the algorithm's check value, `0xae8b14860a799888`.
const CRC64_OF_DIGITS: &str = "rosUhgp5mIg=";

#[tokio::test]
async fn the_full_object_checksum_is_sent_on_request() {
    let harness = Harness::start().await;
    let put = harness.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"123456789"));
    assert_eq!(put.send().await.expect("stored").checksum_crc64_nvme(), Some(CRC64_OF_DIGITS));
    let head = harness.client.head_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled).send().await.expect("there");
    assert_eq!(head.checksum_crc64_nvme(), Some(CRC64_OF_DIGITS));
    assert_eq!(head.checksum_type(), Some(&ChecksumType::FullObject));
    let got = harness.client.get_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled).send().await.expect("there");
    assert_eq!(got.checksum_crc64_nvme(), Some(CRC64_OF_DIGITS));
    let part = harness.client.get_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled).range("bytes=0-1");
    assert_eq!(part.send().await.expect("a part").checksum_crc64_nvme(), None);
    let listed = harness.client.list_objects_v2().bucket(BUCKET).send().await.expect("a page");
    assert_eq!(listed.contents()[0].checksum_algorithm(), [SdkAlgorithm::Crc64Nvme]);
}

#[tokio::test]
async fn every_algorithm_is_one_that_the_sdk_verifies() {
    use ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
    for algorithm in [Crc64Nvme, Crc32, Crc32c, Sha1, Sha256] {
        let harness = Harness::with(Options { checksum: Some(algorithm), ..Options::default() }).await;
        harness.server().put(BUCKET, "a", "hello", None);
        assert_eq!(harness.get("a").await.expect("verified"), b"hello");
        harness.server().order(mock_s3::Matcher::any(), mock_s3::Fault::WrongByte(4));
        let failure = harness.get("a").await.expect_err("the SDK sees it");
        assert!(failure.text.contains("ChecksumMismatch"), "{algorithm:?}: {failure:?}");
    }
}

#[tokio::test]
async fn without_checksums_only_the_etag_is_sent() {
    let harness = Harness::with(Options { checksum: None, ..Options::default() }).await;
    harness.server().put(BUCKET, "a", "hello", None);
    let head = harness.client.head_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled).send().await.expect("there");
    assert_eq!((head.checksum_crc64_nvme(), head.checksum_type()), (None, None));
    harness.server().order(mock_s3::Matcher::any(), mock_s3::Fault::WrongByte(0));
    assert_eq!(harness.get("a").await.expect("no checksum shows it"), b"iello");
}

#[tokio::test]
async fn a_wrong_checksum_of_the_client_stores_nothing() {
    let harness = Harness::start().await;
    let put = || harness.client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    assert_fails(put().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await, 400, "BadDigest");
    assert_fails(put().checksum_crc64_nvme(CRC64_OF_DIGITS).send().await, 400, "BadDigest");
    assert_fails(put().checksum_crc32("AAAAAA==").send().await, 400, "BadDigest");
    assert_eq!(harness.server().objects(BUCKET), []);
    put().content_md5("XUFAKrxLKna5cZ2REBfFkg==").send().await.expect("right");
    put().checksum_algorithm(SdkAlgorithm::Sha256).send().await.expect("right");
    assert_eq!(harness.server().objects(BUCKET).len(), 1);
}

/// The SDK sends the checksum of a streamed body in a trailer.
#[tokio::test]
async fn a_checksum_in_the_trailer_is_verified() {
    let harness = Harness::start().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), vec![7; 300_000]).expect("written");
    for algorithm in [SdkAlgorithm::Crc32, SdkAlgorithm::Crc64Nvme, SdkAlgorithm::Sha1] {
        let body = ByteStream::from_path(file.path()).await.expect("a stream");
        let put = harness.client.put_object().bucket(BUCKET).key("a").checksum_algorithm(algorithm).body(body);
        put.send().await.expect("stored");
        assert_eq!(harness.server().body(BUCKET, "a").map(|body| body.len()), Some(300_000));
    }
}
