//! The numbers of effects by key and by path: a test checks with them that everything happened once.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts of effects. A replayed response, a get and a refusal are not effects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// All effects.
    pub total: u64,
    /// Effects by `Idempotency-Key`: never more than one each.
    pub by_key: BTreeMap<String, u64>,
    /// Effects by `file_path` and operation: `create`, `update`, `rename`, `move`, `delete`, or `set` for permissions.
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

    /// Number of effects of `operation` on `path`.
    pub fn of(&self, path: &str, operation: &str) -> u64 {
        self.by_path.get(path).and_then(|done| done.get(operation)).copied().unwrap_or(0)
    }
}
