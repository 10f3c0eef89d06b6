//! Reads JSON within the limits that every real message keeps: a document in raw parts, and the fields that a decision needs.

use super::DecodeError;
use crate::record::{RawJson, RawJsonError};
use serde_json::Value;
use serde_json::value::RawValue;

/// The maximum size of a message: SQS's limit.
pub(super) const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// The maximum depth of nested brackets of a document that is parsed whole, which uses the stack.
pub(super) const MAX_DEPTH: usize = 32;

/// A message in raw parts. Only the parts that a decision needs are decoded.
pub(super) fn document(bytes: &[u8]) -> Result<RawJson<'_>, DecodeError> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    Ok(RawJson::document(bytes)?)
}

/// The text at the end of a path of fields, which a decision needs; `missing` describes the message that has none.
pub(super) fn needed_text(value: RawJson<'_>, path: &[&str], missing: &'static str) -> Result<String, DecodeError> {
    let text = value.at(path)?.map(RawJson::text).transpose()?.flatten();
    text.ok_or(DecodeError::UnknownShape(missing))
}

/// True if this field of an object is this text. A field that cannot be decoded is not.
pub(super) fn has_text(value: RawJson<'_>, name: &str, text: &str) -> Result<bool, DecodeError> {
    Ok(value.get(name)?.is_some_and(|field| field.is_text(text)))
}

/// A value for an error message, without the spaces between its parts.
pub(super) fn shown(value: RawJson<'_>) -> String {
    let parsed = serde_json::from_slice::<Value>(value.bytes());
    parsed.map_or_else(|_| String::from_utf8_lossy(value.bytes()).into_owned(), |value| value.to_string())
}

impl From<RawJsonError> for DecodeError {
    fn from(error: RawJsonError) -> Self {
        match error {
            RawJsonError::NotUtf8 => Self::NotUtf8,
            RawJsonError::Structure { .. } | RawJsonError::Text(_) => Self::BadJson(error.to_string()),
        }
    }
}

/// As [`document`], if the whole of it follows JSON's grammar. A lone surrogate does.
pub(super) fn valid_document(bytes: &[u8]) -> Result<RawJson<'_>, DecodeError> {
    let document = document(bytes)?;
    let text = std::str::from_utf8(document.bytes()).map_err(|_| DecodeError::NotUtf8)?;
    serde_json::from_str::<&RawValue>(text).map_err(|error| DecodeError::BadJson(error.to_string()))?;
    Ok(document)
}

/// A whole document; `None` = it does not follow JSON's grammar, has a text that is no Unicode, or is nested too deep.
pub(super) fn parse(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| depth(text) <= MAX_DEPTH)?;
    serde_json::from_str(text).ok()
}

/// The depth of nested brackets, outside of strings. For text that is not JSON the result is arbitrary.
fn depth(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => open += 1,
            b']' | b'}' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_outside_of_strings() {
        for (text, expected) in
            [("1", 0), ("[]", 1), ("{\"a\":[{}]}", 3), ("[[],[]]", 2), ("\"[[[\"", 0), (r#"["\"[", 1]"#, 1), ("]]][", 1)]
        {
            assert_eq!(depth(text), expected, "{text}");
        }
    }
}
