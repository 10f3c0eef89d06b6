//! Where the calls of a queue are sent.

use super::canned::{Answer, Canned};
use s3_sync::events::sqs::{SqsOptions, SqsQueue};

/// E1: a server below a path.
#[tokio::test]
async fn calls_of_a_queue_go_below_the_path_of_its_endpoint() {
    for (path, expected) in [("", "POST / "), ("/sqs/v1", "POST /sqs/v1"), ("/sqs/v1/", "POST /sqs/v1")] {
        let server = Canned::start(Answer::whole(200, &["Content-Type: application/x-amz-json-1.0"], "{}")).await;
        let options = SqsOptions {
            queue_url: format!("{}/1/events", server.endpoint).parse().expect("an address"),
            endpoint: Some(format!("{}{path}", server.endpoint).parse().expect("an address")),
            region: "us-east-1".to_owned(),
            credentials: Some(("a".to_owned(), "s".into(), None)),
        };
        SqsQueue::connect(options).await.check().await.expect("an answer");
        let sent = server.requests().remove(0);
        assert!(sent.starts_with(expected), "{path}: {sent}");
    }
}
