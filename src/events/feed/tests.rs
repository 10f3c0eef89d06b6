//! The feed reader against a scripted list.

use super::*;
use crate::clock::SystemClock;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A feed that serves a list; with pages, this many events after the cursor.
#[derive(Default)]
struct Served {
    events: Mutex<Vec<Value>>,
    address: Option<&'static str>,
    page: Option<usize>,
    /// The last page has no cursor.
    last_page_without_cursor: bool,
    /// The cursors requested, oldest first.
    asked: Mutex<Vec<Option<String>>>,
    /// Cursors below this are unknown.
    forgotten_below: AtomicU64,
    /// Never responds.
    hangs: bool,
}

#[async_trait]
impl ReadFeed for Served {
    fn address(&self) -> String {
        self.address.unwrap_or("http://feed").to_owned()
    }

    async fn read_feed(&self, cursor: Option<&str>) -> Result<FeedPage, FileManagerError> {
        self.asked.lock().expect("sound").push(cursor.map(str::to_owned));
        if self.hangs {
            std::future::pending::<()>().await;
        }
        let start: usize = cursor.map_or(0, |cursor| cursor.parse().expect("a number"));
        if cursor.is_some() && (start as u64) < self.forgotten_below.load(Ordering::Relaxed) {
            let kind = FileManagerErrorKind::Refused { status: 422 };
            return Err(FileManagerError { call: "pubSubFullList", subject: self.address(), kind, message: "no such cursor".to_owned() });
        }
        let events = self.events.lock().expect("sound");
        let start = start.min(events.len());
        let served: Vec<_> =
            events.iter().skip(start).take(self.page.unwrap_or(MAX_FEED_EVENTS)).map(|event| event.to_string().into_bytes()).collect();
        let end = start + served.len();
        let has_cursor = self.page.is_some() && !(self.last_page_without_cursor && end == events.len());
        let next_cursor = has_cursor.then(|| end.to_string());
        Ok(FeedPage { events: served, next_cursor })
    }
}

struct Bed {
    served: Arc<Served>,
    reader: FeedReader,
    state: State,
    _directory: tempfile::TempDir,
}

impl Bed {
    async fn new(served: Served) -> Self {
        let served = Arc::new(served);
        let reader = FeedReader {
            feed: served.clone(),
            scope: Scope::new("bucket", ""),
            retry: RetryPolicy { attempts: 1, ..RetryPolicy::default() },
            inbox_max: 1000,
            clock: Arc::new(SystemClock),
        };
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        Self { served, reader, state, _directory: directory }
    }

    fn serve(&self, events: impl IntoIterator<Item = Value>) {
        *self.served.events.lock().expect("sound") = events.into_iter().collect();
    }

    async fn poll(&self) -> Polled {
        self.reader.poll(&self.state).await.expect("polled")
    }

    async fn waiting(&self) -> Vec<String> {
        let rows = self.state.inbox().events_batch(0, 10_000).await.expect("read");
        rows.into_iter().map(|row| row.event.path.as_str().to_owned()).collect()
    }
}

fn create(path: &str, second: u32) -> Value {
    json!({ "event_type": "create", "file_path": format!("/{path}"), "timestamp": format!("2024-01-15T10:00:{second:02}Z") })
}

#[tokio::test]
async fn events_are_stored_in_order_of_their_times_and_once() {
    let bed = Bed::new(Served::default()).await;
    let mut timeless = create("without", 0);
    timeless.as_object_mut().expect("an object").remove("timestamp");
    let unknown = json!({ "event_type": "explode", "file_path": "/x" });
    bed.serve([create("late", 9), timeless, create("early", 1), unknown, create("early", 1)]);
    let polled = bed.poll().await;
    assert_eq!((polled.received, polled.dead_letters, polled.duplicates), (4, 1, 0));
    assert_eq!(bed.waiting().await, ["early", "early", "late", "without"], "equal events of one answer are two");
    let again = bed.poll().await;
    assert_eq!(again, Polled { duplicates: 5, ..Polled::default() });
    let dead_letter = bed.state.inbox().dead_letters(0, 1).await.expect("read").remove(0);
    assert_eq!((dead_letter.reason.as_str(), dead_letter.raw), ("unknown_type", br#"{"event_type":"explode","file_path":"/x"}"#.to_vec()));
}

/// Four attempts of 30 s each delayed every cycle, although a run can continue without its feed.
#[tokio::test]
async fn a_feed_that_never_answers_times_out() {
    let bed = Bed::new(Served { hangs: true, ..Served::default() }).await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let error = bed.reader.poll(&bed.state).await.expect_err("no answer");
    assert!(error.to_string().contains("no usable response within 20 s"), "{error}");
    assert_eq!(began.elapsed().as_secs(), 20);
}

#[tokio::test]
async fn ignored_events_are_counted_once() {
    let bed = Bed::new(Served::default()).await;
    bed.serve([json!({ "event_type": "move", "file_path": "/a", "new_path": "/a" })]);
    assert_eq!(bed.poll().await.ignored, IgnoredEvents { onto_itself: 1, ..IgnoredEvents::default() });
    assert_eq!(bed.poll().await.ignored, IgnoredEvents::default());
}

#[tokio::test]
async fn a_full_list_of_unknown_events_is_a_gap() {
    let bed = Bed::new(Served::default()).await;
    let list = |name: &str| (0..100).map(|number| create(&format!("{name}{number}"), 0)).collect::<Vec<_>>();
    bed.serve(list("a"));
    assert!(!bed.poll().await.gap);
    bed.serve(list("b"));
    assert!(bed.poll().await.gap);
    assert!(bed.state.inbox().gap().await.expect("read").is_some());
    assert!(!bed.poll().await.gap, "the same again");
}

#[tokio::test]
async fn with_a_cursor_the_feed_is_read_page_by_page_to_its_end_and_continued_there() {
    let bed = Bed::new(Served { page: Some(2), ..Served::default() }).await;
    bed.serve([create("a", 0), create("a", 0), create("b", 0)]);
    assert_eq!(bed.poll().await.received, 3, "equal events are two");
    bed.serve([create("a", 0), create("a", 0), create("b", 0), create("c", 0)]);
    assert_eq!(bed.poll().await.received, 1);
    let asked = std::mem::take(&mut *bed.served.asked.lock().expect("sound"));
    let asked: Vec<_> = asked.iter().map(Option::as_deref).collect();
    assert_eq!(asked, [None, Some("2"), Some("3"), Some("3"), Some("4")]);
    assert_eq!(bed.waiting().await, ["a", "a", "b", "c"]);
}

#[tokio::test]
async fn a_cursor_that_the_feed_rejects_is_a_gap_and_the_feed_is_read_from_its_start() {
    let bed = Bed::new(Served { page: Some(10), ..Served::default() }).await;
    bed.serve([create("a", 0)]);
    bed.poll().await;
    bed.served.forgotten_below.store(2, Ordering::Relaxed);
    bed.serve([create("b", 0), create("c", 0)]);
    let polled = bed.poll().await;
    assert_eq!((polled.received, polled.gap), (2, true));
    assert_eq!(bed.waiting().await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_cursor_beyond_the_end_of_the_feed_is_a_gap_and_the_feed_is_read_from_its_start() {
    let bed = Bed::new(Served { page: Some(10), ..Served::default() }).await;
    bed.serve([create("a", 0), create("b", 0)]);
    bed.poll().await;
    // The feed was restarted and has fewer events than were received, so its cursor decreases.
    bed.serve([create("c", 0)]);
    let polled = bed.poll().await;
    assert_eq!((polled.received, polled.gap), (1, true));
    assert_eq!(bed.waiting().await, ["a", "b", "c"]);
    assert_eq!(bed.poll().await, Polled::default());
}

#[tokio::test]
async fn a_last_page_without_a_cursor_is_received_once_and_reading_continues() {
    let bed = Bed::new(Served { page: Some(2), last_page_without_cursor: true, ..Served::default() }).await;
    bed.serve(["a", "b", "c"].map(|path| create(path, 0)));
    assert_eq!(bed.poll().await.received, 3);
    assert_eq!(bed.poll().await, Polled { duplicates: 1, ..Polled::default() });
    bed.serve(["a", "b", "c", "d", "e"].map(|path| create(path, 0)));
    bed.poll().await;
    assert_eq!(bed.waiting().await, ["a", "b", "c", "c", "d", "e"], "a page with a cursor is new as a whole, and nothing is missed");
    assert!(bed.state.inbox().gap().await.expect("read").is_none());
}

#[tokio::test]
async fn a_full_list_from_another_address_is_a_gap() {
    let bed = Bed::new(Served::default()).await;
    let list = |name: &str| (0..100).map(|number| create(&format!("{name}{number}"), 0)).collect::<Vec<_>>();
    bed.serve(list("a"));
    bed.poll().await;
    let moved = Served { address: Some("http://elsewhere"), ..Served::default() };
    *moved.events.lock().expect("sound") = list("b");
    let reader = FeedReader { feed: Arc::new(moved), ..bed.reader.clone() };
    assert!(reader.poll(&bed.state).await.expect("polled").gap);
}

#[tokio::test]
async fn a_full_inbox_reads_no_more() {
    let mut bed = Bed::new(Served { page: Some(2), ..Served::default() }).await;
    bed.reader.inbox_max = 3;
    bed.serve((0..10).map(|number| create(&number.to_string(), 0)));
    assert_eq!(bed.poll().await, Polled { received: 4, left_unread: true, ..Polled::default() });
    assert_eq!(bed.served.asked.lock().expect("sound").len(), 2);
}
