//! The metadata that travel with an object's content: the MIME type, the other headers that describe it, the user's own.

use std::collections::BTreeMap;

/// The metadata that describe an object's content. They decide nothing: a value that cannot be sent or read is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectMetadata {
    /// MIME type.
    pub content_type: Option<String>,
    /// `gzip`, …
    pub content_encoding: Option<String>,
    /// `de`, …
    pub content_language: Option<String>,
    /// `attachment; filename="a.txt"`, …
    pub content_disposition: Option<String>,
    /// `max-age=60`, …
    pub cache_control: Option<String>,
    /// The user's own, by name without `x-amz-meta-` and in lower case. Values are as the server sends them: some servers encode those that
    /// are not ASCII.
    pub user: BTreeMap<String, String>,
}

impl ObjectMetadata {
    /// The metadata of an object with only a MIME type.
    pub fn of_type(content_type: impl Into<String>) -> Self {
        Self { content_type: Some(content_type.into()), ..Self::default() }
    }
}
