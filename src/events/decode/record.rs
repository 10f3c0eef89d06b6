//! One record of an S3 notification: AWS's, or MinIO's, which is the same with a prefix in the event's name.

use super::{Poison, Scope, form, time};
use crate::record::{Event, EventKind, ObjectKey, Permissions};
use crate::run::PassedOver;
use serde_json::Value;

pub(super) fn decode(record: &Value, scope: &Scope, passed_over: &mut PassedOver) -> Result<Option<Event>, Poison> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    known_version(record.get("eventVersion"))?;
    let name = text("/eventName").ok_or(Poison::UnknownShape("a record without an eventName"))?;
    let bucket = text("/s3/bucket/name").ok_or(Poison::UnknownShape("a record without a bucket"))?;
    let encoded = text("/s3/object/key").ok_or(Poison::UnknownShape("a record without a key"))?;
    if !scope.is_own_bucket(bucket) {
        return Err(Poison::ForeignBucket(bucket.to_owned()));
    }
    let Some(kind) = kind(name) else {
        passed_over.unknown_names += 1;
        return Ok(None);
    };
    let key = form::decode(encoded).ok_or_else(|| Poison::BadKey(encoded.to_owned()))?;
    let path = ObjectKey::new(key).map_err(|_| Poison::EmptyPath)?;
    Ok(event(kind, path, record.get("eventTime"), scope, passed_over))
}

/// An event of an object, if it is one of ours.
pub(super) fn event(kind: EventKind, path: ObjectKey, told: Option<&Value>, scope: &Scope, passed_over: &mut PassedOver) -> Option<Event> {
    let event = scope.own(Event { kind, path, new_path: None, permissions: Permissions::default(), time: None }, passed_over)?;
    Some(Event { time: time::read(told, passed_over), ..event })
}

/// Within a major version fields are only added. A record that names none is read like the others: a look decides anyway.
fn known_version(version: Option<&Value>) -> Result<(), Poison> {
    match version {
        None => Ok(()),
        Some(Value::String(version)) if version.split('.').next() == Some("2") => Ok(()),
        Some(Value::String(version)) => Err(Poison::UnknownVersion(version.clone())),
        Some(other) => Err(Poison::UnknownVersion(other.to_string())),
    }
}

/// What the name says about the object; `None` = nothing that we know. A delete may leave an older version: that, too, a look finds.
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
