//! Planted bugs: the model must detect each. An undetected one is a gap in the model, or no bug.

use super::generate;
use super::machine::play;
use super::op::History;
use super::runner;
use super::sweeps::Sweep;
use s3_sync::mutant;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A bug that random histories can show must be shown within this many.
const HISTORIES: u64 = 1_000;

/// A bug by its name in `mutant::is`, and how it is detected.
struct Bug {
    /// The bug. If a second rule would also prevent the damage, that rule is switched off, too. Then only a history counts in
    /// which switching off the second rule alone shows nothing.
    planted: &'static [&'static str],
    /// The sweep that detects it; `None` = random histories do.
    sweep: Option<&'static str>,
}

/// A bug that random histories detect.
const fn by_chance(planted: &'static [&'static str]) -> Bug {
    Bug { planted, sweep: None }
}

/// A bug that needs a history which is too rare by chance.
const fn in_a_sweep(sweep: &'static str, planted: &'static [&'static str]) -> Bug {
    Bug { planted, sweep: Some(sweep) }
}

const BUGS: &[Bug] = &[
    by_chance(&["a_404_is_believed"]),
    by_chance(&["absence_in_a_page_is_believed"]),
    in_a_sweep("an object that changes, and goes while it is listed", &["a_404_of_a_listed_key_is_believed"]),
    by_chance(&["an_open_intent_is_forgotten"]),
    in_a_sweep("a delete, and the object is back", &["an_open_intent_is_sent_again_without_a_look"]),
    in_a_sweep("a delete, and the object is back", &["an_ended_intent_leaves_its_row_confirmed"]),
    in_a_sweep("a create that is not answered, and then refused", &["a_refusal_after_no_answer_is_final"]),
    by_chance(&["an_outcome_is_recorded_before_its_call"]),
    in_a_sweep("a backup of what a crash left, and the file is another", &["a_key_is_of_the_content"]),
    in_a_sweep("a body on its way", &["a_body_is_not_verified"]),
    in_a_sweep("an object that is replaced meanwhile", &["the_etag_of_a_get_is_not_compared"]),
    in_a_sweep("a create without an outcome, and a page that takes its time", &["an_older_look_wins"]),
    // Each delete is confirmed by its own HEAD.
    by_chance(&["absence_is_judged_by_an_older_look", "absence_in_a_page_is_believed"]),
    by_chance(&["the_guard_is_off"]),
    in_a_sweep("a backup of what a crash left, and the content is back", &["applied_rows_trusted_after_a_restore"]),
    in_a_sweep("a backup of what a crash left, and the content is back", &["open_intents_kept_after_a_restore"]),
    // The same here.
    by_chance(&["a_delete_event_is_believed", "a_delete_is_not_looked_at_again"]),
    by_chance(&["a_delete_is_not_looked_at_again"]),
    in_a_sweep("a notification", &["a_message_is_acknowledged_before_its_commit"]),
    by_chance(&["a_plus_is_not_decoded"]),
    by_chance(&["keys_are_read_as_a_page_declares_them"]),
    in_a_sweep("an event, and a lookup that fails", &["a_row_is_used_up_after_a_failed_look"]),
    in_a_sweep("permissions, and the object comes later", &["permissions_told_before_the_object_are_dropped"]),
    in_a_sweep("a rename to where another file is", &["the_target_of_a_rename_may_be_taken"]),
    in_a_sweep("a rename, and the object goes", &["an_ended_rename_leaves_its_target_confirmed"]),
    in_a_sweep("a rename that waits, and an event that names it", &["waiting_lineage_is_dropped"]),
    in_a_sweep("a chain of renames", &["a_rename_that_failed_is_not_waited_for"]),
    by_chance(&["the_feed_is_heard_again"]),
    in_a_sweep("permissions reported late", &["the_earlier_telling_wins"]),
    in_a_sweep("permissions, and a rename before anything was sent", &["permissions_stay_behind_a_rename"]),
    by_chance(&["what_was_asked_goes_along"]),
    // Sinks that affect each other.
    in_a_sweep("a sink that is unreachable", &["a_sinks_outage_stops_another"]),
    in_a_sweep("a rename without an event, and one sink is unreachable", &["a_sinks_delete_clears_the_permissions_of_all"]),
    in_a_sweep("an absence in one sink", &["a_sinks_absence_forgets_the_look_of_all"]),
    in_a_sweep("a sink that hangs", &["a_sink_that_hangs_is_waited_for"]),
    in_a_sweep("an object that goes before one sink has read it", &["what_another_sink_found_gone_is_not_judged"]),
    in_a_sweep("as many deletes as may go, in each sink", &["the_guard_counts_the_deletes_of_all_sinks"]),
    in_a_sweep("a rename, and one sink is unreachable", &["a_move_of_one_sink_is_one_of_all"]),
    in_a_sweep("a sink that is started over while another one is behind", &["a_new_sink_has_nothing_left_to_do_for_all"]),
];

#[expect(clippy::disallowed_methods, reason = "which bug is for people who work on it, and no setting")]
#[test]
fn every_planted_bug_is_detected() {
    // A single bug, for a developer who works on it.
    let only = std::env::var("MODEL_BUG").ok();
    let bugs: Vec<_> = BUGS.iter().filter(|bug| only.as_ref().is_none_or(|only| only == bug.planted[0])).collect();
    assert!(!bugs.is_empty(), "no bug is called {only:?}");
    let next = AtomicUsize::new(0);
    let unseen = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let directory = runner::directory();
                while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    mutant::plant(bug.planted);
                    let seen = bug.first_seen(directory.path());
                    mutant::plant(&[]);
                    match seen {
                        Some(seen) => println!("{:.1?} {:?}: seen in {seen:.300}", begun.elapsed(), bug.planted),
                        None => unseen.lock().expect("a list").push(bug.planted),
                    }
                }
            });
        }
    });
    let unseen = unseen.into_inner().expect("a list");
    assert!(unseen.is_empty(), "not seen: {unseen:?}");
}

impl Bug {
    /// The first history that detects it.
    fn first_seen(&self, directory: &Path) -> Option<String> {
        let Some(name) = self.sweep else {
            return (1..=HISTORIES).find_map(|seed| {
                let history = generate::history(seed);
                let violation = play(&history, directory).violations.into_iter().next()?;
                self.is_to_blame(&history, directory).then(|| format!("history {seed}: {violation}"))
            });
        };
        let sweeps = Sweep::all();
        let sweep = sweeps.iter().find(|sweep| sweep.name == name).expect("a sweep of that name");
        let broken = sweep.play(directory, |history| self.is_to_blame(history, directory)).err()?;
        Some(format!("{name:?}: {broken}"))
    }

    /// True if the history passes without the bug. Otherwise it shows another bug.
    fn is_to_blame(&self, history: &History, directory: &Path) -> bool {
        mutant::plant(&self.planted[1..]);
        let without = play(history, directory).violations;
        mutant::plant(self.planted);
        without.is_empty()
    }
}
