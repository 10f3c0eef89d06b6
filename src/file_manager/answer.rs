//! Parses responses: classifies refusals, extracts their messages, and validates successful bodies. Pure: no I/O, no clock.

use super::{FeedPage, FileManagerErrorKind, SaveOperation, Saved};
use crate::record::{ObjectKey, Permissions, RawJson, without_byte_order_mark};
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::time::Duration;

/// What a call is about. It decides the meaning of 404 and 409.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// A path.
    Path,
    /// The base URL itself.
    Address,
}

/// The kind and the message of a response other than 2xx. The message is neither shortened nor escaped yet.
pub(super) fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    about: About,
    now: Timestamp,
) -> (FileManagerErrorKind, String) {
    let code = status.as_u16();
    let detail = detail_of(body);
    let busy = |after| FileManagerErrorKind::Busy { status: code, after };
    let kind = match code {
        401 | 403 => FileManagerErrorKind::Unauthorised { status: code },
        404 if about == About::Path && detail.as_ref().is_some_and(|detail| detail != NO_SUCH_ROUTE) => FileManagerErrorKind::NotFound,
        408 | 425 | 429 | 500..=599 => busy(retry_after(headers, now)),
        409 if headers.contains_key(RETRY_AFTER) => busy(retry_after(headers, now)),
        409 if about == About::Path => FileManagerErrorKind::Taken,
        400..=499 => FileManagerErrorKind::Refused { status: code },
        // A redirect (303) may follow an effect and does not show its result.
        _ => FileManagerErrorKind::BadAnswer,
    };
    let text = detail.map_or_else(|| String::from_utf8_lossy(body).trim().to_owned(), |detail| readable(&detail));
    let text = match (text.as_str(), code) {
        ("", 300..=399) => "redirects are not followed".to_owned(),
        ("" | NO_SUCH_ROUTE, 404) => "this address has no such call".to_owned(),
        _ => text,
    };
    let name = status.canonical_reason().map_or_else(|| code.to_string(), |reason| format!("{code} {reason}"));
    let separator = if text.is_empty() { "" } else { ": " };
    (kind, format!("answered {name}{separator}{text}"))
}

/// The message with which web frameworks answer an unknown route. It means a wrong address and not a missing file: otherwise a wrong
/// address would confirm every delete.
const NO_SUCH_ROUTE: &str = "Not Found";

/// The error message of a response: the field `detail` of the contract, or one of its usual other names.
fn detail_of(body: &[u8]) -> Option<Value> {
    let Value::Object(mut fields) = serde_json::from_slice(without_byte_order_mark(body)).ok()? else { return None };
    ["detail", "message", "error"].iter().find_map(|name| fields.remove(*name)).filter(|detail| !detail.is_null())
}

fn readable(detail: &Value) -> String {
    match detail {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(readable).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            let Some(message) = fields.get("msg").and_then(Value::as_str) else { return detail.to_string() };
            let steps: Vec<_> = fields.get("loc").and_then(Value::as_array).into_iter().flatten().map(readable).collect();
            if steps.is_empty() { message.to_owned() } else { format!("{}: {message}", steps.join(".")) }
        }
        other => other.to_string(),
    }
}

/// Parses `Retry-After`: seconds, or an HTTP date. A date is compared with the `Date` of the same response, because the two clocks may
/// differ.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let sent = headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?)).unwrap_or(now);
    Some(Duration::try_from(http_date(value)?.duration_since(sent)).unwrap_or(Duration::ZERO))
}

fn http_date(value: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(value).ok().map(|date| date.timestamp())
}

/// The response of `updatePermissions`. Owner and group may be null, but not missing.
#[derive(Deserialize)]
struct PermissionsAnswer {
    file_path: String,
    #[serde(deserialize_with = "required_text")]
    permissions: Option<String>,
    #[serde(deserialize_with = "required_text")]
    owner: Option<String>,
    #[serde(deserialize_with = "required_text")]
    group: Option<String>,
    #[serde(rename = "last_updated")]
    _last_updated: serde::de::IgnoredAny,
}

/// The response of `saveToDisk`. A field that may be null may also be missing, because some frameworks omit nulls.
#[derive(Deserialize)]
struct SaveAnswer {
    internal_id: Option<String>,
    file_path: String,
    operation: String,
    size: Option<u64>,
    #[serde(rename = "saved_at")]
    _saved_at: serde::de::IgnoredAny,
    status: String,
    metadata: Option<Map<String, Value>>,
}

/// The response of `reportResults`.
#[derive(Deserialize)]
struct ReportAnswer {
    status: String,
}

/// Deserialises a field that must be present and may be null. Empty text counts as null, because no field has a meaningful empty value.
fn required_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

/// How a 2xx response violates the contract.
pub(super) type ContractViolation = String;

pub(super) fn permissions(body: &[u8], path: &ObjectKey) -> Result<Permissions, ContractViolation> {
    let answer: PermissionsAnswer = parse(body)?;
    require_same_path(path, &answer.file_path)?;
    Ok(Permissions { permissions: answer.permissions, owner: answer.owner, group: answer.group })
}

pub(super) fn saved(body: &[u8], operation: SaveOperation, path: &ObjectKey, sent: Option<u64>) -> Result<Saved, ContractViolation> {
    let answer: SaveAnswer = parse(body)?;
    require_word("status", "success", &answer.status)?;
    require_word("operation", operation.as_str(), &answer.operation)?;
    require_same_path(path, &answer.file_path)?;
    if let (Some(sent), Some(saved)) = (sent, answer.size)
        && sent != saved
    {
        return Err(format!("{sent} bytes were sent, and {saved} saved"));
    }
    Ok(Saved { internal_id: answer.internal_id, size: answer.size, metadata: answer.metadata })
}

pub(super) fn report_received(body: &[u8]) -> Result<(), ContractViolation> {
    let answer: ReportAnswer = parse(body)?;
    require_word("status", "received", &answer.status)
}

/// The response of `pubSubFullList`. The events are split, but not decoded: what is wrong with one of them is found where it is decoded.
pub(super) fn feed_page(body: &[u8]) -> Result<FeedPage, ContractViolation> {
    let answer = RawJson::document(body).map_err(|error| error.to_string())?;
    let field = |name| answer.get(name).map_err(|error| error.to_string());
    let events = field("events")?.ok_or("missing field `events`")?.items().map_err(|error| format!("`events`: {error}"))?;
    let next_cursor = field("next_cursor")?.map(|cursor| parse(cursor.bytes())).transpose();
    let next_cursor = match next_cursor.map_err(|error| format!("`next_cursor`: {error}"))? {
        None | Some(Value::Null) => None,
        Some(Value::String(cursor)) => Some(cursor).filter(|cursor| !cursor.is_empty()),
        Some(Value::Number(cursor)) => Some(cursor.to_string()),
        Some(_) => return Err("`next_cursor` is neither text nor a number".to_owned()),
    };
    let events = events.ok_or("`events` is not a list")?;
    Ok(FeedPage { events: events.iter().map(|event| event.bytes().to_vec()).collect(), next_cursor })
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ContractViolation> {
    serde_json::from_slice(without_byte_order_mark(body)).map_err(|error| error.to_string())
}

fn require_word(field: &str, expected: &str, answered: &str) -> Result<(), ContractViolation> {
    if answered == expected { Ok(()) } else { Err(format!("`{field}` is `{answered}` instead of `{expected}`")) }
}

/// Rejects a response about another path. A leading `/` is ignored, because paths of the feed begin with one.
fn require_same_path(asked: &ObjectKey, answered: &str) -> Result<(), ContractViolation> {
    let bare = |path| str::strip_prefix(path, "/").unwrap_or(path).to_owned();
    if bare(asked.as_str()) == bare(answered) { Ok(()) } else { Err(format!("it is about another path, `{answered}`")) }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
