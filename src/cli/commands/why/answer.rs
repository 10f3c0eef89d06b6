//! One sentence: why the file manager's copy is as it is, or is not there, and what happens next. Pure.

use crate::plan::{self, Effect, Limits, SkipReason, Verdict};
use crate::record::ObjectKey;
use crate::state::{Happened, HeldDeletes, Outcome, Standing, Story, What};

/// Where a key stands: a word for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// `event_waits`, `moving`, `parked`, `skipped`, `held`, `open`, `due`, `in_step`, `absent`, `no_file`, `not_looked_at`.
    pub(super) state: &'static str,
    /// Its keys are escaped for display.
    pub(super) sentence: String,
}

/// What has to happen first comes first.
pub(super) fn of(key: &ObjectKey, story: &Story, limits: Limits) -> Answer {
    let answer = |state, sentence: String| Answer { state, sentence };
    if !story.inbox.is_empty() {
        let events = story.inbox.len();
        let wait = if events == 1 { "an event about it waits" } else { &format!("{events} events about it wait") };
        return answer("event_waits", format!("{wait}: the next cycle looks at the object and decides"));
    }
    if let Some(to) = &story.goes_to {
        return answer("moving", format!("its file is on its way to {to}: the next cycle decides whether it is moved there"));
    }
    if let Some(from) = &story.comes_from {
        return answer("moving", format!("its file is on its way from {from}: the next cycle decides whether it is moved here"));
    }
    match &story.standing {
        Some(standing) if standing.status != "due" => waiting(standing, story.held),
        _ if !story.intents.is_empty() => {
            let effect = story.intents[0].planned.effect.as_str();
            answer("open", format!("a {effect} has no outcome yet: the next run looks at the object, and sends it again or ends it"))
        }
        Some(standing) => answer("due", due(key, story, standing, limits)),
        None => at_rest(key, story),
    }
}

fn waiting(standing: &Standing, held: Option<HeldDeletes>) -> Answer {
    let reason = standing.reason.as_deref().unwrap_or("an unknown reason");
    let skip = SkipReason::of_word(reason);
    match (standing.status.as_str(), skip) {
        ("held", _) => {
            let (deletes, nothing_listed) = held.map_or((1, false), |held| (held.deletes, held.nothing_listed));
            let why = if nothing_listed {
                "a listing showed nothing at all"
            } else {
                &format!("{deletes} deletes are more than MAX_DELETE allows")
            };
            let sends = format!("`s3-sync reconcile --allow-deletes {deletes}` sends them");
            Answer { state: "held", sentence: format!("the object is gone, and the guard holds its delete: {why}; {sends}") }
        }
        ("skipped", skip) => {
            let hint = skip.map_or("a reconcile looks again", SkipReason::hint);
            Answer { state: "skipped", sentence: format!("it is left out, {reason}: {hint}") }
        }
        (_, Some(skip)) => Answer { state: "parked", sentence: format!("the file manager keeps what it has, {reason}: {}", skip.hint()) },
        _ => {
            let next = standing.next_attempt.map_or("in the next run".to_owned(), |next| format!("in the first cycle after {next}"));
            let runs = if standing.failed_runs == 1 { "1 run" } else { &format!("{} runs", standing.failed_runs) };
            let message = standing.message.as_deref().unwrap_or_default();
            let sentence =
                format!("it failed in {runs}, at last with {reason} ({message}): it is tried again {next}, or by a reconcile at once");
            Answer { state: "parked", sentence }
        }
    }
}

fn due(key: &ObjectKey, story: &Story, standing: &Standing, limits: Limits) -> String {
    let sends = |effect: Effect| format!("the next run sends a {}", effect.as_str());
    match plan::decide(key, &story.sides, limits) {
        _ if standing.deletion => {
            "the bucket did not show it: a run looks once more, and deletes it from the file manager if it is gone".to_owned()
        }
        Verdict::Do(planned) => sends(planned.effect),
        Verdict::Confirm(_) => {
            "what the file manager holds is not certain: the next run asks it, and sends the content if it is another".to_owned()
        }
        _ => "the next run looks at it once more".to_owned(),
    }
}

fn at_rest(key: &ObjectKey, story: &Story) -> Answer {
    let (held, looked) = (story.sides.applied.is_some(), story.sides.observed.as_ref());
    let there = looked.and_then(|looked| looked.facts.as_ref());
    let (state, sentence) = match (held, looked.is_some(), there) {
        (true, _, Some(_)) => {
            ("in_step", "the file manager holds what the bucket showed at the last look: nothing is to be done".to_owned())
        }
        (true, ..) => {
            ("not_looked_at", "the file manager holds it; the bucket shows at the next listing whether it is still so".to_owned())
        }
        (false, _, Some(facts)) if key.is_directory_marker(facts.size) => {
            ("no_file", "it is an empty object that ends in a slash: a marker for a folder, and no file".to_owned())
        }
        (false, _, Some(_)) => ("due", "a run is deciding about it".to_owned()),
        (false, false, None) if story.history.is_empty() => {
            ("not_looked_at", "nothing has been seen there yet: what was told of its permissions waits for it".to_owned())
        }
        (false, _, None) => ("absent", gone(key, story)),
    };
    Answer { state, sentence }
}

/// Neither side has it; where its file went, if it did.
fn gone(key: &ObjectKey, story: &Story) -> String {
    let last = story.history.iter().rev().find_map(|happened| ended(happened).map(|outcome| (happened, outcome)));
    match last {
        Some((Happened { new_path: Some(new_path), path, .. }, Outcome::Moved { .. })) if path == key => {
            format!("its file has another name in the file manager now, {new_path}: `s3-sync why` goes on there")
        }
        Some((happened, Outcome::Deleted)) => {
            format!("it is not in the bucket, and was deleted from the file manager in run {}: nothing is to be done", happened.run)
        }
        _ => "it is neither in the bucket nor in the file manager: nothing is to be done".to_owned(),
    }
}

fn ended(happened: &Happened) -> Option<&Outcome> {
    match &happened.what {
        What::Operation(ended) => Some(&ended.result),
        What::Event(_) => None,
    }
}
