//! The queue reader against a scripted queue.

mod once;
mod silence;

use super::*;
use crate::clock::SystemClock;
use crate::state::inbox_tests::Possible;
use async_trait::async_trait;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::task::JoinHandle;

/// A queue that serves the given messages once and records its calls.
struct Queue {
    state: State,
    incoming: Mutex<VecDeque<Result<Vec<Message>, QueueError>>>,
    arrived: watch::Sender<()>,
    /// Results of the next acknowledgements: an error, or the refused receipts.
    refusals: Mutex<VecDeque<Result<Vec<MessageReceipt>, QueueError>>>,
    calls: watch::Sender<Vec<String>>,
    retention: Option<SignedDuration>,
    address: &'static str,
    /// True if acknowledgements return.
    acknowledges: bool,
}

fn broken() -> QueueError {
    QueueError { call: "ReceiveMessage", address: "queue".to_owned(), message: "no such queue".to_owned() }
}

impl Queue {
    fn bring(&self, what: Result<Vec<Message>, QueueError>) {
        self.incoming.lock().expect("sound").push_back(what);
        self.arrived.send_replace(());
    }

    fn refuse(&self, what: Result<Vec<MessageReceipt>, QueueError>) {
        self.refusals.lock().expect("sound").push_back(what);
    }

    async fn record_call(&self, what: &str, receipts: &[MessageReceipt]) {
        let names: Vec<_> = receipts.iter().map(|MessageReceipt(name)| name.as_str()).collect();
        let waiting = self.state.inbox().events_len().await.expect("counted");
        self.calls.send_modify(|calls| calls.push(format!("{what} {} with {waiting} stored", names.join("+"))));
    }

    /// Waits for this many calls and returns them.
    async fn wait_for_calls(&self, times: usize) -> Vec<String> {
        self.calls.subscribe().wait_for(|calls| calls.len() >= times).await.expect("open").clone()
    }
}

#[async_trait]
impl EventQueue for Queue {
    fn address(&self) -> &str {
        self.address
    }

    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, QueueError> {
        let mut arrived = self.arrived.subscribe();
        loop {
            if let Some(next) = self.incoming.lock().expect("sound").pop_front() {
                return next;
            }
            let Ok(changed) = tokio::time::timeout(wait, arrived.changed()).await else { return Ok(Vec::new()) };
            changed.expect("open");
        }
    }

    async fn acknowledge(&self, receipts: Vec<MessageReceipt>) -> Result<Vec<MessageReceipt>, QueueError> {
        self.record_call("acknowledge", &receipts).await;
        if !self.acknowledges {
            std::future::pending::<()>().await;
        }
        self.refusals.lock().expect("sound").pop_front().unwrap_or(Ok(Vec::new()))
    }

    async fn release(&self, receipts: Vec<MessageReceipt>) -> Result<(), QueueError> {
        self.record_call("release", &receipts).await;
        Ok(())
    }

    async fn retention(&self) -> Option<SignedDuration> {
        self.retention
    }
}

/// A queue and a state.
async fn queue_and_state() -> (Arc<Queue>, State, tempfile::TempDir) {
    queue_that_keeps(None).await
}

async fn queue_that_keeps(retention: Option<SignedDuration>) -> (Arc<Queue>, State, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
    let queue = Arc::new(Queue {
        state: state.clone(),
        incoming: Mutex::default(),
        arrived: watch::Sender::default(),
        refusals: Mutex::default(),
        calls: watch::Sender::default(),
        retention,
        address: "queue",
        acknowledges: true,
    });
    (queue, state, directory)
}

fn reader(queue: &Arc<Queue>, most: u64) -> QueueReader {
    let inbox = InboxLimits { scope: Scope::new("bucket", ""), max_events: most, clock: Arc::new(SystemClock) };
    QueueReader::new(queue.clone(), EventChannel::Sqs, queue.state.clone(), inbox)
}

struct Bed {
    queue: Arc<Queue>,
    state: State,
    status: watch::Receiver<SourceStatus>,
    stop: CancellationToken,
    running: JoinHandle<()>,
    _directory: tempfile::TempDir,
}

impl Bed {
    async fn new(most: u64) -> Self {
        let (queue, state, directory) = queue_and_state().await;
        let reader = reader(&queue, most);
        let (status, stop) = (reader.status(), CancellationToken::new());
        let token = stop.clone();
        let running = tokio::spawn(async move { reader.run(&token).await });
        Self { queue, state, status, stop, running, _directory: directory }
    }

    async fn until(&mut self, reached: impl FnMut(&SourceStatus) -> bool) -> SourceStatus {
        self.status.wait_for(reached).await.expect("it runs").clone()
    }

    async fn end(self) {
        self.stop.cancel();
        self.running.await.expect("it ends without a panic");
    }
}

fn put(receipt: &str, key: &str) -> Message {
    let body = json!({ "eventName": "ObjectCreated:Put", "s3": { "bucket": { "name": "bucket" }, "object": { "key": key } } });
    Message { receipt: MessageReceipt(receipt.to_owned()), body: body.to_string() }
}

fn nonsense(receipt: &str) -> Message {
    Message { receipt: MessageReceipt(receipt.to_owned()), body: "{".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn the_reader_acknowledges_messages_and_dead_letters_after_they_are_stored() {
    let mut bed = Bed::new(100).await;
    let mut arrivals = bed.state.inbox().arrivals();
    bed.queue.bring(Ok(vec![put("1", "a"), nonsense("2"), put("3", "b")]));
    assert_eq!(bed.queue.wait_for_calls(1).await, ["acknowledge 1+2+3 with 2 stored"]);
    arrivals.changed().await.expect("calls");
    let status = bed.until(|status| status.messages > 0).await;
    assert_eq!((status.messages, status.events, status.dead_letters, status.unreachable), (3, 2, 1, None));
    let dead_letter = bed.state.inbox().dead_letters(0, 1).await.expect("read").remove(0);
    assert_eq!(
        (dead_letter.source, dead_letter.reason.as_str(), dead_letter.raw.as_slice()),
        (EventChannel::Sqs, "bad_json", b"{".as_slice())
    );
    bed.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_reader_acknowledges_and_counts_ignored_messages() {
    let mut bed = Bed::new(100).await;
    let test = Message { receipt: MessageReceipt("1".to_owned()), body: json!({ "Event": "s3:TestEvent" }).to_string() };
    bed.queue.bring(Ok(vec![test]));
    assert_eq!(bed.queue.wait_for_calls(1).await, ["acknowledge 1 with 0 stored"]);
    assert_eq!(bed.until(|status| status.messages > 0).await.ignored.test_events, 1);
    bed.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_fails_in_part_is_repeated_for_that_part() {
    let bed = Bed::new(100).await;
    bed.queue.refuse(Ok(vec![MessageReceipt("2".to_owned())]));
    bed.queue.refuse(Err(broken()));
    bed.queue.bring(Ok(vec![put("1", "a"), put("2", "b")]));
    let expected = ["acknowledge 1+2 with 2 stored", "acknowledge 2 with 2 stored", "acknowledge 2 with 2 stored"];
    assert_eq!(bed.queue.wait_for_calls(3).await, expected);
    bed.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_acknowledged_delays_no_other_message() {
    let bed = Bed::new(100).await;
    for _ in 0..ACKNOWLEDGE_RETRY.attempts {
        bed.queue.refuse(Err(broken()));
    }
    bed.queue.bring(Ok(vec![put("1", "a")]));
    bed.queue.bring(Ok(vec![put("2", "b")]));
    let calls = bed.queue.wait_for_calls(ACKNOWLEDGE_RETRY.attempts + 1).await;
    assert_eq!(calls[ACKNOWLEDGE_RETRY.attempts], "acknowledge 2 with 2 stored");
    bed.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_stored_is_released_and_not_acknowledged() {
    let mut bed = Bed::new(100).await;
    bed.state.store_events(Possible::No).await;
    bed.queue.bring(Ok(vec![put("1", "a")]));
    assert_eq!(bed.queue.wait_for_calls(1).await, ["release 1 with 0 stored"]);
    let status = bed.until(|status| status.unreachable.is_some()).await;
    assert!(status.unreachable.is_some_and(|(why, _)| why.contains("database")));
    bed.state.store_events(Possible::Yes).await;
    bed.queue.bring(Ok(vec![put("1", "a")]));
    assert_eq!(bed.queue.wait_for_calls(2).await[1], "acknowledge 1 with 1 stored");
    assert_eq!(bed.status.borrow().unreachable, None);
    bed.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_inbox_receives_nothing_until_there_is_room() {
    let mut bed = Bed::new(1).await;
    bed.queue.bring(Ok(vec![put("1", "a")]));
    bed.until(|status| status.inbox_full).await;
    bed.queue.bring(Ok(vec![put("2", "b")]));
    // For a minute it checks again and again.
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(bed.queue.wait_for_calls(1).await.len(), 1);
    assert_eq!(bed.queue.incoming.lock().expect("sound").len(), 1, "it was not received");
    let row = bed.state.inbox().events_batch(0, 1).await.expect("read").remove(0);
    bed.state.inbox().event_dead_letter(row, "x".to_owned(), "x".to_owned()).await.expect("stored");
    assert_eq!(bed.queue.wait_for_calls(2).await[1], "acknowledge 2 with 1 stored");
    bed.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_reader_reports_an_unreachable_queue_and_retries_until_it_is_reachable() {
    let mut bed = Bed::new(100).await;
    for _ in 0..50 {
        bed.queue.bring(Err(broken()));
    }
    let unreachable = bed.until(|status| status.unreachable.is_some()).await.unreachable.expect("unreachable");
    assert_eq!(unreachable.0, "ReceiveMessage queue: no such queue");
    bed.queue.bring(Ok(vec![put("1", "a")]));
    assert_eq!(bed.queue.wait_for_calls(1).await, ["acknowledge 1 with 1 stored"]);
    assert_eq!(bed.status.borrow().unreachable, None);
    bed.end().await;
}

/// Messages received and not acknowledged in time stayed invisible for the whole visibility timeout.
#[tokio::test]
async fn the_reader_releases_messages_that_it_cannot_finish_before_the_stop() {
    let (queue, state, _directory) = queue_and_state().await;
    let queue = Arc::new(Queue { acknowledges: false, ..Arc::into_inner(queue).expect("its only owner") });
    let (reader, stop) = (reader(&queue, 100), CancellationToken::new());
    let token = stop.clone();
    let running = tokio::spawn(async move { reader.run(&token).await });
    queue.bring(Ok(vec![put("1", "a"), put("2", "b")]));
    queue.wait_for_calls(1).await;
    stop.cancel();
    running.await.expect("it ends");
    assert_eq!(queue.wait_for_calls(2).await, ["acknowledge 1+2 with 2 stored", "release 1+2 with 2 stored"]);
    assert_eq!(state.inbox().events_len().await.expect("counted"), 2, "what is stored is not lost, whatever the queue does with it");
}

#[tokio::test(start_paused = true)]
async fn the_reader_stops_at_once_while_it_waits_for_messages_or_for_a_queue() {
    let waiting = Bed::new(100).await;
    waiting.end().await;
    let mut bed = Bed::new(100).await;
    bed.queue.bring(Err(broken()));
    bed.until(|status| status.unreachable.is_some()).await;
    bed.end().await;
}
