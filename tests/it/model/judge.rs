//! What must hold, judged over everything that is simulated: each broken promise is a violation of the world.

use super::files::{File, default_permissions};
use super::op::KEYS;
use super::reference::Reference;
use super::tellings::{Expected, Field};
use super::world::{World, bytes_of};
use s3_sync::record::{ETag, FileRecord, Permissions, SinkName};
use s3_sync::state::{Side, State, StateError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The file manager holds what the bucket holds, less what a restored state cannot know.
pub(crate) fn contents(world: &World, unknowable: &mut BTreeSet<String>, when: &str) {
    let mut inner = world.lock();
    let prefix = world.setup.prefix;
    let wanted = inner.objects.iter().filter(|(key, _)| key.starts_with(prefix));
    let wanted: BTreeMap<_, _> = wanted.map(|(key, content)| (key.clone(), bytes_of(*content))).collect();
    let held = inner.files.by_path.iter().map(|(path, file)| (path.clone(), file.content.to_vec()));
    let held: BTreeMap<_, _> = held.filter(|(path, _)| wanted.contains_key(path) || !unknowable.contains(path)).collect();
    if wanted != held {
        let words = |files: &BTreeMap<String, Vec<u8>>| -> Vec<_> {
            files.iter().map(|(path, content)| format!("{path}={:?}", String::from_utf8_lossy(content))).collect()
        };
        let what = format!("after {when}, the bucket has {:?} and the file manager {:?}", words(&wanted), words(&held));
        inner.violated(what);
    }
    // What is held and wanted is known from here on.
    unknowable.retain(|path| !wanted.contains_key(path));
}

/// After cycles alone: of every path of which somebody spoke since it changed, the file manager holds what the bucket holds.
pub(crate) fn told_contents(world: &World) {
    let mut inner = world.lock();
    let own = |key: &&&str| key.starts_with(world.setup.prefix) && inner.tellings.is_told(key);
    let differs = |key: &&&str| {
        let held = inner.files.by_path.get(**key).map(|file| file.content.to_vec());
        held != inner.objects.get(**key).map(|content| bytes_of(*content))
    };
    let wrong: Vec<_> = KEYS.iter().filter(own).filter(differs).collect();
    if !wrong.is_empty() {
        let what = format!("{wrong:?} were spoken of since they changed, and cycles did not bring them into line");
        inner.violated(what);
    }
}

/// Without trouble nothing is asked of the file manager that it has to refuse.
pub(crate) fn refusals(world: &World) {
    let mut inner = world.lock();
    for refusal in std::mem::take(&mut inner.files.refusals) {
        inner.violated(format!("without any trouble, {refusal}"));
    }
}

/// Permissions are those that were told last, where nothing happened since that may have them forgotten.
pub(crate) fn permissions(world: &World) {
    let mut inner = world.lock();
    // A file may have brought along what somebody else's path had been answered.
    let defaults: Vec<_> = KEYS.iter().map(|path| default_permissions(path)).collect();
    let mut wrong = Vec::new();
    for path in inner.files.by_path.keys().filter(|path| inner.objects.contains_key(*path)) {
        let held = inner.files.permissions_of(path);
        for (field, held) in [(Field::Permissions, held.permissions), (Field::Owner, held.owner)] {
            let is_nobodys = defaults
                .iter()
                .any(|default| held == if field == Field::Owner { default.owner.clone() } else { default.permissions.clone() });
            let expected = inner.tellings.expected(path, field);
            let right = match &expected {
                Expected::Value(value) => held.as_ref() == Some(value),
                Expected::Anything => is_nobodys || held.as_ref().is_some_and(|held| inner.tellings.was_told(field, held)),
            };
            if !right {
                wrong.push(format!("{field:?} of {path:?} are {held:?}, told was {expected:?}"));
            }
        }
    }
    for wrong in wrong {
        inner.violated(wrong);
    }
}

/// Contents and identities, both to the letter.
pub(crate) fn identities(world: &World, reference: &Reference) {
    let mut inner = world.lock();
    let mut ids = BTreeMap::new();
    let one_to_one = |(path, file): (&String, &File)| {
        reference
            .files
            .get(path)
            .is_some_and(|wanted| bytes_of(wanted.content) == file.content && *ids.entry(wanted.id).or_insert(file.id) == file.id)
    };
    let same = inner.files.by_path.len() == reference.files.len() && inner.files.by_path.iter().all(one_to_one);
    if !same {
        let what = format!("the reference holds {:?}, the file manager {:?}", reference.files, inner.files.by_path);
        inner.violated(what);
    }
}

/// What the state says that the file manager holds is what it holds.
pub(crate) fn state(world: &World, database: &Path, unknowable: &BTreeSet<String>) {
    let mut rows = BTreeMap::new();
    let read = State::visit_rows(database, (&SinkName::file_manager(), Side::Applied), |row| -> Result<(), StateError> {
        rows.insert(row.file_path.to_owned(), FileRecord::try_from(row)?);
        Ok(())
    });
    let mut inner = world.lock();
    if let Err(error) = read {
        return inner.violated(format!("the state cannot be read: {error}"));
    }
    let held: BTreeMap<_, _> = inner.files.by_path.iter().filter(|(path, _)| !unknowable.contains(*path)).collect();
    let says = |path: &str, file: &File| {
        rows.get(path).is_some_and(|row| {
            row.internal_id == Some(format!("id-{}", file.id))
                && row.size == Some(file.content.len() as u64)
                && row.etag.as_ref().map(ETag::as_str) == file.metadata.get("etag").and_then(serde_json::Value::as_str)
                && says_permissions(&row.permissions, &inner.files.permissions_of(path))
        })
    };
    let agree = rows.len() == held.len() && held.iter().all(|(path, file)| says(path, file));
    if !agree {
        let what = format!("the state says {rows:?}, the file manager holds {held:?}");
        inner.violated(what);
    }
}

/// What the state has no opinion on may be anything.
fn says_permissions(said: &Permissions, held: &Permissions) -> bool {
    let agree = |said: &Option<String>, held: &Option<String>| said.is_none() || said == held;
    agree(&said.permissions, &held.permissions) && agree(&said.owner, &held.owner) && agree(&said.group, &held.group)
}
