//! The fields of a form by name, in whatever encoding they came. It does not judge their values.

use crate::call_log::CallName;
use crate::content::Content;
use crate::ledger::Payload;
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// The names that the contract knows, in the order in which `FastAPI` would declare and judge them.
pub(crate) const NAMES: [&str; 9] =
    ["operation", "file_path", "new_path", "size", "file_type", "metadata", "permissions", "owner", "group"];

/// The fields that came. An empty one counts as missing, as in `FastAPI`'s forms; of two with one name the later counts.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    values: [Option<String>; NAMES.len()],
    /// Every name in the order of arrival, also unknown ones.
    pub(crate) arrived: Vec<String>,
    /// The name that came with the part `file`.
    pub(crate) file_name: Option<String>,
    /// `file` came as text: it is no upload.
    pub(crate) file_is_text: bool,
}

impl Fields {
    pub(crate) fn set(&mut self, name: &str, value: String) {
        if name == "file" {
            self.file_is_text = !value.is_empty();
        } else if let Some(place) = NAMES.iter().position(|known| *known == name) {
            self.values[place] = (!value.is_empty()).then_some(value);
        }
    }

    pub(crate) fn get(&self, name: &'static str) -> Option<&str> {
        let place = NAMES.iter().position(|known| *known == name).expect("invariant: asked for by the contract's names only");
        self.values[place].as_deref()
    }

    /// What the call is asked to do, as far as it is said.
    pub(crate) fn operation(&self, call: CallName) -> Option<&str> {
        match call {
            CallName::SaveToDisk => self.get("operation"),
            CallName::UpdatePermissions => {
                let is_set = ["permissions", "owner", "group"].iter().any(|name| self.get(name).is_some());
                Some(if is_set { "set" } else { "get" })
            }
            CallName::Health | CallName::PubSubFullList | CallName::ReportResults => None,
        }
    }
}

/// A request that arrived whole.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) fields: Fields,
    pub(crate) content: Option<Content>,
    /// The body of a call that takes no form.
    pub(crate) raw: Bytes,
}

impl Received {
    /// What the ledger compares. Every part goes in with its length, so that no two requests read alike.
    pub(crate) fn payload(&self, call: CallName) -> Payload {
        let mut hash = Sha256::new();
        let mut part = |part: Option<&[u8]>| {
            hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
            hash.update(part.unwrap_or_default());
        };
        part(Some(call.as_str().as_bytes()));
        for value in &self.fields.values {
            part(value.as_deref().map(str::as_bytes));
        }
        part(Some(&self.raw));
        part(self.content.as_ref().map(|content| content.sha256.as_bytes()));
        Payload(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(call: CallName, fields: &[(&str, &str)]) -> Payload {
        let mut received = Received::default();
        for (name, value) in fields {
            received.fields.set(name, (*value).to_owned());
        }
        received.payload(call)
    }

    #[test]
    fn the_payload_is_what_is_asked_for_and_not_how_it_is_written() {
        use CallName::{SaveToDisk, UpdatePermissions};
        let plain = payload(SaveToDisk, &[("file_path", "a"), ("operation", "delete")]);
        assert_eq!(plain, payload(SaveToDisk, &[("operation", "delete"), ("file_path", "a"), ("new_path", "")]));
        for other in [
            payload(UpdatePermissions, &[("file_path", "a"), ("operation", "delete")]),
            payload(SaveToDisk, &[("file_path", "b"), ("operation", "delete")]),
            payload(SaveToDisk, &[("file_path", "a"), ("operation", "get")]),
            payload(SaveToDisk, &[("file_path", "a"), ("operation", "delete"), ("new_path", "b")]),
        ] {
            assert_ne!(plain, other);
        }
        assert_ne!(payload(UpdatePermissions, &[("owner", "ab")]), payload(UpdatePermissions, &[("owner", "a"), ("group", "b")]));
    }
}
