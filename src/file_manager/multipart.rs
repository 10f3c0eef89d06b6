//! The frame of a file in `multipart/form-data`: the bytes before and after its content.
//!
//! The HTTP client's own implementation is not used, because it copies line breaks of a file name into a header and doubles backslashes.
//! The length is exact, so that the server detects a truncated body.

use std::fmt::Write as _;
use uuid::Uuid;

/// The bytes around the content, with the header.
pub(super) struct Multipart {
    /// The value of the `Content-Type` header.
    pub content_type: String,
    /// The bytes before the content.
    pub head: String,
    /// The bytes after the content.
    pub tail: String,
}

impl Multipart {
    /// The frame with the text fields in their order, then the part `file`. The boundary is random, so that no key or content can contain
    /// it intentionally.
    pub(super) fn around_file(fields: &[(&str, &str)], file_name: &str, file_type: &str) -> Self {
        Self::with_boundary(&Uuid::new_v4().simple().to_string(), fields, file_name, file_type)
    }

    fn with_boundary(boundary: &str, fields: &[(&str, &str)], file_name: &str, file_type: &str) -> Self {
        let mut head = String::new();
        for (name, value) in fields {
            push_all(&mut head, &["--", boundary, "\r\nContent-Disposition: form-data; name=\"", name, "\"\r\n\r\n", value, "\r\n"]);
        }
        let file_name = escaped_file_name(file_name);
        push_all(&mut head, &["--", boundary, "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"", &file_name]);
        push_all(&mut head, &["\"\r\nContent-Type: ", file_type, "\r\n\r\n"]);
        let tail = format!("\r\n--{boundary}--\r\n");
        Self { content_type: format!("multipart/form-data; boundary={boundary}"), head, tail }
    }

    /// The length of the whole body, with `size` bytes of content.
    pub(super) fn length_around(&self, size: u64) -> u64 {
        size.saturating_add(self.head.len() as u64).saturating_add(self.tail.len() as u64)
    }
}

fn push_all(text: &mut String, pieces: &[&str]) {
    text.extend(pieces.iter().copied());
}

/// A path as a quoted `filename`. `"` and all control characters are percent-encoded, as the WHATWG form rules do for `"`, CR and LF. A `\`
/// at the end is encoded, too, because some parsers would read it and the closing quote as an escaped quote. Other UTF-8 is unchanged.
fn escaped_file_name(path: &str) -> String {
    let (body, last_backslash) = path.strip_suffix('\\').map_or((path, ""), |body| (body, "%5C"));
    let mut escaped = String::with_capacity(path.len() + last_backslash.len());
    for c in body.chars() {
        if c == '"' || c.is_control() {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(escaped, "%{byte:02X}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped + last_backslash
}

/// The type that replaces an invalid one.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// The maximum length of a valid type.
const MAX_FILE_TYPE_BYTES: usize = 255;

/// The type, if it is valid in a header and in a field: `type/subtype`, with parameters in visible ASCII. Otherwise the unknown type. The
/// type comes from the bucket and may be any text.
pub(super) fn sendable_file_type(file_type: &str) -> &str {
    let (essence, parameters) = file_type.split_once(';').unwrap_or((file_type, ""));
    let is_type = essence.trim_end_matches(' ').split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    let is_safe = parameters.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_type && is_safe && file_type.len() <= MAX_FILE_TYPE_BYTES { file_type } else { UNKNOWN_TYPE }
}

/// A token of RFC 9110.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_exact() {
        let framed = Multipart::with_boundary("B", &[("operation", "create"), ("file_path", "a\r\nb")], "a\r\nb", "text/plain");
        assert_eq!(framed.content_type, "multipart/form-data; boundary=B");
        assert_eq!(
            framed.head,
            "--B\r\nContent-Disposition: form-data; name=\"operation\"\r\n\r\ncreate\r\n\
             --B\r\nContent-Disposition: form-data; name=\"file_path\"\r\n\r\na\r\nb\r\n\
             --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%0D%0Ab\"\r\nContent-Type: text/plain\r\n\r\n"
        );
        assert_eq!(framed.tail, "\r\n--B--\r\n");
        assert_eq!(framed.length_around(5), (framed.head.len() + 5 + framed.tail.len()) as u64);
    }

    #[test]
    fn each_frame_has_another_boundary() {
        let boundary = || Multipart::around_file(&[], "a", UNKNOWN_TYPE).content_type;
        assert_ne!(boundary(), boundary());
    }

    #[test]
    fn a_file_name_cannot_forge_a_header() {
        for (path, expected) in [
            ("docs/Über uns (1)+%41.pdf", "docs/Über uns (1)+%41.pdf"),
            ("a\"; filename=\"x", "a%22; filename=%22x"),
            ("a\r\nX-Forged: 1", "a%0D%0AX-Forged: 1"),
            ("\0\t\u{1b}\u{7f}\u{85}", "%00%09%1B%7F%C2%85"),
            ("a\\b\\", "a\\b%5C"),
            ("\\\\", "\\%5C"),
            ("日本\u{202e}", "日本\u{202e}"),
        ] {
            assert_eq!(escaped_file_name(path), expected);
        }
    }

    #[test]
    fn a_type_that_is_invalid_in_a_header_is_unknown() {
        for kept in ["text/plain", "text/html; charset=utf-8", "text/plain ;charset=\"x y\"", "application/vnd.a+json"] {
            assert_eq!(sendable_file_type(kept), kept);
        }
        let long = format!("text/{}", "x".repeat(MAX_FILE_TYPE_BYTES));
        for refused in ["", "text", "/", "text/", "/plain", "te xt/plain", "text/plain\r\nX: 1", "text/plain; a=\u{7f}", "text/plün", &long]
        {
            assert_eq!(sendable_file_type(refused), UNKNOWN_TYPE, "{refused:?}");
        }
    }
}
