//! Runs that drain the notification queue themselves: runs of a command, without a daemon that listens to the queue.

use super::{effects, in_sync};
use crate::workflow::scene::{BUCKET, Scene, key};
use async_trait::async_trait;
use jiff::SignedDuration;
use s3_sync::events::queue::{EventQueue, Message, MessageReceipt, QueueError};
use s3_sync::report::PassedOver;
use s3_sync::state::RunOutcome;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Serves its messages one at a time; serves nothing while it is unreachable.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Vec<Message>>,
    unreachable: Mutex<bool>,
    number: usize,
}

impl Queue {
    /// Sends a record whose key is written as it is here.
    pub(super) fn send(&self, name: &str, path: &str) {
        let record = json!({ "eventName": name, "s3": { "bucket": { "name": BUCKET }, "object": { "key": path } } });
        self.send_body(json!({ "Records": [record] }).to_string());
    }

    pub(super) fn send_body(&self, body: String) {
        let mut waiting = self.waiting.lock().expect("sound");
        let receipt = MessageReceipt(waiting.len().to_string());
        waiting.push(Message { receipt, body });
    }

    pub(super) fn given_to(self: &Arc<Self>, scene: &mut Scene) {
        scene.program.endpoints.queues.push(self.clone());
    }
}

#[async_trait]
impl EventQueue for Queue {
    fn address(&self) -> &str {
        ["http://queue", "http://queue/1", "http://queue/2"][self.number]
    }

    async fn receive(&self, _: Duration) -> Result<Vec<Message>, QueueError> {
        if *self.unreachable.lock().expect("sound") {
            return Err(QueueError { call: "ReceiveMessage", address: self.address().to_owned(), message: "no such queue".to_owned() });
        }
        Ok(self.waiting.lock().expect("sound").first().cloned().into_iter().collect())
    }

    async fn acknowledge(&self, receipts: Vec<MessageReceipt>) -> Result<Vec<MessageReceipt>, QueueError> {
        self.waiting.lock().expect("sound").retain(|message| !receipts.contains(&message.receipt));
        Ok(Vec::new())
    }

    async fn release(&self, _: Vec<MessageReceipt>) -> Result<(), QueueError> {
        Ok(())
    }

    async fn retention(&self) -> Option<SignedDuration> {
        None
    }
}

/// A command's cycle read the feed, but left all messages in the queue for a daemon that was not running.
#[tokio::test]
async fn a_cycle_and_a_reconcile_receive_the_messages_that_wait_in_the_queue() {
    let (bucket, mut scene) = in_sync(&["gone", "old"]).await;
    let queue = Arc::new(Queue::default());
    queue.given_to(&mut scene);
    bucket.remove(&key("gone"));
    bucket.put(key("old"), "new");
    queue.send("ObjectRemoved:Delete", "gone");
    queue.send("ObjectCreated:Put", "old");
    let report = scene.cycle_to_success().await.report;
    assert_eq!(effects(&scene), ["delete gone", "update old"]);
    let drained = report.queue.expect("it was emptied");
    assert_eq!((drained.messages, drained.received, drained.dead_letters, drained.emptied), (2, 2, 0, true));
    assert!(queue.waiting.lock().expect("sound").is_empty());
    queue.send("ObjectCreated:Put", "old");
    scene.run_to_success().await;
    assert!(queue.waiting.lock().expect("sound").is_empty(), "what a listing is about to show is no news any more");
}

#[tokio::test]
async fn a_cycle_reports_an_unreachable_queue_and_does_everything_else() {
    let (bucket, mut scene) = in_sync(&["a"]).await;
    let queue = Arc::new(Queue::default());
    *queue.unreachable.lock().expect("sound") = true;
    queue.given_to(&mut scene);
    bucket.put(key("a"), "new");
    scene.api.api().set_feed(vec![super::event("create", 1, "/a")]);
    let ended = scene.cycle().await;
    assert_eq!((ended.outcome, ended.report.success), (RunOutcome::Failed, false), "{}", ended.report);
    assert_eq!(effects(&scene), ["update a"]);
    let printed = ended.report.to_string();
    assert!(printed.contains("queue: ReceiveMessage http://queue: no such queue (check EVENTS_SQS_QUEUE_URL"), "{printed}");
}

#[tokio::test]
async fn a_cycle_drains_each_of_several_queues_even_if_others_fail() {
    let (bucket, mut scene) = in_sync(&["a", "b"]).await;
    let queues = [0, 1, 2].map(|number| Arc::new(Queue { number, ..Queue::default() }));
    for (queue, path) in queues.iter().zip(["a", "b", "lost"]) {
        queue.given_to(&mut scene);
        bucket.put(key(path), "new");
        queue.send("ObjectCreated:Put", path);
    }
    *queues[2].unreachable.lock().expect("sound") = true;
    let ended = scene.cycle().await;
    assert_eq!((ended.outcome, effects(&scene)), (RunOutcome::Failed, vec!["update a".to_owned(), "update b".to_owned()]));
    let errors: Vec<_> = ended.report.errors.iter().filter(|line| line.starts_with("queue: ")).collect();
    assert!(errors.len() == 1 && errors[0].contains("http://queue/2: no such queue"), "{errors:?}");
    let drained = ended.report.queue.expect("they were emptied");
    assert_eq!((drained.messages, drained.received, drained.emptied), (2, 2, false));
    *queues[2].unreachable.lock().expect("sound") = false;
    scene.cycle_to_success().await;
    assert!(effects(&scene).contains(&"create lost".to_owned()), "{:?}", effects(&scene));
}

/// If a prefix was set, events outside of it were reported as "0 events" and nothing else, so an operator could not see why a
/// file was missing.
#[tokio::test]
async fn a_cycle_reports_ignored_messages() {
    let (_, mut scene) = in_sync(&[]).await;
    let queue = Arc::new(Queue::default());
    queue.given_to(&mut scene);
    scene.program.options.prefix = "in/".to_owned();
    queue.send("ObjectCreated:Put", "out/b");
    queue.send("ReducedRedundancyLostObject", "in/a");
    scene.api.api().set_feed(vec![super::event("create", 1, "/out/c"), super::renamed(2, "/in/a", "/in/a")]);
    let report = scene.cycle_to_success().await.report;
    let expected = "  ignored   2 of keys outside of CUSTOMER_S3_PREFIX, for example out/b; \
                1 with a name that says nothing about an object; 1 of a rename onto itself\n";
    assert!(report.to_string().contains(expected), "{report}");
    assert_eq!(scene.cycle_to_success().await.report.passed_over, PassedOver::default(), "once");
}
