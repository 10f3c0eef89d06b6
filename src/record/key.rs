//! An object's name in its bucket, byte for byte. It is never used as a path of a file system.

use super::Escaped;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The key of an object.
///
/// - It is never decoded, normalised, trimmed or joined.
/// - It is not empty. Everything else is allowed: `..`, NUL, line breaks, terminal escapes.
/// - Its order is the order of its UTF-8 bytes, which is the order in which S3 lists.
/// - `Display` and `Debug` escape characters that could forge a log line or control a terminal; [`ObjectKey::as_str`] is the raw name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

/// The error for an empty key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an object key must not be empty")]
pub struct EmptyKey;

impl ObjectKey {
    /// Accepts any non-empty name.
    pub fn new(raw: impl Into<String>) -> Result<Self, EmptyKey> {
        let raw = raw.into();
        if raw.is_empty() { Err(EmptyKey) } else { Ok(Self(raw)) }
    }

    /// The raw name, for requests and the database. Never use it for a terminal, a log or a file path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for a directory marker: an empty object whose key ends in `/`, which consoles create to show a folder. It is not a file.
    pub fn is_directory_marker(&self, size: u64) -> bool {
        size == 0 && self.0.ends_with('/')
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = EmptyKey;
    fn try_from(raw: String) -> Result<Self, EmptyKey> {
        Self::new(raw)
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.0).fmt(f)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displayed_text_cannot_forge_a_line_or_control_a_terminal() {
        for (raw, shown) in [
            ("docs/Über uns.pdf", "docs/Über uns.pdf"),
            ("x\n[INFO] forged", "x\\u{a}[INFO] forged"),
            ("\u{1b}[2Jx", "\\u{1b}[2Jx"),
            ("a\u{202e}txt.exe", "a\\u{202e}txt.exe"),
            ("a\0b", "a\\u{0}b"),
            ("a\u{85}b\u{2028}", "a\\u{85}b\\u{2028}"),
        ] {
            assert_eq!(ObjectKey::new(raw).map(|key| key.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn only_the_empty_key_is_refused() {
        assert_eq!(ObjectKey::new(""), Err(EmptyKey));
        assert!(ObjectKey::new("..").is_ok());
    }

    #[test]
    fn a_directory_marker_is_empty_and_ends_in_a_slash() {
        for (raw, size, expected) in [("a/", 0, true), ("a/", 1, false), ("a", 0, false)] {
            assert_eq!(ObjectKey::new(raw).map(|key| key.is_directory_marker(size)), Ok(expected), "{raw} {size}");
        }
    }
}
