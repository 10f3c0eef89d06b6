//! Checks the invariants over the whole simulation. Each violation is recorded in the world.

use super::files::{File, default_permissions};
use super::op::{Condition, KEYS};
use super::published_events::{Expected, Field};
use super::reference::Reference;
use super::world::{World, bytes_of};
use s3_sync::record::{ETag, FileRecord, Permissions};
use s3_sync::state::{RunOutcome, SinkSide, StateError, Views};
use s3_sync::workflow::FinishedRun;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The longest time for which a sink that does not answer may delay the others and the next run.
const HELD_UP_MOST: Duration = Duration::from_mins(3);

/// A sink holds what the bucket holds, except for what the state cannot know.
pub(crate) fn contents(world: &World, number: usize, when: &str) {
    let mut inner = world.lock();
    if inner.sinks[number].files.is_astray {
        return;
    }
    let prefix = world.setup.prefix;
    let wanted = inner.objects.iter().filter(|(key, _)| key.starts_with(prefix));
    let wanted: BTreeMap<_, _> = wanted.map(|(key, content)| (key.clone(), bytes_of(*content))).collect();
    let sink = &inner.sinks[number];
    let held = sink.files.by_path.iter().map(|(path, file)| (path.clone(), file.content.to_vec()));
    let held: BTreeMap<_, _> = held.filter(|(path, _)| wanted.contains_key(path) || !sink.unknowable.contains(path)).collect();
    if wanted != held {
        let words = |files: &BTreeMap<String, Vec<u8>>| -> Vec<_> {
            files.iter().map(|(path, content)| format!("{path}={:?}", String::from_utf8_lossy(content))).collect()
        };
        let what = format!("after {when}, the bucket has {:?} and {} {:?}", words(&wanted), sink.name, words(&held));
        inner.violated(what);
    }
    // From here on, it is known what the sink holds and should hold.
    let sink = &mut inner.sinks[number];
    sink.unknowable.retain(|path| !wanted.contains_key(path));
    sink.left_behind.retain(|path| !wanted.contains_key(path));
    sink.is_unlisted = false;
}

/// After cycles only: at each path that an event has named since its last change, every sink holds what the bucket holds.
pub(crate) fn reported_contents(world: &World) {
    let mut inner = world.lock();
    let own = |key: &&&str| key.starts_with(world.setup.prefix) && inner.published.is_reported(key);
    let mut broken = Vec::new();
    for sink in inner.sinks.iter().filter(|sink| !sink.is_unlisted && !sink.files.is_astray) {
        let differs = |key: &&&str| {
            let held = sink.files.by_path.get(**key).map(|file| file.content.to_vec());
            let wanted = inner.objects.get(**key).map(|content| bytes_of(*content));
            held != wanted && (wanted.is_some() || !sink.left_behind.contains(**key))
        };
        let wrong: Vec<_> = KEYS.iter().filter(own).filter(differs).collect();
        if !wrong.is_empty() {
            broken.push(format!(
                "{wrong:?} were named by events since they changed, and cycles did not bring them into line in {}",
                sink.name
            ));
        }
    }
    for what in broken {
        inner.violated(what);
    }
}

/// An unanswered call is reported for its own sink, and does not keep another sink from finishing in the same run.
pub(crate) fn independence(world: &World, ended: &FinishedRun, is_calm: bool) {
    let mut inner = world.lock();
    let mut broken = Vec::new();
    let (took, failing) = (inner.run_took, inner.sinks.iter().filter(|sink| sink.failed_calls > 0).count());
    for sink in &inner.sinks {
        let Some(sink_report) = ended.report.sinks.get(sink.name.as_str()) else {
            broken.push(format!("{} is not in the report", sink.name));
            continue;
        };
        if sink.failed_calls > 0 && (sink_report.success || ended.report.success || ended.outcome == RunOutcome::Done) {
            broken.push(format!("{} failed, and the run says {:?}, {sink_report:?}", sink.name, ended.outcome));
        }
        let says = |word: &str| ended.report.errors.iter().any(|error| error.starts_with(word));
        if sink_report.stopped.is_some() && !says(&format!("stopped {}: ", sink.name)) && !says("stopped: ") {
            broken.push(format!("{} was stopped, and the report does not name it: {:?}", sink.name, ended.report.errors));
        }
        let others_fail = is_calm && sink.failed_calls == 0 && failing > 0;
        if others_fail && (sink_report.stopped.is_some() || !sink_report.failures.is_empty() || ended.outcome == RunOutcome::Stopped) {
            broken.push(format!("another sink failed, and {} could not go on: {sink_report:?}", sink.name));
        }
        if others_fail && sink.last_effect.max(took) > HELD_UP_MOST {
            broken.push(format!("another sink kept {} waiting for {:?}, and the next run for {took:?}", sink.name, sink.last_effect));
        }
    }
    let hanging = inner.sinks.iter().any(|sink| sink.condition == Condition::Hanging);
    if took > HELD_UP_MOST && hanging {
        inner.counts.add("runs that took minutes");
    }
    for what in broken {
        inner.violated(what);
    }
}

/// Without trouble, no sink gets a request that it must refuse.
pub(crate) fn refusals(world: &World, number: usize) {
    let mut inner = world.lock();
    for refusal in std::mem::take(&mut inner.sinks[number].files.refusals) {
        inner.violated(format!("without any trouble, {refusal}"));
    }
}

/// Permissions are those reported last, unless a later change may have removed them.
pub(crate) fn permissions(world: &World, number: usize) {
    let mut inner = world.lock();
    let sink = &inner.sinks[number];
    if !sink.policy.has_permissions() {
        return;
    }
    // A file may have kept the permissions of another path with a move.
    let defaults: Vec<_> = KEYS.iter().map(|path| default_permissions(path)).collect();
    let mut wrong = Vec::new();
    for path in sink.files.by_path.keys().filter(|path| inner.objects.contains_key(*path)) {
        let held = sink.files.permissions_of(path);
        for (field, held) in [(Field::Permissions, held.permissions), (Field::Owner, held.owner)] {
            let is_default = defaults
                .iter()
                .any(|default| held == if field == Field::Owner { default.owner.clone() } else { default.permissions.clone() });
            let expected = inner.published.expected(path, field);
            let right = match &expected {
                Expected::Value(value) => held.as_ref() == Some(value),
                Expected::Anything => is_default || held.as_ref().is_some_and(|held| inner.published.was_reported(field, held)),
            };
            if !right {
                wrong.push(format!("{field:?} of {path:?} in {} are {held:?}, reported was {expected:?}", sink.name));
            }
        }
    }
    for wrong in wrong {
        inner.violated(wrong);
    }
}

/// Contents and ids, exactly.
pub(crate) fn identities(world: &World, number: usize, reference: &Reference) {
    let mut inner = world.lock();
    let mut ids = BTreeMap::new();
    let one_to_one = |(path, file): (&String, &File)| {
        reference
            .files
            .get(path)
            .is_some_and(|wanted| bytes_of(wanted.content) == file.content && *ids.entry(wanted.id).or_insert(file.id) == file.id)
    };
    let sink = &inner.sinks[number];
    let same = sink.files.by_path.len() == reference.files.len() && sink.files.by_path.iter().all(one_to_one);
    if !same {
        let what = format!("the reference holds {:?}, {} {:?}", reference.files, sink.name, sink.files.by_path);
        inner.violated(what);
    }
}

/// The state's rows about a sink agree with what the sink holds.
pub(crate) fn state(world: &World, number: usize, database: &Path) {
    let mut rows = BTreeMap::new();
    let name = world.lock().sinks[number].name.clone();
    let read = Views::open(database).snapshot_rows((&name, SinkSide::Applied), |row| -> Result<(), StateError> {
        rows.insert(row.file_path.to_owned(), FileRecord::try_from(row)?);
        Ok(())
    });
    let mut inner = world.lock();
    if let Err(error) = read {
        return inner.violated(format!("the state cannot be read: {error}"));
    }
    if inner.ids.is_none() {
        inner.said.extend(rows.iter().map(|(path, row)| ((name.to_string(), path.clone()), row.permissions.permissions.clone())));
    }
    let sink = &inner.sinks[number];
    let held: BTreeMap<_, _> = sink.files.by_path.iter().filter(|(path, _)| !sink.unknowable.contains(*path)).collect();
    let says = |path: &str, file: &File| {
        rows.get(path).is_some_and(|row| {
            row.internal_id == Some(format!("id-{}", file.id))
                && row.size == Some(file.content.len() as u64)
                && row.etag.as_ref().map(ETag::as_str) == file.metadata.get("etag").and_then(serde_json::Value::as_str)
                && says_permissions(&row.permissions, &sink.files.permissions_of(path))
        })
    };
    let agree = rows.len() == held.len() && held.iter().all(|(path, file)| says(path, file));
    if !agree {
        let what = format!("the state says {rows:?}, {name} holds {held:?}");
        inner.violated(what);
    }
}

/// Fields that the state does not know may have any value.
fn says_permissions(said: &Permissions, held: &Permissions) -> bool {
    let agree = |said: &Option<String>, held: &Option<String>| said.is_none() || said == held;
    agree(&said.permissions, &held.permissions) && agree(&said.owner, &held.owner) && agree(&said.group, &held.group)
}
