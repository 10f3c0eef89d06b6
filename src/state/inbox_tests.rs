//! Inbox, dead letters and feed position against their own invariants, on a real file.

use super::*;
use crate::plan::Policy;
use crate::record::{Event, EventKind, ObjectKey, ObservationSeq, SinkName};
use jiff::Timestamp;
use rusqlite::Connection;

pub(crate) fn event(path: &str) -> Event {
    let path = ObjectKey::new(path).expect("not empty");
    Event::new(EventKind::Create, path)
}

fn poisoned(raw: &[u8]) -> Poisoned {
    Poisoned { reason: "bad_json".to_owned(), message: "not JSON".to_owned(), raw: raw.to_vec() }
}

pub(crate) fn reported(path: &str) -> Received {
    Received { source: EventChannel::Sqs, outcome: Ok(event(path)) }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).expect("in range")
}

/// An answer of a feed whose events differ by one letter.
pub(crate) fn answer(events: &str) -> FeedAnswer {
    let items = events.chars().map(|name| FeedItem {
        identity: FeedIdentity { hash: [u8::try_from(name).expect("ASCII"); 32], occurrence: 0 },
        outcome: Some(Ok(event(&name.to_string()))),
    });
    FeedAnswer { address: "http://feed".to_owned(), items: items.collect(), full: false, asked_with: None, next_cursor: None }
}

fn full(events: &str) -> FeedAnswer {
    FeedAnswer { full: true, ..answer(events) }
}

impl State {
    /// Makes the storing of events fail from now on, or succeed again.
    pub(crate) async fn store_events(&self, possible: Possible) {
        let (from, to) = match possible {
            Possible::No => ("inbox", "away"),
            Possible::Yes => ("away", "inbox"),
        };
        let rename = format!("ALTER TABLE {from} RENAME TO {to}");
        self.writer.call(move |connection| Ok(connection.execute_batch(&rename)?)).await.expect("renamed");
    }
}

pub(crate) enum Possible {
    Yes,
    No,
}

/// The state of a sink with all the capabilities of a file manager.
pub(crate) async fn file_manager(state: &State) -> SinkState {
    state.sink(SinkName::file_manager(), Policy::default()).await.expect("registered")
}

pub(crate) struct Bed {
    pub(crate) state: State,
    pub(crate) sink: SinkState,
    directory: tempfile::TempDir,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        Self::within(tempfile::tempdir().expect("a directory")).await
    }

    pub(crate) async fn reopened(self) -> Self {
        drop((self.state, self.sink));
        Self::within(self.directory).await
    }

    async fn within(directory: tempfile::TempDir) -> Self {
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let sink = file_manager(&state).await;
        Self { state, sink, directory }
    }

    async fn waiting(&self) -> Vec<String> {
        let rows = self.state.inbox().events_batch(0, 1000).await.expect("read");
        assert_eq!(self.state.inbox().events_len().await.expect("counted"), rows.len() as u64);
        rows.into_iter().map(|row| row.event.path.as_str().to_owned()).collect()
    }

    pub(crate) async fn read(&self, answer: FeedAnswer, now: Timestamp) -> FeedCounts {
        self.state.inbox().feed_receive(answer, now).await.expect("stored")
    }

    async fn changes(&self) -> u64 {
        self.state.writer.call(|connection| Ok(connection.total_changes())).await.expect("asked")
    }

    async fn identities(&self) -> i64 {
        let count = |connection: &Connection| Ok(connection.query_row("SELECT count(*) FROM feed_identities", [], |row| row.get(0))?);
        self.state.writer.call(count).await.expect("counted")
    }
}

#[tokio::test]
async fn received_events_keep_their_order_over_a_restart() {
    let bed = Bed::new().await;
    let batch = vec![reported("b"), Received { source: EventChannel::Webhook, outcome: Err(poisoned(b"{")) }, reported("a")];
    let counts = bed.state.inbox().receive(batch, at(0)).await.expect("stored");
    assert_eq!(counts, ReceiveCounts { events: 2, dead: 1 });
    let bed = bed.reopened().await;
    assert_eq!(bed.waiting().await, ["b", "a"]);
    let rows = bed.state.inbox().events_batch(0, 1).await.expect("read");
    assert_eq!((rows.len(), rows[0].source, rows[0].received_at, rows[0].failures), (1, EventChannel::Sqs, at(0), 0));
    assert_eq!(bed.state.inbox().events_batch(rows[0].seq, 10).await.expect("read")[0].event, event("a"));
}

#[tokio::test]
async fn the_inbox_deletes_ranges_of_rows_and_keeps_those_between_them() {
    let bed = Bed::new().await;
    bed.state.inbox().receive("abcdef".chars().map(|name| reported(&name.to_string())).collect(), at(0)).await.expect("stored");
    for _ in ["there", "gone already"] {
        bed.state.writer.call(|connection| tables::inbox::remove(connection, &[1, 2, 4, 6])).await.expect("removed");
        assert_eq!(bed.waiting().await, ["c", "e"]);
    }
}

#[tokio::test]
async fn the_state_notifies_of_arrivals_and_not_of_feed_reads() {
    let bed = Bed::new().await;
    let mut arrivals = bed.state.inbox().arrivals();
    bed.read(answer("a"), at(0)).await;
    bed.state.inbox().receive(vec![Received { source: EventChannel::Sqs, outcome: Err(poisoned(b"x")) }], at(0)).await.expect("stored");
    assert!(!arrivals.has_changed().expect("open"));
    bed.state.inbox().receive(vec![reported("a")], at(0)).await.expect("stored");
    assert!(arrivals.borrow_and_update().eq(&()));
    let dead_letter = bed.state.inbox().dead_letters(0, 1).await.expect("read").remove(0);
    bed.state.inbox().dead_letter_replace(dead_letter.id, vec![reported("b")], at(0)).await.expect("stored");
    assert!(arrivals.has_changed().expect("open"));
}

#[tokio::test]
async fn a_row_that_failed_too_often_becomes_a_dead_letter_with_its_event() {
    let bed = Bed::new().await;
    bed.state.inbox().receive(vec![reported("a"), reported("b")], at(0)).await.expect("stored");
    let row = bed.state.inbox().events_batch(0, 1).await.expect("read").remove(0);
    let fails = async |seq, mins: i64| {
        let counted = bed.state.writer.call(move |connection| tables::inbox::count_failure(connection, seq, at(60 * mins))).await;
        counted.expect("counted")
    };
    for (mins, failures) in [(0, 1), (0, 1), (1, 2), (2, 2), (3, 3), (6, 3), (7, 4), (14, 4), (15, 5), (0, 5)] {
        assert_eq!(fails(row.seq, mins).await, failures, "after {mins} minutes");
    }
    assert_eq!(fails(999, 0).await, 0);
    bed.state.inbox().event_dead_letter(row, "denied".to_owned(), "no right".to_owned()).await.expect("stored");
    assert_eq!(bed.waiting().await, ["b"]);
    let dead_letters = bed.state.inbox().dead_letters(0, 10).await.expect("read");
    assert_eq!((dead_letters.len(), dead_letters[0].reason.as_str(), dead_letters[0].event.clone()), (1, "denied", Some(event("a"))));
}

#[tokio::test]
async fn a_dead_letter_keeps_the_beginning_of_what_arrived() {
    let bed = Bed::new().await;
    let long = vec![0xff; MAX_RAW_BYTES + 1];
    let batch = [b"{".as_slice(), &long].map(|raw| Received { source: EventChannel::Sqs, outcome: Err(poisoned(raw)) });
    bed.state.inbox().receive(batch.to_vec(), at(3)).await.expect("stored");
    let rows = Views::open(bed.state.path()).dead_letters(0, 10).await.expect("read beside the writer");
    assert_eq!((rows[0].is_whole(), rows[0].raw.as_slice(), rows[0].received_at), (true, b"{".as_slice(), at(3)));
    assert_eq!((rows[1].is_whole(), rows[1].raw.len(), rows[1].raw_bytes), (false, MAX_RAW_BYTES, long.len() as u64));
    assert!(bed.state.inbox().dead_letter_drop(rows[0].id).await.expect("dropped"));
    assert!(!bed.state.inbox().dead_letter_drop(rows[0].id).await.expect("nothing to drop"));
    assert_eq!(bed.state.inbox().dead_letters_len().await.expect("counted"), 1);
    assert_eq!(bed.state.inbox().dead_letter_replace(rows[0].id, vec![reported("a")], at(4)).await.expect("asked"), None);
    assert!(bed.waiting().await.is_empty());
}

#[tokio::test]
async fn the_oldest_dead_letters_make_room() {
    let bed = Bed::new().await;
    let some = usize::try_from(MAX_DEAD_LETTERS).expect("small") + 2;
    let batch = vec![Received { source: EventChannel::Sqs, outcome: Err(poisoned(b"")) }; some];
    bed.state.inbox().receive(batch, at(0)).await.expect("stored");
    assert_eq!(bed.state.inbox().dead_letters_len().await.expect("counted"), MAX_DEAD_LETTERS);
    assert_eq!(bed.state.inbox().dead_letters(0, 1).await.expect("read")[0].id, 3);
}

#[tokio::test]
async fn a_feed_that_repeats_its_list_is_received_once_and_causes_no_further_writes() {
    let bed = Bed::new().await;
    let first = bed.read(answer("ab"), at(0)).await;
    assert_eq!((first.received.events, first.fresh, first.gap), (2, vec![0, 1], false));
    let bed = bed.reopened().await;
    let before = bed.changes().await;
    let again = bed.read(answer("ab"), at(10)).await;
    assert_eq!((again.received.events, again.fresh, again.gap), (0, vec![], false));
    assert_eq!(bed.changes().await, before);
    let more = bed.read(answer("bc"), at(20)).await;
    assert_eq!((more.received.events, more.fresh), (1, vec![1]));
    assert_eq!(bed.waiting().await, ["a", "b", "c"]);
}

#[tokio::test]
async fn an_event_stays_known_for_a_while_after_the_feed_stops_serving_it() {
    let bed = Bed::new().await;
    let week = FEED_RETENTION.as_secs();
    bed.read(answer("ab"), at(0)).await;
    bed.read(answer("b"), at(10)).await;
    bed.read(answer("b"), at(10 + week)).await;
    assert_eq!(bed.identities().await, 2, "b is still served, a left a week ago and not longer");
    assert_eq!(bed.read(answer("ab"), at(11)).await.received.events, 0, "a is back within its time");
    bed.read(answer("b"), at(20)).await;
    bed.read(answer("b"), at(21 + week)).await;
    assert_eq!(bed.identities().await, 1, "a is forgotten although the answer was the same");
    let back = bed.read(answer("ab"), at(22 + week)).await;
    assert_eq!((back.received.events, back.fresh), (1, vec![0]));
    // Housekeeping prunes, even if no run reads the feed any more.
    bed.read(answer("b"), at(23 + week)).await;
    assert_eq!(bed.state.maintenance().feed_prune(at(23 + 2 * week)).await.expect("pruned"), 0);
    assert_eq!((bed.state.maintenance().feed_prune(at(24 + 2 * week)).await.expect("pruned"), bed.identities().await), (1, 1));
}

#[tokio::test]
async fn a_full_response_without_a_known_event_is_a_gap_until_a_later_listing() {
    let bed = Bed::new().await;
    assert!(!bed.read(full("ab"), at(0)).await.gap, "there is no last answer");
    assert!(!bed.read(full("bc"), at(1)).await.gap, "b links them");
    assert!(!bed.read(answer("de"), at(2)).await.gap, "not full: these are all");
    assert_eq!(bed.state.inbox().gap().await.expect("read"), None);
    assert!(bed.read(full("ab"), at(3)).await.gap, "known, and not from the last answer");
    let bed = bed.reopened().await;
    assert_eq!(bed.state.inbox().gap().await.expect("read"), Some(at(3)));
    bed.state.source().listing_complete(0, at(2)).await.expect("asked");
    assert_eq!(bed.state.inbox().gap().await.expect("read"), Some(at(3)), "that listing began before");
    bed.state.source().listing_complete(0, at(4)).await.expect("cleared");
    assert_eq!(bed.state.inbox().gap().await.expect("read"), None);
    bed.read(answer(""), at(5)).await;
    assert!(bed.read(full("xy"), at(6)).await.gap, "after an empty answer, too");
    let other = FeedAnswer { address: "http://other".to_owned(), ..full("vw") };
    assert!(bed.read(other, at(7)).await.gap, "whatever its address is, nothing says that we received what came before");
}

#[tokio::test]
async fn a_cursor_is_stored_with_its_events_and_belongs_to_its_feed() {
    let bed = Bed::new().await;
    let page = |events, cursor: &str| FeedAnswer { next_cursor: Some(cursor.to_owned()), ..full(events) };
    assert_eq!(bed.read(page("ab", "2"), at(0)).await.received.events, 2);
    assert_eq!(bed.read(page("ab", "4"), at(0)).await.received.events, 2, "where there is a cursor, equal events are two");
    let bed = bed.reopened().await;
    let cursor = async |address| bed.state.inbox().feed_cursor(address).await.expect("read");
    assert_eq!((cursor("http://feed").await.as_deref(), cursor("http://other").await), (Some("4"), None));
    let before = bed.changes().await;
    bed.read(page("", "4"), at(1)).await;
    assert_eq!(bed.changes().await, before);
    bed.state.inbox().feed_cursor_forget(at(2)).await.expect("forgotten");
    assert_eq!((cursor("http://feed").await, bed.state.inbox().gap().await.expect("read")), (None, Some(at(2))));
}

#[tokio::test]
async fn an_answer_that_cannot_be_stored_leaves_no_trace() {
    let bed = Bed::new().await;
    let stopped = bed.state.writer.call(|connection| {
        transactions::receive::store(
            connection,
            &[reported("a")],
            tables::inbox::ReceivedAt { at: at(0), newest_observation: ObservationSeq(1) },
        )?;
        Err::<(), _>(StateError::Corrupt("on purpose".to_owned()))
    });
    assert!(stopped.await.is_err());
    assert!(bed.waiting().await.is_empty(), "and the counter agrees");
}

#[tokio::test]
async fn the_overview_counts_waiting_events_and_a_new_source_drops_them() {
    let bed = Bed::new().await;
    bed.state
        .inbox()
        .receive(vec![reported("a"), Received { source: EventChannel::Sqs, outcome: Err(poisoned(b"x")) }], at(0))
        .await
        .expect("stored");
    let overview = Views::open(bed.state.path()).overview().await.expect("read");
    assert_eq!((overview.inbox, overview.dead_letters, overview.feed_gap), (1, 1, None));
    let identity = Identity { source: "s".to_owned(), sinks: vec![NamedSink::file_manager("f")] };
    let answer = OperatorAnswer { new_source: true, ..OperatorAnswer::default() };
    bed.state.identify(identity, answer, at(0)).await.expect("identified");
    assert!(bed.waiting().await.is_empty());
}

#[tokio::test]
async fn decoded_events_are_the_last_dead_letters_to_go() {
    let bed = Bed::new().await;
    bed.state.inbox().receive(vec![reported("a")], at(0)).await.expect("stored");
    let row = bed.state.inbox().events_batch(0, 1).await.expect("read").remove(0);
    bed.state.inbox().event_dead_letter(row, "look_failed".to_owned(), String::new()).await.expect("stored");
    let flood = usize::try_from(MAX_DEAD_LETTERS).expect("small") + 1;
    let undecodable = Received { source: EventChannel::Sqs, outcome: Err(poisoned(b"x")) };
    bed.state.inbox().receive(vec![undecodable; flood], at(1)).await.expect("stored");
    let overview = bed.state.overview().await.expect("read");
    assert_eq!((overview.dead_letters, overview.dead_letters_evicted), (MAX_DEAD_LETTERS, 2));
    let oldest = bed.state.inbox().dead_letters(0, 1).await.expect("read").remove(0);
    assert_eq!((oldest.reason.as_str(), oldest.event), ("look_failed", Some(event("a"))));
}
