//! Decodes one event of the events API's list, and computes its hash, by which the state recognises it.

use super::{DecodeError, Scope, canonical, json, time};
use crate::record::{Event, EventKind, ObjectKey, Permissions, RawJson};
use crate::run::IgnoredEvents;
use sha2::{Digest as _, Sha256};

/// A decoded event of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// The SHA-256 of its canonical JSON, or of its bytes if it has none.
    pub hash: [u8; 32],
    /// The event; `Ok(None)` = ignored and counted.
    pub outcome: Result<Option<Event>, DecodeError>,
    /// The counts of ignored events.
    pub ignored: IgnoredEvents,
}

/// Decodes one event from its bytes.
pub fn feed_event(bytes: &[u8], scope: &Scope) -> FeedEvent {
    let mut ignored = IgnoredEvents::default();
    let hash = json::parse(bytes).map_or_else(|| Sha256::digest(bytes).into(), |value| canonical::hash(&value));
    let outcome = json::valid_document(bytes).and_then(|event| decode(event, scope, &mut ignored));
    FeedEvent { hash, outcome, ignored }
}

fn decode(event: RawJson<'_>, scope: &Scope, ignored: &mut IgnoredEvents) -> Result<Option<Event>, DecodeError> {
    if !event.is_object() {
        return Err(DecodeError::UnknownShape("an event of the feed is a JSON object"));
    }
    let kind = kind(event.get("event_type")?)?;
    let path = spellings(event.get("file_path")?)?.ok_or(DecodeError::EmptyPath)?;
    let new_path = match kind {
        EventKind::Rename | EventKind::Move => Some(spellings(event.get("new_path")?)?.ok_or(DecodeError::NoNewPath)?),
        _ => None,
    };
    if new_path.as_ref().is_some_and(|new_path| new_path[0] == path[0]) {
        ignored.onto_itself += 1;
        return Ok(None);
    }
    let permissions = permissions(event.get("metadata")?)?;
    let Some(own) = scope.own(kind, (path, new_path), ignored) else { return Ok(None) };
    Ok(Some(Event { permissions, time: time::read(event.get("timestamp")?, ignored), ..own }))
}

fn kind(name: Option<RawJson<'_>>) -> Result<EventKind, DecodeError> {
    let text = name.map(RawJson::text).transpose()?.flatten();
    match text.as_deref() {
        Some("create") => Ok(EventKind::Create),
        Some("delete") => Ok(EventKind::Delete),
        Some("rename") => Ok(EventKind::Rename),
        Some("move") => Ok(EventKind::Move),
        Some("change_permission") => Ok(EventKind::ChangePermission),
        Some(other) => Err(DecodeError::UnknownType(other.to_owned())),
        None => Err(DecodeError::UnknownType(name.map(json::shown).unwrap_or_default())),
    }
}

/// The keys that a path can mean, at least one. A path of the feed begins with a `/` that is not part of the key; exactly one is removed.
/// Less likely, the key begins with a `/` itself.
fn spellings(value: Option<RawJson<'_>>) -> Result<Option<Vec<ObjectKey>>, DecodeError> {
    let Some(text) = value.map(RawJson::text).transpose()?.flatten() else { return Ok(None) };
    let Ok(key) = ObjectKey::new(text.strip_prefix('/').unwrap_or(&text)) else { return Ok(None) };
    let literal = ObjectKey::new(text).ok().filter(|literal| *literal != key);
    Ok(Some(std::iter::once(key).chain(literal).collect()))
}

/// The permissions, under any of the names that senders use. If both an old and a new value are given, the new one counts. A value that is
/// not text is ignored.
fn permissions(metadata: Option<RawJson<'_>>) -> Result<Permissions, DecodeError> {
    let text = |name: &str| {
        let text = metadata.map(|metadata| metadata.get(name)).transpose()?.flatten().and_then(|field| field.text().ok().flatten());
        Ok::<_, DecodeError>(text.filter(|text| !text.is_empty()))
    };
    let mut permissions = None;
    for name in ["new_permissions", "permissions", "permission", "perms", "access"] {
        permissions = permissions.or(text(name)?);
    }
    Ok(Permissions { permissions, owner: text("owner")?, group: text("group")? })
}
