//! Valid and invalid credentials.

use crate::harness::{BUCKET, Harness, assert_fails, client};
use mock_s3::AccessKey;

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
async fn an_earlier_key_gets_the_ordered_error_and_the_new_one_is_served() {
    let harness = Harness::start().await;
    let options = harness.server().options().clone();
    harness.server().put(BUCKET, "a", "x", None);
    let temporary = AccessKey::new("temporary", "secret").session_token("token-1");
    harness.server().replace_key(temporary.clone(), 400, "ExpiredToken");
    assert_fails(harness.client.list_objects_v2().bucket(BUCKET).send().await, 400, "ExpiredToken");
    let failure = harness.client.head_bucket().bucket(BUCKET).send().await.expect_err("rejected");
    let body = failure.raw_response().and_then(|response| response.body().bytes()).map(<[u8]>::len);
    assert_eq!((failure.raw_response().map(|response| response.status().as_u16()), body), (Some(400), Some(0)));
    let tokenless = client(harness.running.endpoint(), "temporary", "secret");
    assert_fails(tokenless.list_objects_v2().bucket(BUCKET).send().await, 400, "ExpiredToken");
    assert_eq!((harness.server().rejected_requests(), harness.server().requests().len()), (3, 0));
    harness.server().replace_key(AccessKey { session_token: None, ..temporary }, 403, "InvalidToken");
    tokenless.list_objects_v2().bucket(BUCKET).send().await.expect("the valid key");
    assert_fails(harness.client.list_objects_v2().bucket(BUCKET).send().await, 403, "InvalidToken");
    let forger = client(harness.running.endpoint(), &options.access_key, "a-guess");
    assert_fails(forger.list_objects_v2().bucket(BUCKET).send().await, 403, "SignatureDoesNotMatch");
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
