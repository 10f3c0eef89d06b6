//! Every job of the state, repeated.

use super::*;
use std::cell::Cell;

#[tokio::test]
async fn a_run_and_its_listing_are_stored_once() {
    let bed = Bed::new().await;
    let runs = bed.state.runs();
    bed.twice("a run's beginning", async || assert_eq!(runs.begin(RunKind::Reconcile, at(0), 0).await.expect("stored"), 1)).await;
    for page in [bed.page(None, Some("m"), &["a", "b"]), bed.page(Some("m"), None, &["n"]), bed.page(None, None, &["a", "c"])] {
        let source = bed.state.source();
        bed.twice("a page", async || source.page_record(page.clone()).await.expect("stored")).await;
    }
    let source = bed.state.source();
    bed.twice("the end of a listing", async || source.listing_complete(1, at(0)).await.expect("stored")).await;
    bed.twice("the end of the initial sync", async || source.initial_complete(1).await.expect("stored")).await;
    for sink in [&bed.a, &bed.b] {
        bed.twice("dropped absences", async || sink.absences_drop_unapplied().await.expect("stored")).await;
    }
    bed.twice("a judged listing", async || bed.a.listing_judged().await.expect("stored")).await;
    bed.twice("a run's end", async || runs.end(1, RunOutcome::Done, at(1), String::new()).await.expect("stored")).await;
    bed.twice("a listing from the start", async || source.listing_restart().await.expect("stored")).await;
    let known = KnownEncodings::of_words(true, "plain").expect("an encoding");
    bed.twice("encodings of keys", async || source.key_encodings_record(known.clone(), true).await.expect("stored")).await;
    assert_eq!(runs.begin(RunKind::Reconcile, at(0), 0).await.expect("stored"), 2, "the first one has ended");
}

#[tokio::test]
async fn the_outcome_of_an_operation_is_stored_once() {
    let bed = Bed::new().await;
    let page = bed.page(None, None, &["a", "b", "c", "d", "e", "f"]);
    bed.state.source().page_record(page).await.expect("stored");
    bed.open("a", &[Effect::Create, Effect::SetPermissions]).await;
    bed.twice("an applied row", async || bed.a.applied_record(file("a", "a"), Attempts::default()).await.expect("stored")).await;
    bed.twice("an older applied row", async || bed.a.applied_record(file("f", "older"), Attempts::default()).await.expect("stored")).await;
    bed.open("b", &[Effect::Create]).await;
    let effect = bed.item("b").await.intent.expect("it is open").idempotency_key;
    let checkpoint = async || bed.a.checkpoint_record(&key("b"), effect, "part 1").await.expect("stored");
    bed.twice("a checkpoint", async || assert!(checkpoint().await)).await;
    assert_eq!(bed.item("b").await.intent.and_then(|intent| intent.resume).as_deref(), Some("part 1"));
    bed.twice("a refusal", async || bed.a.intent_refuse(&key("b"), IntentKind::Content).await.expect("stored")).await;
    assert!(!checkpoint().await, "the effect has ended");
    bed.open("c", &[Effect::Create]).await;
    bed.twice("abandoned intents", async || bed.a.intents_abandon(&key("c")).await.expect("stored")).await;
    bed.twice("a failure", async || bed.a.pending_park(&key("d"), failed(), at(60)).await.expect("stored")).await;
    bed.twice("a skip", async || bed.a.pending_skip(&key("e"), SkipReason::Archived).await.expect("stored")).await;
    bed.twice("a possible delete", async || bed.a.pending_mark_possibly_deleted(&key("b")).await.expect("stored")).await;
    bed.twice("a requeue", async || bed.a.pending_requeue(&key("b")).await.expect("stored")).await;
    bed.twice("permissions", async || bed.a.permissions_record(&key("a"), &mode("0600"), Attempts::default()).await.expect("stored")).await;
    let gone = vec![bed.observation("a", None)];
    bed.twice("observations", async || bed.state.source().observations_record(gone.clone()).await.expect("stored")).await;
    bed.open("a", &[Effect::Delete]).await;
    bed.twice("a delete", async || bed.a.deleted_record(&key("a"), Attempts::default()).await.expect("stored")).await;
    bed.twice("what is due", async || bed.a.pending_unpark_due(at(60)).await.expect("stored")).await;
    bed.twice("all", async || bed.a.pending_unpark_all().await.expect("stored")).await;
    for settings in ["some", "others"] {
        bed.twice("settings", async || bed.a.pending_unpark_on_new_settings(settings.to_owned()).await.expect("stored")).await;
    }
    let held = HeldDeletes { deletes: 1, rows_when_held: 2, nothing_listed: false };
    bed.twice("held deletes", async || bed.a.deletes_hold(held).await.expect("stored")).await;
    bed.twice("released deletes", async || bed.a.deletes_release().await.expect("stored")).await;
}

#[tokio::test]
async fn a_batch_of_events_is_consumed_once() {
    let bed = Bed::new().await;
    let page = bed.page(None, None, &["a", "fails"]);
    bed.state.source().page_record(page).await.expect("stored");
    bed.a.applied_record(file("a", "a"), Attempts::default()).await.expect("stored");
    // Folded twice, the second rename would begin at `b`.
    let events = [
        event(EventKind::ChangePermission, "a", None, mode("0700")),
        event(EventKind::Rename, "a", Some("b"), Permissions::default()),
        event(EventKind::Rename, "b", Some("c"), Permissions::default()),
        event(EventKind::Delete, "gone", None, Permissions::default()),
        event(EventKind::Create, "fails", None, Permissions::default()),
    ];
    let rows = bed.received(&events).await;
    let observations =
        [("a", None), ("b", None), ("c", Some("a")), ("gone", None)].map(|(path, etag)| bed.observation(path, etag)).to_vec();
    let replay = Replay { rows, observations, failed: [(key("fails"), "no".to_owned())].into(), locked: BTreeSet::new() };
    bed.twice("a replay", async || bed.state.source().replay(replay.clone()).await.expect("stored")).await;
    let due = bed.a.moves_due(None, 10).await.expect("read");
    let ways: Vec<_> = due.iter().map(|due| (due.origin().as_str(), due.target().as_str())).collect();
    assert_eq!(ways, [("a", "c")]);

    bed.twice("a failed lookup", async || bed.a.move_hint_set_unobservable(&key("c"), 1).await.expect("stored")).await;
    bed.twice("a move that waits", async || bed.a.move_hint_defer(&key("a"), &key("c")).await.expect("stored")).await;
    let moved = Intent {
        path: key("a"),
        new_path: Some(key("c")),
        idempotency_key: Uuid::new_v4(),
        planned: Planned { effect: Effect::Rename, content: None, permissions: Permissions::default() },
        file_type: None,
        metadata: None,
        resume: None,
        run: 1,
    };
    bed.twice("the opening of a move", async || assert!(bed.a.move_intent_open(moved.clone()).await.expect("stored"))).await;
    let attempts = Attempts { called: Some(Called::from(&moved)), made: 1, failed: None };
    let done = MoveOutcome::Done { internal_id: None };
    bed.twice("the end of a move", async || {
        bed.a.move_end((&key("a"), &key("c")), done.clone(), attempts.clone()).await.expect("stored");
    })
    .await;
    bed.twice("stale moves", async || bed.a.moves_end_stale().await.expect("stored")).await;
    let again = vec![bed.observation("c", None), bed.observation("d", Some("a"))];
    bed.state.source().observations_record(again).await.expect("stored");
    bed.twice("pairs", async || bed.a.moves_pair_by_content().await.expect("stored")).await;

    let row = bed.state.inbox().events_batch(0, 10).await.expect("read").pop().expect("one failed");
    let dead = async || bed.state.inbox().event_dead_letter(row.clone(), "r".to_owned(), "m".to_owned()).await.expect("stored");
    bed.twice("a dead letter", dead).await;
    let by = vec![Received { source: EventChannel::Feed, outcome: Ok(events[3].clone()) }];
    bed.twice("a retried letter", async || {
        bed.state.inbox().dead_letter_replace(1, by.clone(), at(2)).await.expect("stored");
    })
    .await;
    bed.twice("a dropped letter", async || bed.state.inbox().dead_letter_drop(1).await.expect("stored")).await;
}

#[tokio::test]
async fn what_a_feed_or_a_queue_has_answered_is_stored_once() {
    let bed = Bed::new().await;
    let inbox = bed.state.inbox();
    bed.twice("a list", async || inbox.feed_receive(inbox_tests::answer("abc"), at(1)).await.expect("stored")).await;
    let mut page = inbox_tests::answer("de");
    for (asked_with, next) in [(None, "one"), (Some("one"), "two")] {
        page.asked_with = asked_with.map(str::to_owned);
        page.next_cursor = Some(next.to_owned());
        bed.twice("a page of a feed", async || inbox.feed_receive(page.clone(), at(1)).await.expect("stored")).await;
    }
    bed.twice("a lost cursor", async || inbox.feed_cursor_forget(at(2)).await.expect("stored")).await;
    bed.twice("a gap", async || inbox.gap_note(at(3)).await.expect("stored")).await;
    for queue in ["http://one", "http://two"] {
        bed.twice("a poll", async || inbox.queue_note_polled(queue, at(4)).await.expect("stored")).await;
    }
    let left = vec!["http://one".to_owned()];
    bed.twice("queues", async || inbox.queues_set(left.clone(), at(5)).await.expect("stored")).await;
    let maintenance = bed.state.maintenance();
    bed.twice("pruning", async || {
        maintenance.feed_prune(at(10_000_000)).await.expect("stored");
        maintenance.history_prune(at(1)).await.expect("stored");
        maintenance.runs_prune().await.expect("stored");
        let below = maintenance.tombstones_due(ObservationSeq(1), at(1)).await.expect("stored");
        assert_eq!(below, None);
    })
    .await;
}

#[tokio::test]
async fn the_operators_answer_about_the_identity_is_stored_once() {
    let bed = Bed::new().await;
    let named = |name: SinkName| NamedSink { name, kind: "memory", address: "an address".to_owned() };
    let identity = Identity { source: "a bucket".to_owned(), sinks: vec![named(name("a")), named(name("b"))] };
    let other = Identity { source: "another".to_owned(), sinks: vec![named(name("a"))] };
    let of = |answer: fn(&mut OperatorAnswer)| {
        let mut said = OperatorAnswer::default();
        answer(&mut said);
        said
    };
    for (what, identity, answer) in [
        ("the first names", &identity, of(|_| {})),
        ("a sink that starts over", &identity, of(|said| said.new_sinks = [name("a")].into())),
        ("a restored backup", &identity, of(|said| said.restored = true)),
        (
            "another source, and a sink less",
            &other,
            of(|said| {
                said.new_source = true;
                said.drop_sinks = [name("b")].into();
            }),
        ),
    ] {
        for path in ["a", "b"] {
            let seen = vec![bed.observation(path, Some("x"))];
            bed.state.source().observations_record(seen).await.expect("stored");
            bed.a.applied_record(file(path, "y"), Attempts::default()).await.expect("stored");
        }
        let first = Cell::new(true);
        bed.twice(what, async || {
            let answered = bed.state.identify(identity.clone(), answer.clone(), at(9)).await;
            // A sink that is dropped already cannot be dropped: the operator's answer is refused, and nothing is touched.
            assert!(answered.is_ok() || !first.replace(false), "{answered:?}");
            first.set(false);
        })
        .await;
    }
    bed.twice("a sink", async || bed.state.sink(name("c"), Policy::default()).await.expect("registered")).await;
}
