//! Planted bugs: each must be seen by the model. One that is not seen is a hole in the model, or is no bug.

use super::generate;
use super::machine::play;
use super::runner;
use s3_sync::mutant;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Within so many histories each bug must be seen.
const HISTORIES: u64 = 20_000;

/// The bugs, by what `mutant::is` calls them. Where a second rule stops the damage too, that rule is switched off as well.
const BUGS: &[&[&str]] = &[
    &["a_404_is_believed"],
    &["absence_in_a_page_is_believed"],
    &["an_open_intent_is_forgotten"],
    &["an_open_intent_is_sent_again_without_a_look"],
    &["an_ended_intent_leaves_its_row_confirmed"],
    &["a_refusal_after_no_answer_is_final"],
    &["an_outcome_is_recorded_before_its_call"],
    &["a_key_is_of_the_content"],
    &["a_body_is_not_verified"],
    &["the_etag_of_a_get_is_not_compared"],
    &["an_older_look_wins"],
    &["the_guard_is_off"],
    &["applied_rows_trusted_after_a_restore"],
    &["open_intents_kept_after_a_restore"],
    // Each delete is confirmed by a HEAD of its own.
    &["a_delete_event_is_believed", "a_delete_is_not_looked_at_again"],
    &["a_delete_is_not_looked_at_again"],
    &["a_message_is_acknowledged_before_its_commit"],
    &["a_plus_is_not_decoded"],
    &["a_row_is_used_up_after_a_failed_look"],
    &["permissions_told_before_the_object_are_dropped"],
    &["the_target_of_a_rename_may_be_taken"],
    &["an_ended_rename_leaves_its_target_confirmed"],
    &["the_feed_is_heard_again"],
    &["the_earlier_telling_wins"],
    &["permissions_stay_behind_a_rename"],
];

#[expect(clippy::disallowed_methods, reason = "which bug is for people who work on it, and no setting")]
#[test]
fn every_planted_bug_is_seen() {
    // One alone, where somebody works on it.
    let only = std::env::var("MODEL_BUG").ok();
    let bugs: Vec<_> = BUGS.iter().filter(|bugs| only.as_ref().is_none_or(|only| bugs.iter().any(|bug| only.contains(bug)))).collect();
    let next = AtomicUsize::new(0);
    let unseen = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let directory = runner::directory();
                while let Some(bugs) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    mutant::plant(bugs);
                    let found = (1..=HISTORIES).find_map(|seed| {
                        let violations = play(&generate::history(seed), directory.path()).violations;
                        violations.into_iter().next().map(|violation| (seed, violation))
                    });
                    mutant::plant(&[]);
                    match found {
                        Some((history, violation)) => println!("{bugs:?}: seen in history {history}: {violation:.200}"),
                        None => unseen.lock().expect("a list").push(bugs),
                    }
                }
            });
        }
    });
    let unseen = unseen.into_inner().expect("a list");
    assert!(unseen.is_empty(), "not seen within {HISTORIES} histories: {unseen:?}");
}
