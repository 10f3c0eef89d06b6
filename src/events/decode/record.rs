//! Decodes one record of an S3 notification by AWS, by MinIO, which prefixes the event's name, or by Ceph, which does not encode keys.

use super::{DecodeError, Scope, form, json, time};
use crate::record::{Event, EventKind, ObjectKey, RawJson};
use crate::run::IgnoredEvents;

/// The sender that does not encode keys.
const CEPH: &str = "ceph:s3";

pub(super) fn decode(record: RawJson<'_>, scope: &Scope, ignored: &mut IgnoredEvents) -> Result<Option<Event>, DecodeError> {
    known_version(record.get("eventVersion")?)?;
    let name = json::needed_text(record, &["eventName"], "a record without an eventName")?;
    let bucket = json::needed_text(record, &["s3", "bucket", "name"], "a record without a bucket")?;
    let encoded = json::needed_text(record, &["s3", "object", "key"], "a record without a key")?;
    if !scope.is_own_bucket(&bucket) {
        return Err(DecodeError::ForeignBucket(bucket));
    }
    let Some(kind) = kind(&name) else {
        ignored.unknown_names += 1;
        return Ok(None);
    };
    let is_encoded = !json::has_text(record, "eventSource", CEPH)?;
    let keys = if is_encoded { form::spellings(&encoded) } else { Some(form::spellings_of_unencoded(&encoded)) };
    let keys = keys.ok_or(DecodeError::BadKey(encoded))?;
    let spellings = keys.into_iter().map(ObjectKey::new).collect::<Result<_, _>>().map_err(|_| DecodeError::EmptyPath)?;
    Ok(event(kind, spellings, record.get("eventTime")?, scope, ignored))
}

/// The event of an object, whose key is one of these; `None` = it is outside of the scope, and counted.
pub(super) fn event(
    kind: EventKind,
    spellings: Vec<ObjectKey>,
    time_text: Option<RawJson<'_>>,
    scope: &Scope,
    ignored: &mut IgnoredEvents,
) -> Option<Event> {
    let event = scope.own(kind, (spellings, None), ignored)?;
    Some(Event { time: time::read(time_text, ignored), ..event })
}

/// Accepts major version 2, as a text or as a number: minor versions only add fields. Also accepts a record without a version, because a lookup
/// decides what is true.
fn known_version(version: Option<RawJson<'_>>) -> Result<(), DecodeError> {
    let Some(version) = version.filter(|version| !version.is_null()) else { return Ok(()) };
    let text = version.text()?.unwrap_or_else(|| json::shown(version));
    if text.is_empty() || text.split('.').next() == Some("2") { Ok(()) } else { Err(DecodeError::UnknownVersion(text)) }
}

/// The kind of an event name; `None` = unknown. After the delete of a version an older one may be visible; the lookup finds it.
fn kind(name: &str) -> Option<EventKind> {
    let name = name.strip_prefix("s3:").unwrap_or(name);
    let (family, _) = name.split_once(':')?;
    match family {
        "ObjectCreated" => Some(EventKind::Create),
        // The last one is Ceph's name.
        "ObjectRemoved" | "LifecycleExpiration" | "ObjectLifecycle" => Some(EventKind::Delete),
        "ObjectRestore" | "ObjectAcl" | "ObjectTagging" => Some(EventKind::Touch),
        _ => None,
    }
}
