//! Decodes an S3 event in `EventBridge`'s format. Its keys are literal and must not be form-decoded.

use super::{DecodeError, Scope, json, record};
use crate::record::{Event, EventKind, ObjectKey, RawJson};
use crate::run::IgnoredEvents;

pub(super) fn decode(message: RawJson<'_>, scope: &Scope, ignored: &mut IgnoredEvents) -> Result<Option<Event>, DecodeError> {
    let name = json::needed_text(message, &["detail-type"], "an event without a detail-type")?;
    let bucket = json::needed_text(message, &["detail", "bucket", "name"], "an event without a bucket")?;
    if !scope.is_own_bucket(&bucket) {
        return Err(DecodeError::ForeignBucket(bucket));
    }
    let Some(kind) = kind(&name) else {
        ignored.unknown_names += 1;
        return Ok(None);
    };
    let key = json::needed_text(message, &["detail", "object", "key"], "an event without a key")?;
    let path = ObjectKey::new(key).map_err(|_| DecodeError::EmptyPath)?;
    Ok(record::event(kind, vec![path], message.get("time")?, scope, ignored))
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
