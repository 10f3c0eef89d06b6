//! A webhook that sends what the gateway posts to a queue of moto, unchanged. It answers when the queue has it.

use super::gateway::Gateway;
use crate::moto::objects::Objects;
use crate::moto::queue::empty_queue;
use crate::moto::server::{Moto, program};
use aws_sdk_s3::types::{Event, NotificationConfiguration, TopicConfiguration};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

/// The webhook and the queue, until it is dropped.
pub(super) struct Relay {
    /// The address of the queue.
    pub(super) queue: String,
    url: String,
    posted: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Target {
    queue: String,
    owner: aws_sdk_sqs::Client,
    posted: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    pub(super) async fn start(moto: &Moto) -> Self {
        let (queue, owner) = empty_queue(moto).await;
        let posted = Arc::<Mutex<Vec<String>>>::default();
        let target = Target { queue: queue.clone(), owner, posted: posted.clone() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/events", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(pass_on).with_state(target);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { queue, url, posted, server }
    }

    /// From now on the gateway answers a change in the bucket after it posted the notification: no test waits for one.
    pub(super) async fn subscribe(&self, gateway: &Gateway, objects: &Objects) {
        let topic = topic(gateway, &objects.bucket, &self.url).await;
        let configuration = TopicConfiguration::builder()
            .id("relay")
            .topic_arn(topic)
            .set_events(Some(vec![Event::from("s3:ObjectCreated:*"), Event::from("s3:ObjectRemoved:*")]))
            .build()
            .expect("it is whole");
        let configuration = NotificationConfiguration::builder().topic_configurations(configuration).build();
        let request = objects.client().put_bucket_notification_configuration().bucket(&objects.bucket);
        request.notification_configuration(configuration).send().await.expect("the gateway takes the configuration");
    }

    /// The notifications so far, as they were posted.
    pub(super) fn posted(&self) -> Vec<String> {
        self.posted.lock().expect("no test panics").clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass_on(State(target): State<Target>, body: String) -> StatusCode {
    target.posted.lock().expect("no test panics").push(body.clone());
    let sent = target.owner.send_message().queue_url(&target.queue).message_body(body).send().await;
    sent.map_or(StatusCode::SERVICE_UNAVAILABLE, |_| StatusCode::OK)
}

/// A new topic that posts to this URL: its ARN. By boto3, which comes with moto; topics are no part of S3's API.
async fn topic(gateway: &Gateway, name: &str, url: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/rgw/topic.py");
    let mut command = Command::new(Path::new(&program()).with_file_name("python"));
    command.arg(script).args([&gateway.endpoint, name, url]);
    command.env("AWS_ACCESS_KEY_ID", &gateway.access_key).env("AWS_SECRET_ACCESS_KEY", &gateway.secret_key);
    let output = command.kill_on_drop(true).output().await.expect("Python starts");
    assert!(output.status.success(), "no topic: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}
