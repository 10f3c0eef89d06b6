//! The permissions set for paths, and the rule by suffix for all others. A path needs no file to have permissions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The permissions of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// `rw-r--r--`, or whatever text was set.
    pub permissions: String,
    /// The owner.
    pub owner: String,
    /// The group.
    pub group: String,
}

impl Permissions {
    /// The rule by suffix, for a path without set permissions.
    pub(crate) fn by_suffix(path: &str) -> Self {
        const RULES: [(&[&str], [&str; 3]); 3] = [
            (&[".txt", ".md", ".log"], ["rw-r--r--", "user", "users"]),
            (&[".py", ".js", ".sh"], ["rwxr-xr-x", "developer", "dev"]),
            (&[".jpg", ".png", ".pdf"], ["rw-r-----", "content", "media"]),
        ];
        let rule = RULES.iter().find(|(suffixes, _)| suffixes.iter().any(|suffix| path.ends_with(suffix)));
        let [permissions, owner, group] = rule.map_or(["rw-rw-r--", "system", "system"], |(_, answer)| *answer).map(str::to_owned);
        Self { permissions, owner, group }
    }
}

/// The fields of a set; a field that is `None` stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) permissions: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) group: Option<String>,
}

impl Wanted {
    /// Only a path was given.
    pub(crate) fn is_get(&self) -> bool {
        self.permissions.is_none() && self.owner.is_none() && self.group.is_none()
    }
}

/// The paths with set permissions, and their times.
#[derive(Debug, Default)]
pub(crate) struct PermissionBook {
    set: HashMap<String, (Permissions, Timestamp)>,
}

impl PermissionBook {
    pub(crate) fn get(&self, path: &str) -> (Permissions, Option<Timestamp>) {
        match self.set.get(path) {
            Some((permissions, at)) => (permissions.clone(), Some(*at)),
            None => (Permissions::by_suffix(path), None),
        }
    }

    pub(crate) fn set(&mut self, path: &str, wanted: Wanted, now: Timestamp) -> Permissions {
        let before = self.get(path).0;
        let after = Permissions {
            permissions: wanted.permissions.unwrap_or(before.permissions),
            owner: wanted.owner.unwrap_or(before.owner),
            group: wanted.group.unwrap_or(before.group),
        };
        self.set.insert(path.to_owned(), (after.clone(), now));
        after
    }

    pub(crate) fn forget(&mut self, path: &str) {
        self.set.remove(path);
    }

    /// Moves the permissions with the file; if it has none, those of the target stay.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        if let Some(said) = self.set.remove(from) {
            self.set.insert(to.to_owned(), said);
        }
    }
}
