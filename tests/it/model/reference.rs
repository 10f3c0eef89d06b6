//! What a run that meets no trouble must come to, in a page: the tables of the design over plain maps.

use super::op::Setup;
use std::collections::BTreeMap;

/// A file as the reference sees it: which file it is, and what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) content: u8,
}

/// What the file manager must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    pub(crate) files: BTreeMap<String, File>,
    ids: u64,
}

impl Reference {
    /// A listing, compared with what is held.
    pub(crate) fn list(&mut self, objects: &BTreeMap<String, u8>, setup: Setup, allowed: Option<u64>) {
        let seen: BTreeMap<_, _> = objects.iter().filter(|(key, _)| key.starts_with(setup.prefix)).collect();
        for (key, content) in &seen {
            self.hold(key, **content);
        }
        let gone: Vec<_> = self.files.keys().filter(|key| key.starts_with(setup.prefix) && !seen.contains_key(key)).cloned().collect();
        let said = allowed.unwrap_or(0);
        // A bucket that shows nothing at all is more often a mistake than a wish.
        let limit = if seen.is_empty() { said } else { said.max(setup.max_delete) };
        if gone.len() as u64 <= limit {
            self.files.retain(|key, _| !gone.contains(key));
        }
    }

    fn hold(&mut self, key: &str, content: u8) {
        self.ids += 1;
        let new = File { id: self.ids, content };
        self.files.entry(key.to_owned()).and_modify(|file| file.content = content).or_insert(new);
    }
}
