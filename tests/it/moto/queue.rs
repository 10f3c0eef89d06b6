//! Notifications of an independent server: a bucket that notifies a queue, whose messages are received into the inbox.

use super::objects::{BUCKET, Objects};
use super::server::Moto;
use super::sync::{Sync, file_manager, held};
use crate::cli::collector::{Collector, Manner, points};
use aws_sdk_s3::types::{Event, NotificationConfiguration, QueueConfiguration};
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::SignedDuration;
use s3_sync::clock::SystemClock;
use s3_sync::events::decode::Scope;
use s3_sync::events::queue::{EventQueue as _, InboxLimits, QueueReader};
use s3_sync::events::sqs::{SqsOptions, SqsQueue};
use s3_sync::sdk::AccessKeys;
use s3_sync::state::{EventChannel, State};
use s3_sync::trust::TrustedAuthorities;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// An empty queue: its address, and a client of its owner.
pub(crate) async fn empty_queue(moto: &Moto) -> (String, aws_sdk_sqs::Client) {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(&moto.endpoint)
        .credentials_provider(Credentials::new("owner", "any", None, None, "test"));
    let client = aws_sdk_sqs::Client::from_conf(config.build());
    let created = client.create_queue().queue_name("events").send().await.expect("moto creates a queue");
    (created.queue_url.expect("it has an address"), client)
}

/// A queue with notifications of all changes in the bucket: its address, and a client of its owner.
pub(super) async fn queue(moto: &Moto, objects: &Objects) -> (String, aws_sdk_sqs::Client) {
    let (url, client) = empty_queue(moto).await;
    let configuration = QueueConfiguration::builder()
        .queue_arn("arn:aws:sqs:us-east-1:123456789012:events")
        .set_events(Some(vec![Event::from("s3:ObjectCreated:*"), Event::from("s3:ObjectRemoved:*")]))
        .build()
        .expect("it is whole");
    let configuration = NotificationConfiguration::builder().queue_configurations(configuration).build();
    let accepted = objects.client().put_bucket_notification_configuration().bucket(BUCKET).notification_configuration(configuration);
    accepted.send().await.expect("moto takes the configuration");
    (url, client)
}

/// The numbers of waiting messages and of messages in flight.
async fn left(owner: &aws_sdk_sqs::Client, url: &str) -> [String; 2] {
    let asked = owner.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All).send().await.expect("its attributes");
    let attributes = asked.attributes.expect("some");
    [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesNotVisible]
        .map(|name| attributes[&name].clone())
}

#[tokio::test]
async fn changes_in_the_bucket_reach_the_inbox_and_leave_the_queue() {
    let moto = Moto::start().await;
    let objects = Objects::create(&moto).await;
    let (url, owner) = queue(&moto, &objects).await;
    for key in ["docs/a b+c.txt", "Über uns.txt"] {
        objects.put(key, b"content").await;
    }
    objects.delete("docs/a b+c.txt").await;

    let directory = tempfile::tempdir().expect("a directory");
    let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
    let options = SqsOptions {
        queue_url: url.parse().expect("a URL"),
        endpoint: None,
        region: "us-east-1".to_owned(),
        credentials: AccessKeys::new("owner", "any").into(),
        trusted: TrustedAuthorities::default(),
    };
    let source = SqsQueue::connect(options);
    source.check().await.expect("the queue is there");
    owner.set_queue_attributes().queue_url(&url).attributes(QueueAttributeName::MessageRetentionPeriod, "7200").send().await.expect("set");
    assert_eq!(source.retention().await, Some(SignedDuration::from_hours(2)));
    let inbox = InboxLimits { scope: Scope::new(BUCKET, ""), max_events: 1000, clock: Arc::new(SystemClock) };
    let reader = QueueReader::new(Arc::new(source), EventChannel::Sqs, state.clone(), inbox);
    let (mut status, stop, mut arrivals) = (reader.status(), CancellationToken::new(), state.inbox().arrivals());
    let token = stop.clone();
    let running = tokio::spawn(async move { reader.run(&token).await });

    let expected: BTreeSet<_> =
        ["create docs/a b+c.txt", "create Über uns.txt", "delete docs/a b+c.txt"].map(str::to_owned).into_iter().collect();
    let mut waiting = BTreeSet::new();
    while !waiting.is_superset(&expected) {
        arrivals.changed().await.expect("open");
        let rows = state.inbox().events_batch(0, 100).await.expect("read");
        waiting = rows.iter().map(|row| format!("{} {}", row.event.kind.as_str(), row.event.path.as_str())).collect();
    }
    assert_eq!(waiting, expected, "and nothing else");
    assert_eq!(status.wait_for(|status| status.events >= 3).await.expect("open").dead_letters, 0);
    assert_eq!(state.inbox().dead_letters_len().await.expect("counted"), 0);

    // The end waits until the stored messages are acknowledged.
    stop.cancel();
    running.await.expect("it ends");
    assert_eq!(left(&owner, &url).await, ["0", "0"]);
}

/// Without a daemon, a command drains the queues and applies their events.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_receives_the_messages_that_wait_in_each_queue() {
    let moto = Moto::start().await;
    let objects = Objects::create(&moto).await;
    objects.put("a.txt", b"a").await;
    let (url, owner) = queue(&moto, &objects).await;
    let files = file_manager().await;
    let other = owner.create_queue().queue_name("others").send().await.expect("created").queue_url.expect("it has an address");
    let urls = format!("{url}, {other}");
    let sync = Sync::new(&moto.endpoint, &files).with("EVENTS_SQS_QUEUE_URL", urls).with("EVENTS_SQS_ENDPOINT", &moto.endpoint);
    sync.done().await;
    let collector = Collector::start(Manner::Takes).await;
    let sync = sync.with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    objects.put("b c.txt", b"new").await;
    objects.delete("a.txt").await;
    let body = format!(r#"{{"eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"{BUCKET}"}},"object":{{"key":"b+c.txt"}}}}}}"#);
    owner.send_message().queue_url(&other).message_body(body).send().await.expect("it waits");
    let ran = sync.run(&["incremental-sync", "--json"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.output());
    let report = ran.report();
    assert_eq!((&report["listing"]["pages"], &report["queue"]["received"]), (&0.into(), &3.into()), "{report}");
    assert_eq!(held(&files).into_iter().collect::<Vec<_>>(), [("b c.txt".to_owned(), b"new".to_vec())]);
    for queue in [&url, &other] {
        assert_eq!(left(&owner, queue).await, ["0", "0"], "{queue}");
    }
    let (_, metrics) = collector.metrics();
    let received = metrics.iter().find(|metric| metric.name == "s3_sync.events").expect("events are counted");
    assert_eq!(points(received), [(vec!["source=sqs".to_owned()], 3)].into());
}
