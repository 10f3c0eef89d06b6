//! How often each key and each path had an effect: the view of the ledger by which a test sees that everything happened once.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Effects counted; a replayed answer, a look and a refusal are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// All of them.
    pub total: u64,
    /// Those of each `Idempotency-Key`: never more than one.
    pub by_key: BTreeMap<String, u64>,
    /// Those of each `file_path`, by what was done: `create`, `update`, `rename`, `move`, `delete`, or `set` for permissions.
    pub by_path: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Effects {
    pub(crate) fn count(&mut self, key: Option<&str>, path: &str, operation: &str) {
        self.total += 1;
        if let Some(key) = key {
            *self.by_key.entry(key.to_owned()).or_default() += 1;
        }
        let of_path = self.by_path.entry(path.to_owned()).or_default();
        *of_path.entry(operation.to_owned()).or_default() += 1;
    }

    /// How often `operation` had its effect on `path`.
    pub fn of(&self, path: &str, operation: &str) -> u64 {
        self.by_path.get(path).and_then(|done| done.get(operation)).copied().unwrap_or(0)
    }
}
