//! The permissions that events report are shared; what is outdated of them is stored for each sink.

use super::*;
use crate::plan::{PermissionSupport, Renames};

/// Two sinks that hold `a`, whose permissions were reported.
async fn both_hold_a() -> Bed {
    let bed = Bed::new().await;
    bed.observe("a", Some("x")).await;
    for sink in bed.sinks() {
        sink.holds("a", "x", Permissions::default()).await;
    }
    bed.replay(&[reported("a", "rw", 1)], &[("a", Some("x"))]).await;
    for sink in bed.sinks() {
        sink.permissions_record(&key("a"), &mode("rw"), Attempts::default()).await.expect("stored");
        assert_eq!(sink.pending().await, [""; 0]);
    }
    bed
}

#[tokio::test]
async fn permissions_outdated_for_one_sink_are_kept_until_the_other_has_outdated_them() {
    for by_event in [true, false] {
        let bed = both_hold_a().await;
        if by_event {
            bed.replay(&[event(EventKind::Delete, "a", 5)], &[("a", None)]).await;
        } else {
            bed.observe("a", None).await;
        }
        bed.a.goes("a").await;
        assert_eq!(bed.a.permissions_at("a").await, (None, None), "by event: {by_event}");
        assert_eq!(bed.b.permissions_at("a").await, (Some("rw".to_owned()), Some("rw".to_owned())), "by event: {by_event}");
        assert_eq!(bed.kept_permissions().await, (vec!["a".to_owned()], 1), "by event: {by_event}");

        // A new file arrives before the second sink has confirmed the delete.
        bed.observe("a", Some("y")).await;
        let work = bed.a.work_item(&key("a")).await.expect("read").expect("it is to be created");
        assert_eq!(work.path_state.wanted, Permissions::default(), "what was reported of the old file is not for the new one");
        bed.observe("a", None).await;
        bed.b.goes("a").await;
        assert_eq!(bed.kept_permissions().await, (vec![], 0), "by event: {by_event}");
    }
}

#[tokio::test]
async fn permissions_reported_for_the_next_file_apply_to_both_sinks() {
    let bed = both_hold_a().await;
    bed.replay(&[event(EventKind::Delete, "a", 5)], &[("a", None)]).await;
    bed.a.goes("a").await;
    bed.replay(&[event(EventKind::Create, "a", 6), reported("a", "r", 7)], &[("a", Some("y"))]).await;
    assert_eq!(bed.a.permissions_at("a").await.0.as_deref(), Some("r"));
    assert_eq!(bed.b.permissions_at("a").await, (Some("r".to_owned()), Some("rw".to_owned())));
    assert_eq!((bed.a.pending().await, bed.b.pending().await), (vec!["a due".to_owned()], vec!["a due".to_owned()]));
}

/// Permissions set on a file move with it, in each sink when that sink applies the move.
#[tokio::test]
async fn a_move_in_one_sink_keeps_what_another_sink_needs_for_it() {
    let bed = both_hold_a().await;
    bed.replay(&[renamed("a", "b", 5)], &[("a", None), ("b", Some("x"))]).await;
    for sink in bed.sinks() {
        assert_eq!(sink.moves_due(None, 10).await.expect("read").len(), 1);
    }
    let done = || MoveOutcome::Done { internal_id: None };
    bed.a.move_end((&key("a"), &key("b")), done(), Attempts::default()).await.expect("stored");
    assert_eq!(bed.a.permissions_at("b").await, (Some("rw".to_owned()), Some("rw".to_owned())), "given there, and taken along");
    assert_eq!((bed.a.permissions_at("a").await, bed.a.pending().await), ((None, None), vec![]));
    assert_eq!(bed.b.permissions_at("a").await, (Some("rw".to_owned()), Some("rw".to_owned())), "its file is still there");

    // A new file arrives at the path while only one of the sinks has applied the move.
    bed.replay(&[event(EventKind::Create, "a", 6)], &[("a", Some("y"))]).await;
    assert_eq!(bed.a.permissions_at("a").await, (None, None));
    bed.a.holds("a", "y", Permissions::default()).await;
    bed.b.move_end((&key("a"), &key("b")), done(), Attempts::default()).await.expect("stored");
    assert_eq!(bed.b.permissions_at("b").await, (Some("rw".to_owned()), Some("rw".to_owned())));
    assert_eq!(bed.b.permissions_at("a").await, (None, None), "what it took along is not for the new file");
    assert_eq!((bed.a.pending().await, bed.b.pending().await), (vec![], vec!["a due".to_owned()]));
    assert_eq!(bed.kept_permissions().await, (vec!["b".to_owned()], 0));
}

#[tokio::test]
async fn a_sink_without_permissions_is_asked_for_none_and_keeps_none() {
    let plain = Policy { permissions: PermissionSupport::None, ..Policy::default() };
    for plain_first in [false, true] {
        let bed = Bed::with(Policy::default(), plain).await;
        bed.observe("a", Some("x")).await;
        for sink in bed.sinks() {
            sink.holds("a", "x", Permissions::default()).await;
        }
        bed.replay(&[reported("a", "rw", 1)], &[("a", Some("x"))]).await;
        assert_eq!((bed.a.pending().await, bed.b.pending().await), (vec!["a due".to_owned()], vec![]));
        bed.a.permissions_record(&key("a"), &mode("rw"), Attempts::default()).await.expect("stored");

        bed.observe("a", None).await;
        if plain_first {
            bed.b.goes("a").await;
            assert_eq!(bed.kept_permissions().await.0, ["a"], "the sink that has them still needs them");
            assert_eq!(bed.a.permissions_at("a").await.0.as_deref(), Some("rw"));
        }
        bed.a.goes("a").await;
        assert_eq!(bed.kept_permissions().await, (vec![], 0), "the other one first: {plain_first}");
    }
}

#[tokio::test]
async fn a_sink_that_renames_nothing_gets_a_create_and_a_delete() {
    let bed = Bed::with(Policy::default(), Policy { renames: Renames::None, ..Policy::default() }).await;
    bed.observe("a", Some("x")).await;
    for sink in bed.sinks() {
        sink.holds("a", "x", mode("rw")).await;
    }
    bed.replay(&[reported("a", "rw", 1)], &[("a", Some("x"))]).await;
    bed.replay(&[renamed("a", "b", 5)], &[("a", None), ("b", Some("x"))]).await;
    assert_eq!((bed.a.moves_due(None, 10).await.expect("read").len(), bed.b.moves_due(None, 10).await.expect("read").len()), (1, 0));
    let taken = async |sink: &SinkState, lane| sink.claim((lane, 0, i64::MAX), 10).await.expect("claimed").work.len();
    assert_eq!((taken(&bed.a, Lane::Small).await, taken(&bed.a, Lane::Deletion).await), (0, 0), "both wait for the move");
    assert_eq!((taken(&bed.b, Lane::Small).await, taken(&bed.b, Lane::Deletion).await), (1, 1));
    let work = bed.b.work_item(&key("b")).await.expect("read").expect("it is to be created");
    assert_eq!(work.path_state.wanted, mode("rw"), "with what was reported of it under its name before");
    assert_eq!(bed.b.moves_pair_by_content().await.expect("paired"), 0);
}
