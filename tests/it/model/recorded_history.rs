//! The last history entry agrees with the state: both are written together, wherever the process is killed.

use super::op::KEYS;
use super::world::World;
use s3_sync::record::{Fingerprint, ObjectKey};
use s3_sync::state::{HistoryEntry, HistoryEvent, Outcome, SinkKeyReport, Views};
use std::path::Path;

/// Checks one key, chosen by this number.
pub(crate) fn judge(world: &World, database: &Path, number: usize) {
    let key = ObjectKey::new(KEYS[number % KEYS.len()]).expect("not empty");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut inner = world.lock();
    match runtime.block_on(Views::open(database).key_report(key.clone())) {
        Ok(Some(report)) => {
            // When a sink starts over, the state forgets its rows but keeps the history.
            let known = |sink: &&SinkKeyReport| inner.sinks.iter().any(|own| own.name == sink.name && !own.was_started_over);
            let broken: Vec<_> = report.sinks.iter().filter(known).filter(|sink| !agrees(&key, &report.history, sink)).collect();
            for sink in broken {
                let what = format!("the history of {key} says {:?}, the state {:?}", report.history, sink.path_state.applied);
                inner.violated(what);
            }
        }
        Ok(None) => {}
        Err(error) => inner.violated(format!("the report of {key} cannot be read: {error}")),
    }
}

fn agrees(key: &ObjectKey, history: &[HistoryEntry], sink: &SinkKeyReport) -> bool {
    let mut of_sink = history.iter().rev().filter(|happened| happened.sink.as_ref() == Some(&sink.name));
    let Some((run, last)) = of_sink.find_map(|happened| Some((happened.run, ended(key, happened)?))) else {
        return true;
    };
    let held = sink.path_state.applied.as_ref().filter(|row| row.confirmed).map(|row| &row.file);
    // A create that the initial sync applies at the first attempt has no history entry, only its row.
    let newer_than_the_history =
        |or_then: bool| sink.applied_in.0.is_some_and(|confirmed_in| confirmed_in > run || (or_then && confirmed_in == run));
    match (last, held) {
        (Last::Unsure, _) | (Last::Gone, None) => true,
        (Last::There(_), None) => false,
        (Last::Gone, Some(_)) => newer_than_the_history(true),
        (Last::There(content), Some(file)) => {
            let held = file.etag.clone().zip(file.size).map(|(etag, size)| Fingerprint { etag, size });
            newer_than_the_history(false)
                || (sink.applied_in.0 == Some(run) && content.is_none_or(|content| Some(content) == held.as_ref()))
        }
    }
}

/// The result of the last operation on a key.
enum Last<'a> {
    There(Option<&'a Fingerprint>),
    Gone,
    Unsure,
}

fn ended<'a>(key: &ObjectKey, happened: &'a HistoryEntry) -> Option<Last<'a>> {
    let HistoryEvent::Operation(ended) = &happened.what else { return None };
    let came = happened.new_path.as_ref() == Some(key);
    if happened.path != *key && !came {
        return None;
    }
    match &ended.result {
        Outcome::Applied { content, .. } | Outcome::Confirmed { content, .. } => Some(Last::There(content.as_ref())),
        Outcome::Moved { .. } if came => Some(Last::There(None)),
        Outcome::Moved { .. } | Outcome::Deleted => Some(Last::Gone),
        Outcome::NotMoved | Outcome::InDoubt => Some(Last::Unsure),
        Outcome::PermissionsSet(_) | Outcome::Failed { .. } => None,
    }
}
