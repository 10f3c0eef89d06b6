//! Each sink has its own pending work: queued by its policy, held by its guard. Observations are removed when no sink needs them.

use super::*;

async fn observed(bed: &Bed) -> Vec<String> {
    bed.state.writer.call(|connection| column(connection, "SELECT path FROM observed ORDER BY path")).await.expect("read")
}

#[tokio::test]
async fn an_absence_is_kept_while_any_sink_needs_it() {
    let bed = Bed::new().await;
    bed.page(&[("held", "x"), ("idle", "x")]).await;
    bed.b.holds("held", "x", Permissions::default()).await;
    bed.page(&[]).await;
    let absent = ["held due deletion", "idle due deletion"];
    assert_eq!((bed.a.pending().await, bed.b.pending().await), (absent.map(str::to_owned).to_vec(), absent.map(str::to_owned).to_vec()));

    bed.a.absences_drop_unapplied().await.expect("stored");
    assert_eq!((bed.a.pending().await, bed.b.pending().await), (vec![], absent.map(str::to_owned).to_vec()));
    assert_eq!(observed(&bed).await, ["held", "idle"], "the other sink still has both pending");
    bed.b.absences_drop_unapplied().await.expect("stored");
    assert_eq!(bed.b.pending().await, ["held due deletion"], "it holds this one");
    assert_eq!(observed(&bed).await, ["held"]);

    // The object exists after all, which is new to the sink that has removed the absence.
    bed.observe("held", Some("x")).await;
    assert_eq!((bed.a.pending().await, bed.b.pending().await), (vec!["held due".to_owned()], vec![]));
}

#[tokio::test]
async fn the_guard_judges_and_holds_for_each_sink_separately() {
    let bed = Bed::new().await;
    bed.page(&[("1", "x"), ("2", "x")]).await;
    for path in ["1", "2"] {
        bed.a.holds(path, "x", Permissions::default()).await;
    }
    bed.b.holds("1", "x", Permissions::default()).await;
    bed.page(&[]).await;
    assert_eq!((bed.a.rows_before_listing().await.expect("read"), bed.b.rows_before_listing().await.expect("read")), (2, 1));
    assert_eq!(
        (bed.a.deletes_in_question(true).await.expect("read").deletes, bed.b.deletes_in_question(true).await.expect("read").deletes),
        (2, 1)
    );

    let held = HeldDeletes { deletes: 2, rows_when_held: 2, nothing_listed: true };
    bed.a.deletes_hold(held).await.expect("stored");
    assert_eq!((bed.a.deletes_held().await.expect("read"), bed.b.deletes_held().await.expect("read")), (Some(held), None));
    let unjudged = async |sink: &SinkState| sink.rows_before_unjudged_listing().await.expect("read");
    assert_eq!((unjudged(&bed.a).await, unjudged(&bed.b).await), (None, Some(1)));
    assert_eq!(bed.b.pending().await, ["1 due deletion", "2 due deletion"], "it is not held here");

    bed.b.deletes_hold(HeldDeletes { deletes: 1, rows_when_held: 1, nothing_listed: true }).await.expect("stored");
    bed.a.deletes_release().await.expect("stored");
    assert_eq!(bed.a.deletes_held().await.expect("read"), None);
    assert_eq!(bed.b.deletes_held().await.expect("read").map(|held| held.deletes), Some(1));
    assert_eq!(bed.b.pending().await, ["1 held deletion", "2 held deletion"]);
}

#[tokio::test]
async fn a_page_queues_for_each_sink_by_its_own_policy_on_new_ground_and_on_known() {
    for known in [false, true] {
        let small = Policy { max_file_bytes: Some(2), ..Policy::default() };
        let bed = Bed::with(small, Policy::default()).await;
        if known {
            bed.b.holds("known", "x", Permissions::default()).await;
        }
        let counts = bed.page(&[("new", "x")]).await;
        assert_eq!(bed.a.pending().await, ["new skipped"], "known: {known}");
        let of_b = if known { vec!["known due deletion", "new due"] } else { vec!["new due"] };
        assert_eq!(bed.b.pending().await, of_b, "what the second sink knows makes the ground known: {known}");
        assert_eq!((counts.files, counts.to_do, counts.to_do_bytes), (1, 1, 3), "known: {known}");
    }
}

#[tokio::test]
async fn a_replay_queues_for_each_sink_and_a_path_that_one_sink_has_is_not_missing() {
    let bed = Bed::new().await;
    bed.observe("held", Some("x")).await;
    bed.b.holds("held", "x", Permissions::default()).await;
    let events = [event(EventKind::Delete, "held", 1), event(EventKind::Create, "nowhere", 2), event(EventKind::Create, "new", 3)];
    let replayed = bed.replay(&events, &[("held", None), ("nowhere", None), ("new", Some("y"))]).await;
    assert_eq!((replayed.not_in_bucket, replayed.not_in_bucket_example), (1, Some(key("nowhere"))));
    assert_eq!(bed.a.pending().await, ["new due"]);
    assert_eq!(bed.b.pending().await, ["held due deletion", "new due"]);
    let [of_a, of_b] = [bed.a.oldest_unapplied().await, bed.b.oldest_unapplied().await].map(|oldest| oldest.expect("read"));
    assert_eq!((of_a, of_b), (Some(at(1000)), Some(at(1000))));
    bed.a.holds("new", "y", Permissions::default()).await;
    let [of_a, of_b] = [bed.a.oldest_unapplied().await, bed.b.oldest_unapplied().await].map(|oldest| oldest.expect("read"));
    assert_eq!((of_a, of_b), (None, Some(at(1000))), "applied to the one, not to the other");
}

/// Each handle had claims of its own: two handles on one sink worked on a path at the same time.
#[tokio::test]
async fn all_handles_on_a_sink_share_its_claims() {
    let bed = Bed::new().await;
    bed.page(&[("1", "x")]).await;
    let other = bed.state.sink(name("a"), Policy::default()).await.expect("registered");
    let claimed = bed.a.claim((Lane::Small, 0, i64::MAX), 10).await.expect("claimed");
    assert_eq!(claimed.work.len(), 1);
    let refused = other.claim((Lane::Small, 0, i64::MAX), 10).await.expect("claimed");
    assert_eq!((refused.work.len(), refused.some_claimed_by_others), (0, true));
    let of_another_sink = bed.b.claim((Lane::Small, 0, i64::MAX), 10).await.expect("claimed");
    assert_eq!(of_another_sink.work.len(), 1, "each sink has claims of its own");
    drop(claimed);
    assert_eq!(other.claim((Lane::Small, 0, i64::MAX), 10).await.expect("claimed").work.len(), 1);
}
