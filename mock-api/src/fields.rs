//! The fields of a form by name, in any encoding. It does not check their values.

use crate::call_log::CallName;
use crate::content::Content;
use crate::ledger::Payload;
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// The names of the contract, in the order in which `FastAPI` would declare and check them.
pub(crate) const NAMES: [&str; 9] =
    ["operation", "file_path", "new_path", "size", "file_type", "metadata", "permissions", "owner", "group"];

/// The received fields. An empty field counts as missing, as in `FastAPI`'s forms; of several with one name, the last one counts.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    values: [Option<String>; NAMES.len()],
    /// Every name in the order received, including unknown ones.
    pub(crate) arrived: Vec<String>,
    /// The file name of the part `file`.
    pub(crate) file_name: Option<String>,
    /// `file` was sent as text, so it is no upload.
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
        let place = NAMES.iter().position(|known| *known == name).expect("invariant: called only with the contract's names");
        self.values[place].as_deref()
    }

    /// The call's operation, if it is given.
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

/// A completely received request.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) fields: Fields,
    pub(crate) content: Option<Content>,
    /// The body of a call without a form.
    pub(crate) raw: Bytes,
}

impl Received {
    /// The hash that the ledger compares. Every part is hashed with its length, so that different requests never have the same input.
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
    fn the_payload_depends_on_the_request_and_not_on_its_encoding() {
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
