//! The object metadata that an intent stores as JSON. A call that is sent again must be identical, but the object's metadata may have
//! changed since, for example its storage class.

use crate::record::{ETag, ObjectFacts};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The stored metadata. The size is missing, because the intent's fingerprint has it. Unknown fields, written by older versions, are
/// ignored.
#[derive(Serialize, Deserialize)]
struct StoredMetadata {
    etag: Option<ETag>,
    storage_class: Option<String>,
    last_modified: Option<Timestamp>,
    version_id: Option<String>,
}

/// The JSON for an intent.
pub(super) fn to_json(facts: &ObjectFacts) -> Option<String> {
    let ObjectFacts { size: _, etag, last_modified, storage_class, version_id } = facts.clone();
    serde_json::to_string(&StoredMetadata { etag, storage_class, last_modified, version_id }).ok()
}

/// The metadata from an intent's JSON; without usable JSON, the current metadata.
pub(super) fn from_json(text: Option<&str>, now: &ObjectFacts) -> ObjectFacts {
    let Some(StoredMetadata { etag, storage_class, last_modified, version_id }) = text.and_then(|text| serde_json::from_str(text).ok())
    else {
        return now.clone();
    };
    ObjectFacts { size: now.size, etag, last_modified, storage_class, version_id }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(class: Option<&str>, version: Option<&str>) -> ObjectFacts {
        ObjectFacts {
            size: 3,
            etag: ETag::parse("e\"-2"),
            last_modified: "2024-01-15T10:00:00.5Z".parse().ok(),
            storage_class: class.map(str::to_owned),
            version_id: version.map(str::to_owned),
        }
    }

    #[test]
    fn an_open_intent_keeps_its_metadata_when_the_object_changes() {
        let moved = facts(Some("GLACIER_IR"), None);
        for then in [facts(None, None), facts(Some("STANDARD_IA"), Some("v1")), ObjectFacts { last_modified: None, ..facts(None, None) }] {
            assert_eq!(from_json(to_json(&then).as_deref(), &moved), then);
        }
    }

    /// An older version stored the file manager's metadata there.
    #[test]
    fn metadata_of_an_older_version_is_read_and_missing_metadata_is_the_current_one() {
        let text = r#"{"etag":"e\"-2","last_modified":"2024-01-15T10:00:00.5Z","source":"customer_s3","storage_class":"STANDARD"}"#;
        assert_eq!(from_json(Some(text), &facts(None, Some("v"))), facts(Some("STANDARD"), None));
        for unusable in [None, Some(""), Some("[]"), Some("{\"last_modified\":\"once\"}")] {
            assert_eq!(from_json(unusable, &facts(None, None)), facts(None, None), "{unusable:?}");
        }
    }
}
