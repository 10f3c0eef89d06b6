//! Planted bugs: each must be seen by the model. One that is not seen is a hole in the model, or is no bug.

use super::generate;
use super::machine::play;
use super::op::History;
use super::runner;
use super::sweeps::Sweep;
use s3_sync::mutant;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A bug must be seen within so many histories, or in a sweep; what neither shows, within more.
const HISTORIES: u64 = 400;
const HISTORIES_MOST: u64 = 4_000;

/// The bugs, by what `mutant::is` calls them. Where a second rule stops the damage too, that rule is switched off beside it, and only
/// a history counts that shows nothing when the second rule alone is off.
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
    // Each delete is confirmed by a HEAD of its own.
    &["absence_is_judged_by_an_older_look", "absence_in_a_page_is_believed"],
    &["the_guard_is_off"],
    &["applied_rows_trusted_after_a_restore"],
    &["open_intents_kept_after_a_restore"],
    // Here, too.
    &["a_delete_event_is_believed", "a_delete_is_not_looked_at_again"],
    &["a_delete_is_not_looked_at_again"],
    &["a_message_is_acknowledged_before_its_commit"],
    &["a_plus_is_not_decoded"],
    &["a_row_is_used_up_after_a_failed_look"],
    &["permissions_told_before_the_object_are_dropped"],
    &["the_target_of_a_rename_may_be_taken"],
    &["an_ended_rename_leaves_its_target_confirmed"],
    &["waiting_lineage_is_dropped"],
    &["the_feed_is_heard_again"],
    &["the_earlier_telling_wins"],
    &["permissions_stay_behind_a_rename"],
];

#[expect(clippy::disallowed_methods, reason = "which bug is for people who work on it, and no setting")]
#[test]
fn every_planted_bug_is_seen() {
    // One alone, where somebody works on it.
    let only = std::env::var("MODEL_BUG").ok();
    let bugs: Vec<_> = BUGS.iter().filter(|bugs| only.as_ref().is_none_or(|only| only.contains(bugs[0]))).collect();
    let next = AtomicUsize::new(0);
    let unseen = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let directory = runner::directory();
                while let Some(bugs) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    mutant::plant(bugs);
                    let seen = first_seen(bugs, directory.path());
                    mutant::plant(&[]);
                    match seen {
                        Some(seen) => println!("{:.1?} {bugs:?}: seen {seen:.300}", begun.elapsed()),
                        None => unseen.lock().expect("a list").push(bugs),
                    }
                }
            });
        }
    });
    let unseen = unseen.into_inner().expect("a list");
    assert!(unseen.is_empty(), "seen neither within {HISTORIES_MOST} histories nor in a sweep: {unseen:?}");
}

fn first_seen(bugs: &'static [&'static str], directory: &Path) -> Option<String> {
    by_chance(bugs, 1..=HISTORIES, directory)
        .or_else(|| in_a_sweep(bugs, directory))
        .or_else(|| by_chance(bugs, HISTORIES + 1..=HISTORIES_MOST, directory))
}

fn by_chance(bugs: &'static [&'static str], seeds: RangeInclusive<u64>, directory: &Path) -> Option<String> {
    seeds.into_iter().find_map(|seed| {
        let history = generate::history(seed);
        let violation = play(&history, directory).violations.into_iter().next()?;
        is_to_blame(bugs, &history, directory).then(|| format!("in history {seed}: {violation}"))
    })
}

fn in_a_sweep(bugs: &'static [&'static str], directory: &Path) -> Option<String> {
    Sweep::all().iter().find_map(|sweep| {
        let broken = sweep.play(directory, |history| is_to_blame(bugs, history, directory)).err()?;
        Some(format!("in {}: {broken}", sweep.name))
    })
}

/// Whether the history shows nothing without the first of these bugs.
fn is_to_blame(bugs: &'static [&'static str], history: &History, directory: &Path) -> bool {
    let [_, others @ ..] = bugs else { return true };
    if others.is_empty() {
        return true;
    }
    mutant::plant(others);
    let without = play(history, directory).violations;
    mutant::plant(bugs);
    without.is_empty()
}
