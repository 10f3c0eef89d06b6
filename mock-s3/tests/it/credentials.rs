//! Valid and invalid credentials.

use crate::harness::{BUCKET, Harness, assert_fails, client};

#[tokio::test]
async fn an_unknown_key_id_and_a_wrong_secret_have_different_errors() {
    let harness = Harness::start().await;
    let options = harness.server().options();
    let stranger = client(harness.running.endpoint(), "another-key", &options.secret_key);
    assert_fails(stranger.list_objects_v2().bucket(BUCKET).send().await, 403, "InvalidAccessKeyId");
    let forger = client(harness.running.endpoint(), &options.access_key, "a-guess");
    assert_fails(forger.list_objects_v2().bucket(BUCKET).send().await, 403, "SignatureDoesNotMatch");
    assert_fails(forger.get_object().bucket(BUCKET).key("a").send().await, 403, "SignatureDoesNotMatch");
    // The response to a HEAD has no body that could hold a code.
    let failure = forger.head_bucket().bucket(BUCKET).send().await.expect_err("refused");
    assert_eq!(failure.raw_response().map(|response| response.status().as_u16()), Some(403));
    assert_eq!(harness.server().requests(), [], "what was not signed is not served");
    assert_eq!(harness.server().counters().requests, 4);
}

#[tokio::test]
async fn an_anonymous_request_is_denied() {
    let harness = Harness::start().await;
    harness.server().put(BUCKET, "a", "x", None);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::v2026_01_12())
        .endpoint_url(harness.running.endpoint())
        .force_path_style(true)
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .allow_no_auth()
        .build();
    let anonymous = aws_sdk_s3::Client::from_conf(config);
    assert_fails(anonymous.get_object().bucket(BUCKET).key("a").send().await, 403, "AccessDenied");
}
