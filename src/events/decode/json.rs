//! Parses bytes as JSON, within limits that every real message keeps.

use super::DecodeError;
use serde_json::Value;

/// The maximum size of a message: SQS's limit.
pub(super) const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// The maximum depth of nested brackets.
pub(super) const MAX_DEPTH: usize = 32;

pub(super) fn parse(bytes: &[u8]) -> Result<Value, DecodeError> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8)?;
    if depth(text) > MAX_DEPTH {
        return Err(DecodeError::TooDeep);
    }
    serde_json::from_str(text).map_err(|error| DecodeError::BadJson(error.to_string()))
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
