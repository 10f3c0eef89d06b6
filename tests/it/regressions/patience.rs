//! Bugs about missing retries: brief failures were treated as final, and final failures were never retried.

use crate::workflow::cycle::{effects, in_sync, rename, renamed};
use crate::workflow::scene::{files, key};
use mock_api::{Fault, FaultAction};
use s3_sync::s3::{self, Call, S3ErrorKind};
use s3_sync::state::RunOutcome;

/// A brief failure of a rename in the chain b → c, a → b left the next rename without a target: the file was deleted and created
/// again, with another id.
#[tokio::test]
async fn the_next_of_a_chain_of_renames_waits_for_one_that_failed() {
    for failing_cycles in 1..=3 {
        let (bucket, mut scene) = in_sync(&["a", "b", "d"]).await;
        let ids = ["a", "b", "d"].map(|path| scene.internal_id(path));
        rename(&bucket, "b", "c", "b");
        rename(&bucket, "a", "b", "a");
        rename(&bucket, "d", "a", "d");
        scene.api.api().set_feed(vec![renamed(1, "/b", "/c"), renamed(2, "/a", "/b"), renamed(3, "/d", "/a")]);
        scene.api.api().order(Fault::new(FaultAction::status(503)).operation("rename").path("b").always());
        for _ in 0..failing_cycles {
            let ended = scene.cycle().await;
            assert_eq!(ended.outcome, RunOutcome::Partial, "{}", ended.report);
            assert!(effects(&scene).iter().all(|effect| effect == "rename b>c"), "{:?}", effects(&scene));
            let quiet = scene.cycle().await;
            assert!(quiet.report.quiet, "what waits together makes no cycle heavier: {}", quiet.report);
            scene.later(10);
        }
        scene.api.api().clear_faults();
        scene.api.api().reset_calls();
        scene.cycle_to_success().await;
        assert_eq!(effects(&scene), ["rename a>b", "rename b>c", "rename d>a"], "{failing_cycles}");
        assert_eq!(["b", "c", "a"].map(|path| scene.internal_id(path)), ids, "{failing_cycles}");
    }
}

/// Five cycles in a row made dead letters of events, although their store was overloaded for only half a minute: with other
/// events to wake them, cycles follow one another within seconds.
#[tokio::test]
async fn an_overloaded_store_consumes_no_row_of_the_inbox() {
    let (bucket, mut scene) = in_sync(&["a"]).await;
    bucket.put(key("a"), "new");
    scene.api.api().set_feed(vec![crate::workflow::cycle::event("create", 1, "/a")]);
    bucket.on_call(|call| matches!(call, Call::Head(_)).then_some(s3::Fault::Error(S3ErrorKind::Server)));
    for _ in 0..20 {
        scene.cycle().await;
    }
    scene.later(3);
    scene.cycle().await;
    let overview = scene.overview().await;
    assert_eq!((overview.inbox, overview.dead_letters), (1, 0));
    bucket.on_call(|_| None);
    scene.cycle_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", "new")]));
}

/// An event that became a dead letter reported a rename. A failed lookup was treated as an absence: the file was deleted at one
/// path and created at the other, with another id.
#[tokio::test]
async fn a_rename_whose_target_cannot_be_looked_up_is_kept_until_it_can() {
    for hidden in ["a", "b"] {
        let (bucket, mut scene) = in_sync(&["a", "x"]).await;
        let id = scene.internal_id("a");
        rename(&bucket, "a", "b", "a");
        let first = renamed(1, "/a", "/b");
        scene.api.api().set_feed(vec![first.clone()]);
        bucket.on_call(move |call| {
            matches!(call, Call::Head(path) if path.as_str() == hidden).then_some(s3::Fault::Error(S3ErrorKind::AccessDenied))
        });
        for _ in 0..5 {
            scene.cycle().await;
            scene.later(10);
        }
        // Another move makes the run decide all waiting moves again.
        rename(&bucket, "x", "y", "x");
        scene.api.api().set_feed(vec![first, renamed(2, "/x", "/y")]);
        scene.cycle().await;
        let overview = scene.overview().await;
        assert_eq!((overview.inbox, overview.dead_letters, effects(&scene)), (0, 1, vec!["rename x>y".to_owned()]), "{hidden}");
        scene.api.api().reset_calls();
        bucket.on_call(|_| None);
        scene.later(24 * 60);
        let healed = scene.reconcile().await;
        assert_eq!((healed.outcome, effects(&scene)), (RunOutcome::Done, vec!["rename a>b".to_owned()]), "{hidden}: {}", healed.report);
        assert_eq!(scene.internal_id("b"), id);
    }
}

/// The opposite: if the old path can never be looked up, the new path still gets the content.
#[tokio::test]
async fn a_rename_whose_origin_can_never_be_looked_up_is_given_up() {
    let (bucket, mut scene) = in_sync(&["a", "x"]).await;
    rename(&bucket, "a", "b", "a");
    scene.api.api().set_feed(vec![renamed(1, "/a", "/b")]);
    bucket.on_call(|call| matches!(call, Call::Head(path) if path.as_str() == "a").then_some(s3::Fault::Error(S3ErrorKind::AccessDenied)));
    for _ in 0..5 {
        scene.cycle().await;
        scene.later(10);
    }
    assert!(!scene.contents().contains_key("b"));
    for _ in 0..6 {
        scene.reconcile().await;
        scene.later(7 * 60);
    }
    assert_eq!(effects(&scene), ["create b"], "and no key is deleted that cannot be looked up");
}

/// An event named the middle path of a chain that already waited, and the code concluded that waiting would change nothing.
#[tokio::test]
async fn a_waiting_chain_of_renames_keeps_waiting_when_an_event_names_its_middle() {
    for [first, second, third, fourth] in [["a", "b", "c", "d"], ["d", "c", "b", "a"]] {
        let (bucket, mut scene) = in_sync(&[first, second, third]).await;
        let ids = [first, second, third].map(|path| scene.internal_id(path));
        let steps = [(third, fourth), (second, third), (first, second)];
        let mut events = Vec::new();
        for (number, (from, to)) in (1..).zip(steps) {
            rename(&bucket, from, to, from);
            events.push(renamed(number, &format!("/{from}"), &format!("/{to}")));
        }
        scene.api.api().set_feed(events.clone());
        scene.api.api().order(Fault::new(FaultAction::status(503)).operation("rename").path(third).always());
        scene.cycle().await;
        events.push(crate::workflow::cycle::event("create", 4, &format!("/{second}")));
        scene.api.api().set_feed(events);
        scene.cycle().await;
        scene.api.api().clear_faults();
        scene.later(10);
        scene.cycle_to_success().await;
        assert_eq!([second, third, fourth].map(|path| scene.internal_id(path)), ids, "{first} is renamed to {second}");
    }
}

/// One path of two renames could not be looked up for a moment, and only one of the two move hints was kept.
#[tokio::test]
async fn both_renames_that_share_a_path_wait_when_it_cannot_be_looked_up() {
    let (bucket, mut scene) = in_sync(&["a", "b", "c"]).await;
    let ids = ["a", "b", "c"].map(|path| scene.internal_id(path));
    for (from, to) in [("c", "d"), ("b", "c"), ("a", "b")] {
        rename(&bucket, from, to, from);
    }
    scene.api.api().set_feed(vec![renamed(1, "/c", "/d"), renamed(2, "/b", "/c"), renamed(3, "/a", "/b")]);
    scene.api.api().order(Fault::new(FaultAction::status(503)).operation("rename").path("c").always());
    scene.cycle().await;
    scene.api.api().clear_faults();
    bucket.on_call(|call| matches!(call, Call::Head(path) if path.as_str() == "c").then_some(s3::Fault::Error(S3ErrorKind::Server)));
    scene.later(10);
    scene.cycle().await;
    bucket.on_call(|_| None);
    scene.later(10);
    scene.cycle_to_success().await;
    assert_eq!(["b", "c", "d"].map(|path| scene.internal_id(path)), ids);
}

/// Two paths were paired by their content, and from then on the store refused lookups of the first: the second waited for ever.
#[tokio::test]
async fn a_pair_whose_origin_cannot_be_looked_up_is_given_up() {
    let (bucket, mut scene) = in_sync(&["hidden", "x"]).await;
    rename(&bucket, "hidden", "public", "hidden");
    bucket.on_call(|call| {
        matches!(call, Call::Head(path) if path.as_str() == "hidden").then_some(s3::Fault::Error(S3ErrorKind::AccessDenied))
    });
    for _ in 0..8 {
        scene.reconcile().await;
        scene.later(7 * 60);
    }
    assert!(scene.contents().contains_key("public"), "{:?}", scene.contents());
    assert!(scene.contents().contains_key("hidden"), "and no key is deleted that cannot be looked up");
}

/// A held delete was paired with a new file. When the move failed, the delete became a failure, and then a delete that was not
/// held.
#[tokio::test]
async fn a_delete_that_the_guard_holds_stays_held_when_its_move_fails() {
    let names: Vec<_> = (0..30).map(|number| format!("{number:02}")).collect();
    let (bucket, mut scene) = in_sync(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for name in &names[..20] {
        bucket.remove(&key(name));
    }
    assert_eq!(scene.reconcile().await.report.deletes_held, 20);
    bucket.put(key("new"), names[0].clone());
    scene.api.api().set_feed(vec![crate::workflow::cycle::event("create", 1, "/new")]);
    scene.api.api().order(Fault::new(FaultAction::status(503)).operation("move").always());
    scene.cycle().await;
    scene.api.api().clear_faults();
    bucket.remove(&key("new"));
    scene.api.api().set_feed(vec![crate::workflow::cycle::event("delete", 2, "/new")]);
    scene.later(10);
    scene.cycle().await;
    assert_eq!(scene.contents().len(), 30, "the operator has allowed none of them");
}

/// When a rename finally succeeded because an event named its target, the moves that had waited for it kept waiting.
#[tokio::test]
async fn paths_that_waited_for_a_rename_continue_after_it() {
    let (bucket, mut scene) = in_sync(&["a", "b"]).await;
    rename(&bucket, "b", "c", "b");
    rename(&bucket, "a", "b", "a");
    let events = vec![renamed(1, "/b", "/c"), renamed(2, "/a", "/b")];
    scene.api.api().set_feed(events.clone());
    scene.api.api().order(Fault::new(FaultAction::status(503)).operation("rename").path("b").always());
    for _ in 0..4 {
        scene.cycle().await;
        scene.later(60);
    }
    scene.cycle().await;
    scene.api.api().clear_faults();
    scene.api.api().reset_calls();
    scene.api.api().set_feed([events, vec![crate::workflow::cycle::event("create", 3, "/c")]].concat());
    scene.cycle_to_success().await;
    assert_eq!(effects(&scene), ["rename a>b", "rename b>c"]);
}

/// The report advised to raise `MAX_FILE_SIZE_MB`, but a raised limit had no effect until the next reconcile.
#[tokio::test]
async fn objects_that_a_setting_excluded_are_sent_by_the_first_cycle_after_it_changes() {
    let (bucket, mut scene) = in_sync(&["a"]).await;
    bucket.put(key("large"), "0123456789");
    scene.api.api().set_feed(vec![crate::workflow::cycle::event("create", 1, "/large")]);
    scene.program.policy.max_file_bytes = Some(5);
    scene.cycle().await;
    assert!(scene.cycle().await.report.quiet);
    assert_eq!(effects(&scene), [""; 0]);
    scene.program.policy.max_file_bytes = Some(10);
    scene.cycle_to_success().await;
    assert_eq!(effects(&scene), ["create large"]);
}

/// While the inbox was full, the feed was not read, and the cycle reported that there was nothing new.
#[tokio::test]
async fn the_report_says_that_the_feed_was_left_unread() {
    let (bucket, mut scene) = in_sync(&["a", "b"]).await;
    bucket.put(key("a"), "new");
    bucket.on_call(|call| matches!(call, Call::Head(_)).then_some(s3::Fault::Error(S3ErrorKind::AccessDenied)));
    scene.api.api().set_feed(vec![crate::workflow::cycle::event("create", 1, "/a")]);
    scene.cycle().await;
    scene.program.options.inbox_max = 1;
    let report = scene.cycle().await.report;
    assert!(report.feed.as_ref().is_some_and(|feed| feed.left_unread), "{report:?}");
    assert!(report.to_string().contains("feed      not fully read"), "{report}");
}

/// A copy whose create had failed did not count as a second new file of that content: a file was moved to the other copy.
#[tokio::test]
async fn a_file_of_the_same_content_that_failed_is_another_candidate() {
    let (bucket, scene) = in_sync(&["a", "b"]).await;
    bucket.put(key("first copy"), "a");
    scene.api.api().set_feed(vec![crate::workflow::cycle::event("create", 1, "/first copy")]);
    scene.api.api().order(Fault::new(FaultAction::status(422)).operation("create").path("first copy"));
    scene.cycle().await;
    scene.api.api().reset_calls();
    bucket.put(key("second copy"), "a");
    bucket.remove(&key("a"));
    scene
        .api
        .api()
        .set_feed(vec![crate::workflow::cycle::event("create", 2, "/second copy"), crate::workflow::cycle::event("delete", 3, "/a")]);
    scene.cycle().await;
    assert_eq!(effects(&scene), ["create second copy", "delete a"], "it is unknown which of the two is the old file");
}
