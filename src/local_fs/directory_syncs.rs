//! Directories whose changes are not on disk yet. A group of files shares them, so that a directory is synced once for all its files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Collects the directories that operations changed. What they report is on disk only after [`super::Root::sync`].
#[derive(Debug, Default)]
pub struct DirectorySyncs(BTreeSet<PathBuf>);

impl DirectorySyncs {
    /// Adds the directory of this path.
    pub(super) fn add_parent_of(&mut self, path: &Path) {
        if let Some(parent) = path.parent() {
            self.0.insert(parent.to_owned());
        }
    }

    /// Takes the directories in `other` as well.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The number of directories.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_paths(self) -> impl Iterator<Item = PathBuf> {
        self.0.into_iter()
    }
}
