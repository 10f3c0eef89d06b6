//! The name of a sink, in flags, reports, metrics and the state.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A sink's name.
///
/// - It is not empty, and at most 32 bytes long.
/// - It consists of lower-case ASCII letters, digits and `_`, and begins with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SinkName(Arc<str>);

/// The error for a text that is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a sink: lower-case letters, digits and _, a letter first, 32 at most")]
pub struct InvalidSinkName(String);

impl SinkName {
    /// The maximum length, in bytes.
    pub const MAX_BYTES: usize = 32;

    /// The file manager's name.
    pub fn file_manager() -> Self {
        Self("file_manager".into())
    }

    /// The name in a sentence: `the file manager`, `the sink mirror`.
    pub fn in_words(&self) -> String {
        if *self == Self::file_manager() { "the file manager".to_owned() } else { format!("the sink {self}") }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SinkName {
    type Err = InvalidSinkName;

    fn from_str(text: &str) -> Result<Self, InvalidSinkName> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for SinkName {
    type Error = InvalidSinkName;

    fn try_from(text: String) -> Result<Self, InvalidSinkName> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let valid = text.len() <= Self::MAX_BYTES && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(word);
        if valid { Ok(Self(text.into())) } else { Err(InvalidSinkName(text)) }
    }
}

impl From<SinkName> for String {
    fn from(name: SinkName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_short_word_in_lower_case() {
        for (text, valid) in [
            ("file_manager", true),
            ("backup2", true),
            ("", false),
            ("2nd", false),
            ("_a", false),
            ("Mirror", false),
            ("a-b", false),
            ("ä", false),
            ("a'b", false),
        ] {
            assert_eq!(text.parse::<SinkName>().is_ok(), valid, "{text:?}");
        }
        assert!("a".repeat(32).parse::<SinkName>().is_ok() && "a".repeat(33).parse::<SinkName>().is_err());
    }
}
