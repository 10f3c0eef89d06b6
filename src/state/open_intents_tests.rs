//! Opening an intent is the gate: what has changed since the decision keeps the effect from being sent, claimed or not.

use super::sinks_tests::{facts, key};
use super::*;
use crate::plan::{Effect, Planned, Policy};
use crate::record::{ETag, Event, EventKind, FileRecord, ObjectFacts, Permissions, SinkName};
use jiff::Timestamp;
use uuid::Uuid;

fn intent(path: &str, effect: Effect) -> Intent {
    let content = matches!(effect, Effect::Create | Effect::Update).then(|| facts("x").fingerprint()).flatten();
    Intent {
        path: key(path),
        new_path: None,
        idempotency_key: Uuid::new_v4(),
        planned: Planned { effect, content, permissions: Permissions::default() },
        file_type: None,
        metadata: None,
        resume: None,
        run: 1,
    }
}

/// Two handles on one sink: two workers, of which one believes that it still owns the path. They take no claims, so the gate alone decides.
struct Bed {
    state: State,
    one: SinkState,
    other: SinkState,
    _directory: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let handle = async || state.sink(SinkName::file_manager(), Policy::default()).await.expect("registered");
        let (one, other) = (handle().await, handle().await);
        Self { state, one, other, _directory: directory }
    }

    async fn observe(&self, path: &str, etag: Option<&str>) {
        let observation = Observation { path: key(path), facts: etag.map(facts), seq: self.state.source().observation_next() };
        self.state.source().observations_record(vec![observation]).await.expect("stored");
    }

    /// The sink holds this content.
    async fn applied(&self, path: &str, etag: &str) {
        let file = FileRecord { size: Some(3), etag: ETag::parse(etag), ..FileRecord::at(key(path)) };
        self.one.applied_record(file, Attempts::default()).await.expect("stored");
    }

    /// A rename that an event reported, and what the lookups show of its paths.
    async fn renamed(&self, from: &str, to: &str) {
        let event = Event { new_path: Some(key(to)), ..Event::new(EventKind::Rename, key(from)) };
        let received = Received { source: EventChannel::Feed, outcome: Ok(event) };
        self.state.inbox().receive(vec![received], Timestamp::UNIX_EPOCH).await.expect("stored");
        let rows = self.state.inbox().events_batch(0, 10).await.expect("read");
        let seq = self.state.source().observation_next();
        let observations =
            [(from, None), (to, Some("x"))].map(|(path, etag)| Observation { path: key(path), facts: etag.map(facts), seq }).to_vec();
        self.state.source().replay(Replay { rows, observations, ..Replay::default() }).await.expect("stored");
    }

    async fn open_intents(&self) -> i64 {
        let count = self.state.writer.call(|connection| Ok(connection.query_row("SELECT count(*) FROM intents", [], |row| row.get(0))?));
        count.await.expect("counted")
    }
}

async fn item(sink: &SinkState, path: &str) -> WorkItem {
    sink.work_item(&key(path)).await.expect("read").expect("it is pending")
}

async fn open(sink: &SinkState, decided: &WorkItem, effect: Effect) -> Result<(), NotOpened> {
    sink.intents_open(decided.into(), vec![intent(decided.path.as_str(), effect)]).await.expect("asked")
}

#[tokio::test]
async fn of_two_workers_with_the_same_decision_one_opens_the_effect() {
    let bed = Bed::new().await;
    bed.observe("a", Some("x")).await;
    let (one, other) = (item(&bed.one, "a").await, item(&bed.other, "a").await);
    assert_eq!(open(&bed.one, &one, Effect::Create).await, Ok(()));
    assert_eq!(open(&bed.other, &other, Effect::Create).await, Err(NotOpened::Outdated), "an effect is open");
    bed.applied("a", "x").await;
    assert_eq!(open(&bed.other, &other, Effect::Create).await, Err(NotOpened::Outdated), "it has been applied");
    assert_eq!(bed.open_intents().await, 0);
}

#[tokio::test]
async fn an_effect_is_not_opened_once_its_operation_has_ended_and_the_path_is_queued_again() {
    let bed = Bed::new().await;
    bed.observe("a", Some("x")).await;
    let stale = item(&bed.other, "a").await;
    bed.applied("a", "y").await;
    let now = item(&bed.one, "a").await;
    assert!(now.seq > stale.seq);
    assert_eq!(open(&bed.other, &stale, Effect::Create).await, Err(NotOpened::Outdated));
    assert_eq!(open(&bed.one, &now, Effect::Update).await, Ok(()));
}

#[tokio::test]
async fn an_effect_is_not_opened_once_its_object_was_observed_otherwise() {
    for (held, decided, now, effect) in
        [(false, Some("x"), Some("y"), Effect::Create), (false, Some("x"), None, Effect::Create), (true, None, Some("x"), Effect::Delete)]
    {
        let bed = Bed::new().await;
        if held {
            bed.observe("a", Some("x")).await;
            bed.applied("a", "x").await;
        }
        bed.observe("a", decided).await;
        let stale = item(&bed.one, "a").await;
        bed.observe("a", now).await;
        assert_eq!(open(&bed.one, &stale, effect).await, Err(NotOpened::Outdated), "{decided:?}, then {now:?}");
        assert_eq!(bed.open_intents().await, 0);
    }
}

#[tokio::test]
async fn another_observation_of_the_same_content_keeps_no_effect_from_being_opened() {
    let bed = Bed::new().await;
    bed.observe("a", Some("x")).await;
    let decided = item(&bed.one, "a").await;
    bed.observe("a", Some("x")).await;
    assert_eq!(open(&bed.one, &decided, Effect::Create).await, Ok(()));
}

#[tokio::test]
async fn an_open_permissions_effect_that_the_decision_knows_is_no_reason_against_the_content() {
    let bed = Bed::new().await;
    bed.observe("a", Some("x")).await;
    let decided = item(&bed.one, "a").await;
    assert_eq!(open(&bed.one, &decided, Effect::SetPermissions).await, Ok(()));
    assert_eq!(open(&bed.one, &decided, Effect::Create).await, Err(NotOpened::Outdated), "this decision does not know it");
    let decided = item(&bed.one, "a").await;
    assert_eq!(open(&bed.one, &decided, Effect::Create).await, Ok(()));
}

#[tokio::test]
async fn a_path_of_a_possible_move_gets_no_effect_before_the_move_is_decided() {
    let bed = Bed::new().await;
    for path in ["a", "b"] {
        bed.observe(path, Some("x")).await;
    }
    bed.applied("a", "x").await;
    let decided = item(&bed.one, "b").await;
    bed.renamed("a", "b").await;
    assert_eq!(open(&bed.one, &decided, Effect::Create).await, Err(NotOpened::MoveFirst));
    let origin = item(&bed.one, "a").await;
    assert_eq!(open(&bed.one, &origin, Effect::Delete).await, Err(NotOpened::MoveFirst));

    let moved = Intent { new_path: Some(key("b")), ..intent("a", Effect::Rename) };
    assert!(bed.one.move_intent_open(moved.clone()).await.expect("asked"));
    assert!(bed.other.move_intent_open(moved).await.expect("asked"), "the same transaction, repeated");
    let again = Intent { new_path: Some(key("b")), ..intent("a", Effect::Rename) };
    assert!(!bed.other.move_intent_open(again).await.expect("asked"), "another worker's");
    assert_eq!(bed.open_intents().await, 1);
}

#[tokio::test]
async fn a_move_is_not_opened_once_one_of_its_paths_is_no_more_what_it_was() {
    for (path, etag) in [("a", Some("x")), ("b", None)] {
        let bed = Bed::new().await;
        bed.observe("a", Some("x")).await;
        bed.applied("a", "x").await;
        bed.renamed("a", "b").await;
        bed.observe(path, etag).await;
        let moved = Intent { new_path: Some(key("b")), ..intent("a", Effect::Rename) };
        assert!(!bed.one.move_intent_open(moved).await.expect("asked"), "{path} {etag:?}");
        assert_eq!(bed.open_intents().await, 0);
    }
    let bed = Bed::new().await;
    bed.observe("a", Some("x")).await;
    bed.applied("a", "x").await;
    bed.renamed("a", "b").await;
    bed.one.move_end((&key("a"), &key("b")), MoveOutcome::NotAMove, Attempts::default()).await.expect("stored");
    let moved = Intent { new_path: Some(key("b")), ..intent("a", Effect::Rename) };
    assert!(!bed.one.move_intent_open(moved).await.expect("asked"), "the move has ended");
}

/// One sink had decided a delete, and the lookup of another found the object back before the intent was open: the delete was sent.
#[tokio::test]
async fn a_delete_is_not_begun_once_another_sink_has_found_the_object_back() {
    let bed = Bed::new().await;
    bed.observe("1", Some("x")).await;
    bed.applied("1", "x").await;
    bed.observe("1", None).await;
    let decided = item(&bed.one, "1").await;
    bed.observe("1", Some("x")).await;
    assert_eq!(open(&bed.one, &decided, Effect::Delete).await, Err(NotOpened::Outdated), "the object is there");
    assert!(bed.one.work_item(&key("1")).await.expect("read").is_none(), "nothing is open, and nothing is to be done");
    bed.observe("1", None).await;
    let decided = item(&bed.one, "1").await;
    assert_eq!(open(&bed.one, &decided, Effect::Delete).await, Ok(()));
    let work = item(&bed.one, "1").await;
    assert!(work.intent.is_some_and(|intent| intent.planned == Planned::delete()));
}

#[tokio::test]
async fn a_directory_marker_is_no_file_and_the_delete_of_what_was_there_is_opened() {
    let bed = Bed::new().await;
    bed.observe("d/", Some("x")).await;
    bed.applied("d/", "x").await;
    let marker =
        Observation { path: key("d/"), facts: Some(ObjectFacts { size: 0, ..facts("empty") }), seq: bed.state.source().observation_next() };
    bed.state.source().observations_record(vec![marker]).await.expect("stored");
    let decided = item(&bed.one, "d/").await;
    assert_eq!(open(&bed.one, &decided, Effect::Delete).await, Ok(()));
}
