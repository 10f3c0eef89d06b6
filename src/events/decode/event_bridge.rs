//! Decodes an S3 event in `EventBridge`'s format. Its keys are literal and must not be form-decoded.

use super::{DecodeError, Scope, record};
use crate::record::{Event, EventKind, ObjectKey};
use crate::run::IgnoredEvents;
use serde_json::Value;

pub(super) fn decode(message: &Value, scope: &Scope, ignored: &mut IgnoredEvents) -> Result<Option<Event>, DecodeError> {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let name = text("/detail-type").ok_or(DecodeError::UnknownShape("an event without a detail-type"))?;
    let bucket = text("/detail/bucket/name").ok_or(DecodeError::UnknownShape("an event without a bucket"))?;
    if !scope.is_own_bucket(bucket) {
        return Err(DecodeError::ForeignBucket(bucket.to_owned()));
    }
    let Some(kind) = kind(name) else {
        ignored.unknown_names += 1;
        return Ok(None);
    };
    let key = text("/detail/object/key").ok_or(DecodeError::UnknownShape("an event without a key"))?;
    let path = ObjectKey::new(key).map_err(|_| DecodeError::EmptyPath)?;
    Ok(record::event(kind, path, message.get("time"), scope, ignored))
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
