//! An event of S3 as `EventBridge` carries it. Its keys are literal: decoding them would be decoding once too often.

use super::{Poison, Scope, record};
use crate::record::{Event, EventKind, ObjectKey};
use crate::run::PassedOver;
use serde_json::Value;

pub(super) fn decode(message: &Value, scope: &Scope, passed_over: &mut PassedOver) -> Result<Option<Event>, Poison> {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let name = text("/detail-type").ok_or(Poison::UnknownShape("an event without a detail-type"))?;
    let bucket = text("/detail/bucket/name").ok_or(Poison::UnknownShape("an event without a bucket"))?;
    if !scope.is_own_bucket(bucket) {
        return Err(Poison::ForeignBucket(bucket.to_owned()));
    }
    let Some(kind) = kind(name) else {
        passed_over.unknown_names += 1;
        return Ok(None);
    };
    let key = text("/detail/object/key").ok_or(Poison::UnknownShape("an event without a key"))?;
    let path = ObjectKey::new(key).map_err(|_| Poison::EmptyPath)?;
    Ok(record::event(kind, path, message.get("time"), scope, passed_over))
}

fn kind(name: &str) -> Option<EventKind> {
    match name {
        "Object Created" => Some(EventKind::Create),
        "Object Deleted" => Some(EventKind::Delete),
        "Object Restore Initiated"
        | "Object Restore Completed"
        | "Object Restore Expired"
        | "Object Tags Added"
        | "Object Tags Deleted"
        | "Object ACL Updated" => Some(EventKind::Touch),
        _ => None,
    }
}
