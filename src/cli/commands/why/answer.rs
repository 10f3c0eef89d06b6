//! The field `answer` of `why`: one sentence that says why a sink's file is as it is, and what happens next. Pure.

use crate::plan::{self, Effect, SkipReason, Verdict};
use crate::record::{ObjectKey, SinkName};
use crate::state::{HistoryEntry, HistoryEvent, KeyReport, Outcome, PendingStatus, SinkKeyReport};

/// The status of a key in one sink: a word for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// `event_waits`, `moving`, `parked`, `skipped`, `held`, `open`, `due`, `in_step`, `absent`, `no_file`, `not_looked_at`.
    pub(super) state: &'static str,
    /// The sentence. Keys in it are escaped for display.
    pub(super) sentence: String,
}

/// The answer for a key in one sink. Of several pending steps it describes the one that happens first.
pub(super) fn of(key: &ObjectKey, report: &KeyReport, sink: &SinkKeyReport) -> Answer {
    let answer = |state, sentence: String| Answer { state, sentence };
    if !report.inbox.is_empty() {
        let events = report.inbox.len();
        let wait = if events == 1 { "an event about it waits" } else { &format!("{events} events about it wait") };
        return answer("event_waits", format!("{wait}: the next cycle looks up the object and decides"));
    }
    if let Some(to) = &sink.goes_to {
        return answer("moving", format!("its file is on its way to {to}: the next cycle decides whether it is moved there"));
    }
    if let Some(from) = &sink.comes_from {
        return answer("moving", format!("its file is on its way from {from}: the next cycle decides whether it is moved here"));
    }
    match &sink.pending {
        Some(standing) if standing.status != "due" => waiting(standing, sink),
        _ if !sink.intents.is_empty() => {
            let effect = sink.intents[0].planned.effect.as_str();
            answer("open", format!("a {effect} has no outcome yet: the next run looks up the object, and sends it again or ends it"))
        }
        Some(standing) => answer("due", due(key, sink, standing)),
        None => not_pending(key, report, sink),
    }
}

fn waiting(standing: &PendingStatus, sink: &SinkKeyReport) -> Answer {
    let reason = standing.reason.as_deref().unwrap_or("an unknown reason");
    let skip = SkipReason::from_word(reason);
    match (standing.status.as_str(), skip) {
        ("held", _) => {
            let (deletes, nothing_listed) = sink.held.map_or((1, false), |held| (held.deletes, held.nothing_listed));
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
        (_, Some(skip)) => {
            Answer { state: "parked", sentence: format!("{} keeps what it has, {reason}: {}", sink.name.in_words(), skip.hint()) }
        }
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

fn due(key: &ObjectKey, sink: &SinkKeyReport, standing: &PendingStatus) -> String {
    let sends = |effect: Effect| format!("the next run sends a {}", effect.as_str());
    match plan::decide(key, &sink.path_state, sink.policy) {
        _ if standing.deletion => {
            format!("the bucket did not show it: a run looks once more, and deletes it from {} if it is gone", sink.name.in_words())
        }
        Verdict::Do(planned) => sends(planned.effect),
        Verdict::Confirm(_) => {
            format!("what {} holds is not certain: the next run asks it, and sends the content if it is another", sink.name.in_words())
        }
        _ => "the next run looks it up once more".to_owned(),
    }
}

fn not_pending(key: &ObjectKey, report: &KeyReport, sink: &SinkKeyReport) -> Answer {
    let (held, observation) = (sink.path_state.applied.is_some(), sink.path_state.observed.as_ref());
    let name = sink.name.in_words();
    let there = observation.and_then(|observation| observation.facts.as_ref());
    let (state, sentence) = match (held, observation.is_some(), there) {
        (true, _, Some(_)) => ("in_step", format!("{name} holds what the last observation of the bucket showed: nothing is to be done")),
        (true, ..) => ("not_looked_at", format!("{name} holds it; the bucket shows at the next listing whether it is still so")),
        (false, _, Some(facts)) if key.is_directory_marker(facts.size) => {
            ("no_file", "it is an empty object that ends in a slash: a marker for a folder, and no file".to_owned())
        }
        (false, _, Some(_)) => ("due", "a run is deciding about it".to_owned()),
        (false, false, None) if report.history.is_empty() => {
            ("not_looked_at", "nothing has been observed there yet: its reported permissions wait for it".to_owned())
        }
        (false, _, None) => ("absent", gone(key, report, &sink.name)),
    };
    Answer { state, sentence }
}

/// The answer for a key that neither the bucket nor the sink has. It names the new path if the file was moved.
fn gone(key: &ObjectKey, report: &KeyReport, sink: &SinkName) -> String {
    let name = sink.in_words();
    let last = report
        .history
        .iter()
        .rev()
        .filter(|entry| entry.sink.as_ref().is_none_or(|name| name == sink))
        .find_map(|entry| ended(entry).map(|outcome| (entry, outcome)));
    match last {
        Some((HistoryEntry { new_path: Some(new_path), path, .. }, Outcome::Moved { .. })) if path == key => {
            format!("its file has another name in {name} now, {new_path}: `s3-sync why` goes on there")
        }
        Some((entry, Outcome::Deleted)) => {
            format!("it is not in the bucket, and was deleted from {name} in run {}: nothing is to be done", entry.run)
        }
        _ => format!("it is neither in the bucket nor in {name}: nothing is to be done"),
    }
}

fn ended(entry: &HistoryEntry) -> Option<&Outcome> {
    match &entry.what {
        HistoryEvent::Operation(ended) => Some(&ended.result),
        HistoryEvent::Event(_) => None,
    }
}
