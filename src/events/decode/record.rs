//! Decodes one record of an S3 notification by AWS, or by MinIO, which prefixes the event's name.

use super::{DecodeError, Scope, form, time};
use crate::record::{Event, EventKind, ObjectKey, Permissions};
use crate::run::IgnoredEvents;
use serde_json::Value;

pub(super) fn decode(record: &Value, scope: &Scope, ignored: &mut IgnoredEvents) -> Result<Option<Event>, DecodeError> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    known_version(record.get("eventVersion"))?;
    let name = text("/eventName").ok_or(DecodeError::UnknownShape("a record without an eventName"))?;
    let bucket = text("/s3/bucket/name").ok_or(DecodeError::UnknownShape("a record without a bucket"))?;
    let encoded = text("/s3/object/key").ok_or(DecodeError::UnknownShape("a record without a key"))?;
    if !scope.is_own_bucket(bucket) {
        return Err(DecodeError::ForeignBucket(bucket.to_owned()));
    }
    let Some(kind) = kind(name) else {
        ignored.unknown_names += 1;
        return Ok(None);
    };
    let key = form::decode(encoded).ok_or_else(|| DecodeError::BadKey(encoded.to_owned()))?;
    let path = ObjectKey::new(key).map_err(|_| DecodeError::EmptyPath)?;
    Ok(event(kind, path, record.get("eventTime"), scope, ignored))
}

/// The event of an object; `None` = it is outside of the scope, and counted.
pub(super) fn event(
    kind: EventKind,
    path: ObjectKey,
    time_text: Option<&Value>,
    scope: &Scope,
    ignored: &mut IgnoredEvents,
) -> Option<Event> {
    let event = scope.own(Event { kind, path, new_path: None, permissions: Permissions::default(), time: None }, ignored)?;
    Some(Event { time: time::read(time_text, ignored), ..event })
}

/// Accepts major version 2: minor versions only add fields. Also accepts a record without a version, because a lookup decides what is true.
fn known_version(version: Option<&Value>) -> Result<(), DecodeError> {
    match version {
        None => Ok(()),
        Some(Value::String(version)) if version.split('.').next() == Some("2") => Ok(()),
        Some(Value::String(version)) => Err(DecodeError::UnknownVersion(version.clone())),
        Some(other) => Err(DecodeError::UnknownVersion(other.to_string())),
    }
}

/// The kind of an event name; `None` = unknown. After the delete of a version an older one may be visible; the lookup finds it.
fn kind(name: &str) -> Option<EventKind> {
    let name = name.strip_prefix("s3:").unwrap_or(name);
    let (family, _) = name.split_once(':')?;
    match family {
        "ObjectCreated" => Some(EventKind::Create),
        "ObjectRemoved" | "LifecycleExpiration" => Some(EventKind::Delete),
        "ObjectRestore" | "ObjectAcl" | "ObjectTagging" => Some(EventKind::Touch),
        _ => None,
    }
}
